package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SyncFolder makes the names in a folder last, where folders can be synced.
func (d *Disk) SyncFolder(name, dir string) error {
	err := d.Step(name + ":syncdir")
	if err == nil {
		sync := d.Folder
		if sync == nil {
			sync = syncFolder
		}
		if err = sync(filepath.Clean(dir)); cannotSync(err) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// cannotSync reports whether an error says that a folder cannot be synced, not that
// its sync failed: Windows denies it to everybody, some network file systems call it
// an invalid argument, and who may write in a folder need not be allowed to read it.
func cannotSync(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || isOwnDenial(err)
}
