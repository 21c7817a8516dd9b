package agent

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes an exclusive lock on f that the system drops with the process.
func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}
