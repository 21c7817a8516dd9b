package gossip

import "sync"

const (
	// maxPendingUser bounds user events not yet handled: four times what an
	// agent keeps for listing (reference/internals.md §7), at most 512 KiB.
	maxPendingUser = 1024
	// compactAbove is the queue length from which member events are coalesced.
	// Below it a slow handler still sees every step.
	compactAbove = 4096
)

// queue holds events between serf, which must never wait, and Run's handler,
// which may be slow. Beyond compactAbove only the newest event of each member
// is kept, so its length is bounded by the number of members; beyond
// maxPendingUser the oldest user event is dropped and counted.
type queue struct {
	filled chan struct{} // holds one token while there may be something

	mu        sync.Mutex
	events    []Event
	users     int // user events in events
	compactAt int
	dropped   uint64
}

func newQueue() *queue {
	return &queue{filled: make(chan struct{}, 1), compactAt: compactAbove}
}

// push appends an event; it never blocks.
func (q *queue) push(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, e)
	if e.Type == User {
		q.users++
	}
	if q.users > maxPendingUser {
		q.dropOldestUserLocked()
	}
	if len(q.events) > q.compactAt {
		q.compactLocked()
	}
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// pop takes the oldest event.
func (q *queue) pop() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return Event{}, false
	}
	e := q.events[0]
	q.events[0] = Event{}
	q.events = q.events[1:]
	if e.Type == User {
		q.users--
	}
	if len(q.events) == 0 {
		q.events, q.compactAt = nil, compactAbove
	}
	return e, true
}

// droppedUsers counts user events lost to a slow handler.
func (q *queue) droppedUsers() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

func (q *queue) dropOldestUserLocked() {
	for i, e := range q.events {
		if e.Type == User {
			copy(q.events[1:i+1], q.events[:i])
			q.events[0] = Event{}
			q.events = q.events[1:]
			q.users--
			q.dropped++
			return
		}
	}
}

// compactLocked keeps, of all events about one member, the newest. The next
// compaction comes when the queue has doubled, so pushing stays cheap.
func (q *queue) compactLocked() {
	seen := make(map[string]bool, len(q.events))
	kept := len(q.events) // events[kept:] are done, newest last
	for i := len(q.events) - 1; i >= 0; i-- {
		e := q.events[i]
		if e.Type != User {
			e.Members = newestOnly(e.Members, seen)
			if len(e.Members) == 0 {
				continue
			}
		}
		kept--
		q.events[kept] = e
	}
	clear(q.events[:kept])
	q.events = q.events[kept:]
	q.compactAt = max(compactAbove, 2*len(q.events))
}

func newestOnly(members []Member, seen map[string]bool) []Member {
	kept := members[:0]
	for _, m := range members {
		if !seen[m.Name] {
			seen[m.Name] = true
			kept = append(kept, m)
		}
	}
	return kept
}
