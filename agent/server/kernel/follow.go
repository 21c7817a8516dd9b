package kernel

import (
	"context"
	"sync/atomic"
	"time"

	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rounds"
	"praetor/internal/rpc"
)

const (
	// followTimeout is how long a follower waits for the leader's word, and for what it
	// lacks. A leader that lives says it within a millisecond or two.
	followTimeout = 250 * time.Millisecond
	// followPause is how long reads go to the leader after a follower could not answer one: it
	// is behind, or the leader is hard to reach or does not know the question.
	followPause = time.Second
)

// follower lets a server that does not lead answer reads as the leader would: it asks how
// far the leader is, once for all who wait, and reads when it has all of that.
type follower struct {
	byLease, confirmed *rounds.Rounds[uint64]    // Committed of the leader, for default and consistent reads
	pausedAt           atomic.Pointer[time.Time] // when it last failed; nil for never
}

func (k *Kernel) newFollower() *follower {
	ask := func(consistent bool) *rounds.Rounds[uint64] {
		return rounds.New(func() (uint64, error) { return k.askCommitted(consistent) })
	}
	return &follower{byLease: ask(false), confirmed: ask(true)}
}

// askCommitted asks the leader for Committed.
func (k *Kernel) askCommitted(consistent bool) (uint64, error) {
	leader := k.Leader()
	if leader.Address == "" || leader.ID == k.ID {
		return 0, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	// The context of one who waits is not that of the others.
	ctx, cancel := context.WithTimeout(context.Background(), followTimeout)
	defer cancel()
	req := &ops.StatusRequest{ReadOptions: rpc.ReadOptions{Consistent: consistent}}
	rep, err := k.Router.DoAt(ctx, leader, ops.StatusCommitted.Desc, req)
	if err != nil {
		return 0, err
	}
	return rep.(*ops.StatusCommittedReply).Index, nil
}

// CatchUp waits until this server, not leading, has all that a read of these options must
// see, and returns the context that the read is answered under. It reports false if that
// takes too long: the leader must answer.
func (k *Kernel) CatchUp(ctx context.Context, o *rpc.ReadOptions) (context.Context, bool) {
	f := k.follower
	if at := f.pausedAt.Load(); at != nil && time.Since(*at) < followPause {
		return ctx, false
	}
	committed := f.byLease
	if o.Consistent {
		committed = f.confirmed
	}
	index, err := committed.Wait(ctx)
	if err == nil {
		patient, cancel := context.WithTimeout(ctx, followTimeout)
		defer cancel()
		err = k.Raft.WaitApplied(patient, index)
	}
	switch {
	case err == nil:
		return context.WithValue(ctx, caughtUpKey{}, true), true
	case ctx.Err() == nil: // or its reader has left, which says nothing of the leader
		now := time.Now()
		f.pausedAt.Store(&now)
	}
	return ctx, false
}

// caughtUpKey marks the context of a read that CatchUp let pass.
type caughtUpKey struct{}

func hasCaughtUp(ctx context.Context) bool { return ctx.Value(caughtUpKey{}) != nil }
