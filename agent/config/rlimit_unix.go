//go:build unix

package config

import "syscall"

// MaxOpenFiles is how many files this process may have open, false where that is not known.
func MaxOpenFiles() (uint64, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true
}
