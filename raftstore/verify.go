package raftstore

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// VerifyLeader returns when a quorum of voters confirmed, asked after the call
// began, that this server leads; fault.NoLeader otherwise. Callers that wait at the same time
// share one confirmation.
func (s *Store) VerifyLeader(ctx context.Context) error {
	s.verified.Incr()
	return translateRead(s.verify.wait(ctx, s.calls))
}

// verifier runs one confirmation after another as long as somebody waits. Who
// comes while one is under way waits for the next: the running one may have
// been confirmed before he asked.
type verifier struct {
	confirm func() error

	mu sync.Mutex

	running bool
	next    *confirmation // nil: nobody waits for it yet
}

type confirmation struct {
	done chan struct{}
	err  error // once done is closed
}

func (v *verifier) wait(ctx context.Context, calls *calls) error {
	v.mu.Lock()
	c := v.next
	if c == nil {
		c = &confirmation{done: make(chan struct{})}
		v.next = c
	}
	start := !v.running
	if start {
		if !calls.begin() {
			v.next = nil
			v.mu.Unlock()
			return certain(raft.ErrRaftShutdown)
		}
		v.running = true
	}
	v.mu.Unlock()
	if start {
		go func() { // calls.refuse waits
			defer calls.running.Done()
			v.run()
		}()
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return certain(ctx.Err())
	case <-calls.closed:
		return certain(raft.ErrRaftShutdown)
	}
}

func (v *verifier) run() {
	for {
		v.mu.Lock()
		c := v.next
		v.next = nil
		v.running = c != nil
		v.mu.Unlock()
		if c == nil {
			return
		}
		c.err = v.confirm()
		close(c.done)
	}
}
