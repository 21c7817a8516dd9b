package local

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"praetor/internal/regular"
)

// disk does the file operations that must last. Each has a label; before, when
// set, runs first with it, and its error stands in for the operation's.
type disk struct {
	before func(label string) error
}

func (d *disk) step(label string) error {
	if d.before == nil {
		return nil
	}
	return d.before(label)
}

// maxJournal bounds, in bytes, what a start reads of a journal. A full one of ten
// thousand services takes a few dozen MiB.
const maxJournal = 1 << 30

func (d *disk) read(path string) ([]byte, error) {
	if err := d.step("journal:read"); err != nil {
		return nil, err
	}
	return regular.Read(path, maxJournal)
}

func (d *disk) open(path string) (*os.File, error) {
	if err := d.step("journal:open"); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

func (d *disk) writeAt(f *os.File, data []byte, offset int64) error {
	if err := d.step("journal:write"); err != nil {
		return err
	}
	_, err := f.WriteAt(data, offset)
	return err
}

func (d *disk) sync(f *os.File) error {
	if err := d.step("journal:sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) truncate(f *os.File, size int64) error {
	if err := d.step("journal:truncate"); err != nil {
		return err
	}
	return f.Truncate(size)
}

// writeTemp makes path a new file, synced, with what fill writes after a head,
// which is asked for last.
func (d *disk) writeTemp(path string, head func() []byte, fill func(io.Writer) error) (err error) {
	if err := d.step("compact:create"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	w := bufio.NewWriterSize(f, 64<<10)
	if err := d.step("compact:write"); err != nil {
		return err
	}
	if _, err := w.Write(head()); err != nil {
		return err
	}
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := f.WriteAt(head(), 0); err != nil {
		return err
	}
	if err := d.step("compact:sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) rename(from, to string) error {
	if err := d.step("compact:rename"); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (d *disk) syncDir(dir string) error {
	if err := d.step("compact:syncdir"); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	f, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
