// Package raftstore keeps the replicated log: a Raft node, its files, its
// members. It knows commands only as bytes.
//
// # Use
//
//	store, err := raftstore.Open(raftstore.Options{ID: id, Address: addr, Dir: dir,
//		Listener: l, Dial: dial, Machine: machine})
//	err = store.Bootstrap([]raftstore.Peer{{ID: id, Address: addr, Voter: true}})
//	result, index, err := store.Apply(ctx, command)
//
// # Concurrency
//
// All methods may be called by many goroutines at once, except that Leadership
// has one reader. The machine's Apply and Restore run in raft's one applying
// goroutine. Goroutines: raft's own, the stream's accept loop, the leader watch,
// two for checkpoints, one per call under way, one while a leader has sent what it has
// not synced, one while VerifyLeader has callers, and then one for each other voter.
// Close ends them all and waits, for calls under way a bounded time.
//
// # Invariants
//
// When Apply returns nil, a quorum has the command on disk and this server has
// applied it. An error without ErrUncertain means that it was not and will not
// be applied. A vote is on disk before it is given. One process at a time has
// the folder. Bounded: calls under way (4096), a batch (128 entries), entries that a
// leader has sent and not synced (a batch), cached entries (512, 8 MiB), idle
// connections (3 per server), snapshots kept (2).
//
// # Decisions
//
// DESIGN.md beside this file: states, files, formats, and why.
package raftstore
