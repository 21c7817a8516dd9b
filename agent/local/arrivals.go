package local

import (
	"context"
	"time"
)

// awaitAtMost bounds how long a registration waits for the catalog.
const awaitAtMost = time.Second

// arrivals lets those who changed something wait until it has been sent. It is
// guarded by State.mu.
type arrivals struct {
	underWay bool          // something was taken and has not been sent yet
	down     bool          // the last attempt reached no server
	next     chan struct{} // of those who wait for what is dirty now; nil for none
}

// join is closed once what is dirty now and what is under way has been sent.
func (a *arrivals) join() <-chan struct{} {
	if a.next == nil {
		a.next = make(chan struct{})
	}
	return a.next
}

// cut hands over those who wait, to be released when what was taken has been sent.
func (a *arrivals) cut() chan struct{} {
	waiting := a.next
	a.next = nil
	return waiting
}

func release(waiting chan struct{}) {
	if waiting != nil {
		close(waiting)
	}
}

// unreached notes whether servers can be reached. While they cannot, nobody waits.
func (s *State) unreached(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals.down = down
	if down {
		s.arrivals.underWay = false
		release(s.arrivals.cut())
	}
}

// Await waits until the catalog has, or has refused, what was changed here before
// the call: who registers and then asks the catalog finds it there. It waits a second
// at most, and not at all while no server can be reached: anti-entropy sends later
// what is missing.
func (s *State) Await(ctx context.Context) {
	sent := s.unsent()
	if sent == nil {
		return
	}
	timeout := time.NewTimer(awaitAtMost)
	defer timeout.Stop()
	select {
	case <-sent:
	case <-timeout.C:
	case <-ctx.Done():
	}
}

// unsent is what to wait for, nil for nothing.
func (s *State) unsent() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrivals.down || s.dirty.empty() && !s.arrivals.underWay {
		return nil
	}
	s.nudge()
	return s.arrivals.join()
}
