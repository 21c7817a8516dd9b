package kernel

import (
	"context"
	"maps"
	"slices"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// Words of X-Consul-Effective-Consistency.
const (
	consistencyLeader     = "leader"
	consistencyStale      = "stale"
	consistencyConsistent = "consistent"
)

// Query answers a read at one moment and returns the answer's index. What the
// answer depends on goes into ws.
type Query func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error)

// Read answers every read: it sees to the consistency asked for, runs q, runs
// it again whenever something it depends on changed until the index is past
// the caller's or time is up, and fills meta.
func (k *Kernel) Read(ctx context.Context, opts *rpc.ReadOptions, meta *rpc.ReadMeta, q Query) error {
	if err := k.AdmitRead(ctx, opts); err != nil {
		return err
	}
	switch {
	case opts.MinIndex == 0 && opts.Live:
		return k.answerLive(opts, meta, q)
	case opts.MinIndex == 0:
		return k.answer(opts, meta, q, k.Store.Read(), nil)
	}
	patient, cancel := context.WithTimeout(ctx, opts.Patience(k.DefaultQueryTime, k.MaxQueryTime))
	defer cancel()
	k.blocking.Add(1)
	defer k.blocking.Add(-1)
	caller, _ := ctx.Value(heldKey{}).(*held)
	for absent := false; ; absent = meta.Absent {
		tx, ws := k.Store.Read(), catalog.WatchSet{}
		if caller != nil {
			if err := caller.check(ctx, tx, ws); err != nil {
				return err
			}
		}
		leaderChanged := k.Raft.LeaderChanged()
		err := k.answer(opts, meta, q, tx, ws)
		if err != nil || meta.Index > opts.MinIndex && !(absent && meta.Absent) {
			return err
		}
		ws.Add(tx.Replaced())
		if !opts.Stale && !k.Raft.IsLeader() {
			return fault.New(fault.NoLeader, rpc.TextNoLeader)
		}
		if !sleep(patient, ws, leaderChanged) {
			return k.expire(ctx, opts, meta, q)
		}
		select {
		case <-tx.Replaced(): // the state was restored: indexes start over
			return k.answer(opts, meta, q, k.Store.Read(), nil)
		default:
		}
	}
}

// expire answers a read whose time is up as a plain one is answered at this moment:
// its index may have moved though nothing changed for this reader, and must not be
// lower than that of a plain answer from before.
func (k *Kernel) expire(ctx context.Context, opts *rpc.ReadOptions, meta *rpc.ReadMeta, q Query) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := k.AdmitRead(ctx, opts); err != nil {
		return err
	}
	if err := k.answer(opts, meta, q, k.Store.Read(), nil); err != nil {
		return err
	}
	meta.Expired = true
	return nil
}

// answer runs q once and fills meta. What an earlier run left there goes.
func (k *Kernel) answer(opts *rpc.ReadOptions, meta *rpc.ReadMeta, q Query, tx *catalog.Tx, ws catalog.WatchSet) error {
	meta.Filtered, meta.Absent = false, false
	index, err := q(tx, ws)
	if err != nil {
		return err
	}
	k.FillMeta(meta, opts, index)
	return nil
}

// answerLive runs q once and notes what would change its answer: rules may show its
// caller more, or less.
func (k *Kernel) answerLive(opts *rpc.ReadOptions, meta *rpc.ReadMeta, q Query) error {
	tx, ws := k.Store.Read(), catalog.WatchSet{}
	if err := k.answer(opts, meta, q, tx, ws); err != nil {
		return err
	}
	if !opts.Stale && !k.Raft.IsLeader() {
		return nil // right as of now; what the leader has is not watched here
	}
	ws.Add(tx.Replaced())
	tx.ACLGeneration(ws)
	meta.Live = &rpc.Live{Changed: slices.Collect(maps.Keys(ws)), Age: k.Raft.LastContact}
	return nil
}

// sleep waits for a change, true, or for the end of ctx.
func sleep(ctx context.Context, ws catalog.WatchSet, leaderChanged <-chan struct{}) bool {
	ws.Add(leaderChanged)
	return ws.WatchCtx(ctx) == nil
}

// AdmitRead sees to the consistency asked for (reference/internals.md §12).
func (k *Kernel) AdmitRead(ctx context.Context, opts *rpc.ReadOptions) error {
	switch {
	case k.retired.Load():
		return fault.New(fault.NoLeader, rpc.TextNoLeader)
	case hasCaughtUp(ctx):
		return nil
	case !opts.Stale:
		index, err := k.Committed(ctx, opts.Consistent)
		if err != nil {
			return err
		}
		return k.Raft.WaitApplied(ctx, index) // a follower may have shown it already
	case k.Raft.LastContact() < 0:
		return fault.New(fault.NoLeader, rpc.TextNoLeader)
	case !k.Raft.CaughtUp():
		return fault.New(fault.NoLeader, "Still reading what this server had before it was started")
	}
	return nil
}

// Committed is the newest entry that this server, leading, knows to be committed: who has all
// up to there may answer a read that was asked before. That it leads is by its lease, or
// confirmed by a quorum if consistent is asked for.
func (k *Kernel) Committed(ctx context.Context, consistent bool) (index uint64, err error) {
	switch {
	case !k.Raft.IsLeader():
		return 0, fault.New(fault.NoLeader, rpc.TextNoLeader)
	case !k.IsLeader():
		return 0, fault.New(fault.NoLeader, "Not ready to serve consistent reads")
	case consistent || !k.Raft.HoldsLease():
		err = k.confirmLeader(ctx)
	}
	return k.Raft.Committed(), err
}

// Current makes sure that what a write depends on is the cluster's state, and not
// what this server knew before another took its place.
func (k *Kernel) Current(ctx context.Context) error { return k.AdmitRead(ctx, &rpc.ReadOptions{}) }

// confirmLeader has a quorum say that this server leads. It may have lost its term
// and won another since it was found ready: what others committed in between is
// applied only when it is ready again.
func (k *Kernel) confirmLeader(ctx context.Context) error {
	defer k.confirm.Since(time.Now())
	if err := k.Raft.VerifyLeader(ctx); err != nil {
		return err
	}
	if !k.IsLeader() {
		return fault.New(fault.NoLeader, "Not ready to serve consistent reads")
	}
	return nil
}

// FillMeta says how a read was answered.
func (k *Kernel) FillMeta(meta *rpc.ReadMeta, opts *rpc.ReadOptions, index uint64) {
	meta.Index = max(index, 1)
	meta.LastContact = 0
	if opts.Stale { // others were admitted by a leader
		meta.LastContact = max(k.Raft.LastContact(), 0)
	}
	meta.KnownLeader = k.Leader().Address != ""
	switch {
	case opts.Stale:
		meta.Consistency = consistencyStale
	case opts.Consistent:
		meta.Consistency = consistencyConsistent
	default:
		meta.Consistency = consistencyLeader
	}
}
