package raftstore

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// IsLeader reports whether this server leads, as far as it knows.
func (s *Store) IsLeader() bool { return s.raft.State() == raft.Leader }

// Leader returns the leader's ID and address, "" if none is known.
func (s *Store) Leader() (id, address string) {
	addr, sid := s.raft.LeaderWithID()
	return string(sid), string(addr)
}

// LeaderChanged returns a channel that closes when Leader's answer changes
// next. To miss nothing, ask for it before Leader.
func (s *Store) LeaderChanged() <-chan struct{} { return s.leader.changed() }

// Leadership delivers true when this server starts to lead and false when it
// stops, strictly alternating. One reader: a slow one misses whole terms, but
// not the end of one it was told of. The channel is never closed.
func (s *Store) Leadership() <-chan bool { return s.leader.out }

// TransferLeadership hands leadership to the most current other voter.
func (s *Store) TransferLeadership() error {
	// raft's call takes no context and ends by its own timeout.
	return translate(s.calls.do(context.Background(), func() error {
		s.sieve.silent.rouse()
		return s.raft.LeadershipTransfer().Error()
	}))
}

// TransferLeadershipTo hands leadership to one other voter.
func (s *Store) TransferLeadershipTo(id, address string) error {
	// raft's call takes no context and ends by its own timeout.
	return translate(s.calls.do(context.Background(), func() error {
		s.sieve.silent.rouse()
		return s.raft.LeadershipTransferToServer(raft.ServerID(id), raft.ServerAddress(address)).Error()
	}))
}

// LastContact is the time since the leader was heard, -1 if never. On the leader it
// is 0 while it holds its lease, and the age of that afterwards.
func (s *Store) LastContact() time.Duration {
	switch {
	case s.HoldsLease():
		return 0
	case s.IsLeader():
		return max(s.lease.since(s.raft.CurrentTerm()), 0)
	}
	last := s.raft.LastContact()
	if last.IsZero() {
		return -1
	}
	return time.Since(last)
}

// leaderWatch follows what raft says about leadership. Its one goroutine never
// lets raft wait.
type leaderWatch struct {
	raft     *raft.Raft
	observer *raft.Observer
	out      chan bool
	stopping chan struct{}
	stopped  chan struct{}

	mu sync.Mutex

	id     raft.ServerID
	addr   raft.ServerAddress
	change chan struct{} // closed at the next change
}

func watchLeader(r *raft.Raft, notify <-chan bool) *leaderWatch {
	w := &leaderWatch{
		raft: r, out: make(chan bool),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
		change: make(chan struct{}),
	}
	// An observation only says "look again": one place is enough, and raft
	// drops what does not fit.
	seen := make(chan raft.Observation, 1)
	w.observer = raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.RegisterObserver(w.observer)
	w.look()
	go w.run(seen, notify) // stop waits
	return w
}

func (w *leaderWatch) run(seen <-chan raft.Observation, notify <-chan bool) {
	defer close(w.stopped)
	var pending turns
	for {
		var out chan<- bool
		var next bool
		if len(pending) > 0 {
			out, next = w.out, pending[0]
		}
		select {
		case <-seen:
		case lead := <-notify: // raft forgets a leader that steps down without an observation
			pending = pending.add(lead)
		case out <- next:
			pending = pending[1:]
			continue
		case <-w.stopping:
			return
		}
		w.look()
	}
}

// turns are changes of leadership nobody took yet. They alternate, and there
// are at most two: a term that began and ended in between is left out.
type turns []bool

func (t turns) add(lead bool) turns {
	t = append(t, lead)
	if len(t) > 2 {
		t = t[:len(t)-2]
	}
	return t
}

// look wakes those who wait for a change, if there was one.
func (w *leaderWatch) look() {
	addr, id := w.raft.LeaderWithID()
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == w.id && addr == w.addr {
		return
	}
	w.id, w.addr = id, addr
	close(w.change)
	w.change = make(chan struct{})
}

func (w *leaderWatch) changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.change
}

// stop ends the watch, after raft.
func (w *leaderWatch) stop() {
	w.raft.DeregisterObserver(w.observer)
	close(w.stopping)
	<-w.stopped
}
