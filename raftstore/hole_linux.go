package raftstore

import (
	"errors"
	"os"
	"syscall"
)

// nextData returns the first offset from at on where f may hold something,
// or a huge one if nothing follows: what was only set aside is not read.
func nextData(f *os.File, at int64) int64 {
	const seekData = 3
	next, err := f.Seek(at, seekData)
	if err == nil {
		return next
	}
	if errors.Is(err, syscall.ENXIO) {
		return 1<<63 - 1
	}
	return at
}
