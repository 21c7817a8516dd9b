package leaf

import (
	"fmt"
	"time"
)

// MaxLeaves is for tests.
const MaxLeaves = maxLeaves

// Fill puts leaves of n services into l, which were asked for last at a time each a moment
// after the one before, and last until a day later.
func (l *Leaves) Fill(n int, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		name := fmt.Sprint("filled-", i)
		over := asked.Add(24 * time.Hour)
		l.held[name] = &held{
			service: name, signing: make(chan struct{}, 1), changed: make(chan struct{}), asked: asked.Add(time.Duration(i)), due: over,
			leaf: &Leaf{Service: name, Index: 1, ValidBefore: over},
		}
	}
}

// Holds reports whether something is known of a service's leaf.
func (l *Leaves) Holds(service string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[service] != nil
}
