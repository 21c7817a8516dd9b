package userevent

import (
	"slices"
	"sync"
	"sync/atomic"
)

// maxKept is how many events an agent remembers (reference/internals.md §7).
const maxKept = 256

// Ring holds the last events that came to an agent. Call NewRing.
type Ring struct {
	adding sync.Mutex // one Add at a time
	now    atomic.Pointer[generation]
}

// generation is what the ring holds between two events.
type generation struct {
	events []*Event // oldest first
	over   chan struct{}
}

// NewRing returns an empty ring.
func NewRing() *Ring {
	r := new(Ring)
	r.now.Store(&generation{over: make(chan struct{})})
	return r
}

// Add keeps an event, in place of the oldest when the ring is full, and wakes
// who waits. One that is there already, by its ID, changes nothing: gossip may
// bring an event twice.
func (r *Ring) Add(e *Event) {
	r.adding.Lock()
	defer r.adding.Unlock()
	old := r.now.Load()
	if slices.ContainsFunc(old.events, func(o *Event) bool { return o.ID == e.ID }) {
		return
	}
	kept := old.events[max(0, len(old.events)-maxKept+1):]
	r.now.Store(&generation{
		events: append(append(make([]*Event, 0, len(kept)+1), kept...), e),
		over:   make(chan struct{}),
	})
	close(old.over)
}

// Events lists what is kept, oldest first, and a channel that closes with the
// next Add. The list is shared: do not change it.
func (r *Ring) Events() ([]*Event, <-chan struct{}) {
	now := r.now.Load()
	return now.events, now.over
}
