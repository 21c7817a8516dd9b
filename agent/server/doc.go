// Package server is the server half of an agent: it answers the operations of
// package ops and does a leader's duties.
//
// # Use
//
//	srv, err := server.Open(server.Options{Name: "s1", ID: id, Datacenter: "dc1", …})
//	go srv.Run(ctx)
//	reply, err := ops.KVGet.Call(ctx, srv.Router(), req)
//
// A graceful leave is PrepareLeave, then the agent leaves the gossip pools, then
// FinishLeave.
//
// # Concurrency
//
// Handlers run on their callers' goroutines, any number at once. Run owns the
// listener, the bootstrap loop and the leader loop; what a leader starts ends
// with its term. HandleLAN and HandleWAN do not block.
//
// # Invariants
//
// A write is answered after a quorum has it on disk and this server applied
// it. Validation and everything that depends on time or chance happen before a
// command is logged; requests are not changed. Default reads are answered by a
// leader that has applied all that was committed before its term: what is kept
// is the term, so nothing left over from an earlier one counts. A blocking read
// costs no goroutine. At most 256 member events wait, then a full pass is made
// instead; at most 4,096 views are kept.
//
// # Decisions
//
// All reads go through one function (read.go), all views through one cache
// (view.go), all rights of writes through two questions (access.go). Events
// only say which member to look at: what the pool says then goes through one
// table (member.go), so that an old event does no harm. A node that gossip does
// not know goes after two passes, because a leader that just started has met
// nobody yet. Who may bootstrap is decided in bootstrap.go, from what every
// server of the pool says of itself, and why two clusters are not founded is
// argued there.
package server
