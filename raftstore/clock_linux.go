package raftstore

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readingLasts is how long boot goes by an earlier reading of the system's
	// clock, which takes a system call, unlike time.Now.
	readingLasts = time.Second
	// wallSlack is how far wall clock and monotonic clock may drift apart
	// meanwhile: adjusted clocks do by less than 1 ms a second, sleep by all of it.
	wallSlack = 5 * time.Millisecond
	// readingTakes is how long the reading itself may take, which makes it inexact.
	readingTakes = time.Millisecond
)

// reading is one of CLOCK_BOOTTIME.
type reading struct {
	at   time.Time
	boot time.Duration
}

var lastReading atomic.Pointer[reading]

// boot is CLOCK_BOOTTIME, to a millisecond: it does not go back, and runs while the
// machine sleeps. Go's monotonic clock does not run then, but the wall clock does:
// as long as both go on alike the machine has not slept.
func boot() time.Duration {
	now := time.Now()
	if r := lastReading.Load(); r != nil {
		ran := now.Sub(r.at)
		wall := time.Duration(now.UnixNano() - r.at.UnixNano())
		if ran < readingLasts && (wall-ran).Abs() < wallSlack {
			return r.boot + ran
		}
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return monotonic() // no kernel since 2.6.39 refuses
	}
	r := &reading{at: now, boot: time.Duration(ts.Nano())}
	if time.Since(now) < readingTakes {
		lastReading.Store(r)
	}
	return r.boot
}
