//go:build unix

package agent

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// monotonicMicroseconds is CLOCK_MONOTONIC, "0" where it cannot be read.
func monotonicMicroseconds() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "0"
	}
	return strconv.FormatInt(now.Nano()/1000, 10)
}
