package local

import (
	"bufio"
	"io"
	"os"

	"praetor/internal/durable"
	"praetor/internal/regular"
)

// disk does the file operations of the journal.
type disk struct{ durable.Disk }

// maxJournal bounds, in bytes, what a start reads of a journal. A full one of ten
// thousand services takes a few dozen MiB.
const maxJournal = 1 << 30

func (d *disk) read(path string) ([]byte, error) {
	if err := d.Step("journal:read"); err != nil {
		return nil, err
	}
	return regular.Read(path, maxJournal)
}

func (d *disk) open(path string) (*os.File, error) {
	if err := d.Step("journal:open"); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

func (d *disk) writeAt(f *os.File, data []byte, offset int64) error {
	if err := d.Step("journal:write"); err != nil {
		return err
	}
	_, err := f.WriteAt(data, offset)
	return err
}

func (d *disk) sync(f *os.File) error {
	if err := d.Step("journal:sync"); err != nil {
		return err
	}
	return durable.SyncData(f)
}

var zeros [aheadBytes]byte

// writeZeros writes at most aheadBytes. They are written, not only set aside: blocks
// that are set aside are marked as written by the first sync of something in them, which
// costs as much as a new length.
func (d *disk) writeZeros(f *os.File, from, to int64) error {
	if err := d.Step("journal:ahead"); err != nil {
		return err
	}
	_, err := f.WriteAt(zeros[:to-from], from)
	return err
}

func (d *disk) truncate(f *os.File, size int64) error {
	if err := d.Step("journal:truncate"); err != nil {
		return err
	}
	return f.Truncate(size)
}

// writeTemp makes path a new file, synced, with what fill writes after a head,
// which is asked for last.
func (d *disk) writeTemp(path string, head func() []byte, fill func(io.Writer) error) error {
	return d.WriteNew("compact", path, 0o600, func(to *os.File) error {
		w := bufio.NewWriterSize(to, 64<<10)
		if _, err := w.Write(head()); err != nil {
			return err
		}
		if err := fill(w); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := to.WriteAt(head(), 0)
		return err
	})
}
