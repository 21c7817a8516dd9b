package raftstore

import (
	"context"

	"github.com/hashicorp/raft"
)

// VerifyLeader returns when a quorum of voters confirmed, asked after the call
// began, that this server leads; fault.NoLeader otherwise. Callers that wait at the same time
// share one confirmation.
func (s *Store) VerifyLeader(ctx context.Context) error {
	s.verified.Incr()
	_, err := s.verify.Wait(ctx)
	return translateRead(err)
}

// confirmOnce is what the callers of VerifyLeader share.
func (s *Store) confirmOnce() (struct{}, error) {
	if !s.calls.begin() {
		return struct{}{}, raft.ErrRaftShutdown
	}
	defer s.calls.running.Done()
	return struct{}{}, s.confirming()
}
