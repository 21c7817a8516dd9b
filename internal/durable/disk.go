package durable

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Disk does the file operations that must last. Its zero value is ready.
type Disk struct {
	// Before, when set, runs before each step with its label, and its error stands in
	// for the step's. Labels are a caller's name and the step: "snapshot:rename".
	Before func(label string) error
	// Folder syncs a folder; nil asks the system.
	Folder func(dir string) error
}

// EnvFaults names a file that says what is wrong with the disk, in programs built with
// -tags faults; others do not look. It is read before each step that has no Before, so that a
// test can change it while the program runs. Each line is a fault:
//
//	wal:sync 0.1 fail
//	*:sync 0.5 200ms
//
// a pattern (path.Match) of the labels that it hits, how often of once, and what happens: the
// step fails with EIO, or takes up to so much longer.
const EnvFaults = "PRAETOR_DISK_FAULTS"

// system is the disk of the functions without one.
var system Disk

// WriteFile makes path hold exactly data, or leaves it as it was.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	return system.WriteFile("", path, data, mode)
}

// Write makes path hold what fill writes, or leaves it as it was.
func Write(path string, mode os.FileMode, fill func(io.Writer) error) error {
	return system.Write("", path, mode, fill)
}

// Move renames a file for good, in place of what bears its new name.
func Move(from, to string) error { return system.Move("", from, to) }

// SyncFolder makes the names in a folder last.
func SyncFolder(dir string) error { return system.SyncFolder("", dir) }

// Step runs before an operation with its label.
func (d *Disk) Step(label string) error {
	if d.Before == nil {
		return outside(label)
	}
	return d.Before(label)
}

// WriteFile makes path hold exactly data, or leaves it as it was. name begins the labels
// here and below.
func (d *Disk) WriteFile(name, path string, data []byte, mode os.FileMode) error {
	return d.Write(name, path, mode, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

// Write makes path hold what fill writes, or leaves it as it was.
func (d *Disk) Write(name, path string, mode os.FileMode, fill func(io.Writer) error) error {
	temp, err := d.writeTemp(name, path, mode, fill)
	if temp == "" {
		return err // which says what could not be made
	}
	if err == nil {
		err = d.Move(name, temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // gone already if only the folder's sync failed
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// tempMode is what os.CreateTemp gives its files.
const tempMode os.FileMode = 0o600

// writeTemp writes a new file beside path, whose name it returns if there is one.
func (d *Disk) writeTemp(name, path string, mode os.FileMode, fill func(io.Writer) error) (temp string, err error) {
	if err := d.Step(name + ":create"); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp*")
	if err != nil {
		return "", err
	}
	return f.Name(), d.fill(name, f, func(f *os.File) error {
		if err := fill(f); err != nil || mode == tempMode {
			return err
		}
		return f.Chmod(mode)
	})
}

// WriteNew writes a file that nobody looks at before it got another name: synced, but
// under its own name at once.
func (d *Disk) WriteNew(name, path string, mode os.FileMode, fill func(*os.File) error) error {
	if err := d.Step(name + ":create"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return d.fill(name, f, fill)
}

// fill writes and syncs a file, and closes it in any case.
func (d *Disk) fill(name string, f *os.File, fill func(*os.File) error) (err error) {
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	if err := d.Step(name + ":write"); err != nil {
		return err
	}
	if err := fill(f); err != nil {
		return err
	}
	if err := d.Step(name + ":sync"); err != nil {
		return err
	}
	return f.Sync()
}

// Rename renames a file in place of what bears its new name. It is there for good
// once its folder is synced.
func (d *Disk) Rename(name, from, to string) error {
	if err := d.Step(name + ":rename"); err != nil {
		return err
	}
	return rename(from, to)
}

// Move renames a file for good, in place of what bears its new name.
func (d *Disk) Move(name, from, to string) error {
	if err := d.Rename(name, from, to); err != nil {
		return err
	}
	return d.SyncFolder(name, filepath.Dir(to))
}

// Link gives from the name to, which must not exist yet; another process that
// was faster is no error. from goes away.
func (d *Disk) Link(name, from, to string) error {
	if err := d.Step(name + ":rename"); err != nil {
		return err
	}
	err := os.Link(from, to)
	switch {
	case err == nil, os.IsExist(err):
		err = os.Remove(from)
	default: // no hard links here
		err = rename(from, to)
	}
	if err != nil {
		return err
	}
	return d.SyncFolder(name, filepath.Dir(to))
}

// Remove deletes a file for good. A file that is not there is fine.
func (d *Disk) Remove(name, path string) error {
	if err := d.Step(name + ":remove"); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	return d.SyncFolder(name, filepath.Dir(path))
}
