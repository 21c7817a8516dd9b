package raftstore

import (
	"errors"

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
	s.announce(l)
}

// hasApplied reports whether the machine has all up to an entry, which is committed. Raft's
// own count is of entries that were queued for it.
func (s *Store) hasApplied(index uint64) bool {
	if index == 0 {
		return false
	}
	for ; s.fsm.done.Load() < index; index-- {
		var l raft.Log
		switch err := s.folder.logs.GetLog(index, &l); {
		case errors.Is(err, raft.ErrLogNotFound):
			return true // it is in the snapshot, which was read at the start
		case err != nil || l.Type == raft.LogCommand || l.Type == raft.LogConfiguration:
			return false
		}
	}
	return true
}
