package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// SyncData makes what was written to a file last, and of what is known about the file
// only what it takes to read that again: fdatasync(2). Sync also writes the time of
// the last change, which is a commit of the file system's own journal each time.
func SyncData(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error = unix.EINTR // what is asked again
	err = raw.Control(func(fd uintptr) {
		for failed == unix.EINTR {
			failed = unix.Fdatasync(int(fd))
		}
	})
	if err == nil && failed != nil {
		err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: failed}
	}
	return err
}
