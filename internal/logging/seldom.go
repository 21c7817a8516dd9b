package logging

import (
	"sync/atomic"
	"time"
)

// seldomPause is the least time between two lines of a Seldom.
const seldomPause = time.Second

// Seldom thins out a log line that strangers can provoke, so that they cannot fill a
// disk. The zero value lets the first line pass. Any goroutine may ask.
type Seldom struct {
	last atomic.Int64 // Unix nanoseconds
	left atomic.Int64 // lines left out since
}

// Due reports whether it is time for a line, and how many were left out before it.
func (s *Seldom) Due(now time.Time) (left int64, due bool) {
	last := s.last.Load()
	if now.UnixNano()-last >= int64(seldomPause) && s.last.CompareAndSwap(last, now.UnixNano()) {
		return s.left.Swap(0), true
	}
	s.left.Add(1)
	return 0, false
}
