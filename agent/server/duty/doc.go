// Package duty is what a server does unasked: a leader's duties, and how a server
// comes into a cluster and leaves it.
//
// # Use
//
//	duties := duty.New(k, duty.Options{Address: "10.0.0.1:8300", …})
//	duties.Register(mux)
//	go duties.RunBootstrap(ctx)
//	go duties.RunLeadership(ctx)
//
// A graceful leave is PrepareLeave, then the agent leaves the gossip pools, then
// FinishLeave.
//
// # Concurrency
//
// RunLeadership owns the leader's loops: what a term starts ends with it, and is
// waited for. HandleLAN does not block. Everything else may be called by any
// goroutine.
//
// # Invariants
//
// A server that does not lead has no session timers. At most 256 member events
// wait, then a full pass is made instead. Everything that depends on time or
// chance is put into a command before it is logged.
//
// # Decisions
//
// Events only say which member to look at: what the pool says then goes through
// one table (member.go), so that an old event does no harm. A node that gossip
// does not know goes after two passes, because a leader that just started has met
// nobody yet. Who may bootstrap is decided in bootstrap.go, from what every server
// of the pool says of itself, and why two clusters are not founded is argued
// there.
package duty
