package raftstore

import "time"

var started = time.Now()

// monotonic is Go's clock: it never goes back.
func monotonic() time.Duration { return time.Since(started) }
