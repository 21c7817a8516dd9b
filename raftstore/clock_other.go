//go:build !linux

package raftstore

import "time"

// boot is Go's monotonic clock. Some systems stop it while the machine sleeps: a
// leader that wakes may count its lease as it stood, for a lease's length.
func boot() time.Duration { return monotonic() }
