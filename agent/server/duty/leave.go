package duty

import (
	"context"
	"slices"
	"time"

	"praetor/internal/life"
	"praetor/raftstore"
)

// removedWait is how long a leaving follower waits to be taken out of the Raft
// configuration.
const removedWait = 5 * time.Second

// PrepareLeave is the first step of a graceful leave, before the pools are
// told: a leader of several voters hands leadership on, or takes itself out
// (reference/internals.md §11). The agent leaves the pools between the steps.
func (s *Set) PrepareLeave(ctx context.Context) error {
	if !s.Raft.IsLeader() || s.voters() < 2 {
		return nil
	}
	if s.handOn(ctx) == nil {
		return nil
	}
	return s.Raft.RemovePeer(s.ID)
}

// FinishLeave is the last step, after the pools know: no more requests are
// taken, those under way get LeaveDrainTime, and the new leader some time to
// take this server out of the configuration.
func (s *Set) FinishLeave(ctx context.Context) error {
	s.Retire()
	if !life.Pause(ctx, s.opts.LeaveDrainTime) {
		return ctx.Err()
	}
	if s.Raft.IsLeader() || s.voters() < 2 {
		return nil
	}
	for deadline := time.Now().Add(removedWait); time.Now().Before(deadline); {
		if !s.isPeer() || !life.Pause(ctx, 50*time.Millisecond) {
			return nil
		}
	}
	s.Logger.Warn("still in the Raft configuration at the end of a graceful leave")
	return nil
}

func (s *Set) voters() int {
	peers, err := s.Raft.Peers()
	if err != nil {
		return 0
	}
	n := 0
	for _, p := range peers {
		if p.Voter {
			n++
		}
	}
	return n
}

func (s *Set) isPeer() bool {
	peers, err := s.Raft.Peers()
	if err != nil {
		return true
	}
	return isIn(peers, s.ID)
}

func isIn(peers []raftstore.Peer, id string) bool {
	return slices.ContainsFunc(peers, func(p raftstore.Peer) bool { return p.ID == id })
}
