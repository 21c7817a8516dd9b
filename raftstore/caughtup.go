package raftstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// CaughtUp reports whether the machine has all that was committed, of what this server
// had when it last started. A server that starts has its last snapshot until it hears
// from a leader how much of its log is committed, and that takes a while to apply: till
// then the machine is older than what the server showed before.
func (s *Store) CaughtUp() bool {
	if !s.caughtUp.Load() && s.hasApplied(s.raft.CommitIndex()) {
		s.caughtUp.Store(true)
	}
	return s.caughtUp.Load()
}

// applied is told of the last entry of each batch that the machine has.
func (s *Store) applied(l *raft.Log) {
	if s.folder.cached != nil {
		s.folder.cached.applied(l.Index)
	}
	s.progress.made()
	s.announce(l)
}

// hasApplied reports whether the machine has all up to an entry, which is committed. Raft's
// own count is of entries that were queued for it.
func (s *Store) hasApplied(index uint64) bool {
	if index == 0 {
		return false
	}
	done := s.fsm.done.Load()
	for i := index; done < i; i-- {
		var l raft.Log
		err := s.folder.logs.GetLog(i, &l)
		if errors.Is(err, raft.ErrLogNotFound) {
			break // it is in the snapshot, which was read at the start
		}
		if err != nil || l.Type == raft.LogCommand || l.Type == raft.LogConfiguration {
			return false
		}
	}
	if done < index {
		s.fsm.done.CompareAndSwap(done, index) // what follows is not looked up again
	}
	return true
}

// Committed is the newest entry that this server knows to be committed. On the leader that is
// as far as any other server knows, or farther.
func (s *Store) Committed() uint64 { return s.folder.logs.synced(s.raft.CommitIndex()) }

// WaitApplied waits until the machine has all up to an entry, which the leader found committed.
func (s *Store) WaitApplied(ctx context.Context, index uint64) error {
	if s.fsm.done.Load() >= index {
		return nil
	}
	look := time.NewTicker(lookApplied)
	defer look.Stop()
	for {
		more := s.progress.next()
		if s.raft.CommitIndex() >= index && s.hasApplied(index) {
			return nil
		}
		select {
		case <-more:
		case <-look.C:
		case <-ctx.Done():
			return certain(ctx.Err())
		case <-s.calls.closed:
			return certain(raft.ErrRaftShutdown)
		}
	}
}

// lookApplied is how often WaitApplied looks by itself: nothing tells of committed entries that
// the machine is not given.
const lookApplied = 5 * time.Millisecond

// progress wakes who waits for the machine to get more.
type progress struct {
	mu sync.Mutex

	more chan struct{} // nil: nobody waits
}

func (p *progress) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more == nil {
		p.more = make(chan struct{})
	}
	return p.more
}

func (p *progress) made() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more != nil {
		close(p.more)
		p.more = nil
	}
}
