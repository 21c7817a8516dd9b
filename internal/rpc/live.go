package rpc

import "time"

// Live tells for how long the reply to a read holds. It stays in this process.
type Live struct {
	// Changed are closed, one at least, once another reply may be right.
	Changed []<-chan struct{}
	// Age is how long ago the reply was last known to be right.
	Age func() time.Duration
}

// Holds reports whether the reply is still right, as far as was known at most
// maxAge ago.
func (l *Live) Holds(maxAge time.Duration) bool {
	for _, changed := range l.Changed {
		select {
		case <-changed:
			return false
		default:
		}
	}
	return l.Age() <= maxAge
}
