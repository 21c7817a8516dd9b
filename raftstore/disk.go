package raftstore

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
)

// disk does the file operations that must last. Each has a label; before, when
// set, runs first with it, and its error stands in for the operation's.
type disk struct {
	before func(label string) error
	logger hclog.Logger // nil: none
}

// Modes of what is in the raft folder: all keys and values, and later tokens.
const (
	folderMode os.FileMode = 0o700
	fileMode   os.FileMode = 0o600
)

func (d *disk) warn(text string, args ...any) {
	if d.logger != nil {
		d.logger.Warn(text, args...)
	}
}

func (d *disk) step(label string) error {
	if d.before == nil {
		return nil
	}
	return d.before(label)
}

// writeWhole makes path hold exactly data, or leaves it as it was: write to a
// temporary file, sync it, rename it, sync the folder. name begins the labels.
func (d *disk) writeWhole(name, path string, data []byte, perm os.FileMode) error {
	tmp := path + ".tmp"
	if err := d.writeSynced(name, tmp, data, perm); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := d.rename(name, tmp, path); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (d *disk) writeSynced(name, path string, data []byte, perm os.FileMode) (err error) {
	if err := d.step(name + ":create"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := d.step(name + ":write"); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := d.step(name + ":sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) rename(name, from, to string) error {
	if err := d.step(name + ":rename"); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return d.syncDir(name, filepath.Dir(to))
}

// link gives from the name to, which must not exist yet; another process that
// was faster is no error. from goes away.
func (d *disk) link(name, from, to string) error {
	if err := d.step(name + ":rename"); err != nil {
		return err
	}
	err := os.Link(from, to)
	switch {
	case err == nil, os.IsExist(err):
		err = os.Remove(from)
	default: // no hard links here
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return d.syncDir(name, filepath.Dir(to))
}

// remove deletes a file for good. A file that is not there is fine.
func (d *disk) remove(name, path string) error {
	if err := d.step(name + ":remove"); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	return d.syncDir(name, filepath.Dir(path))
}

func (d *disk) syncDir(name, dir string) error {
	if err := d.step(name + ":syncdir"); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
