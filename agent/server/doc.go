// Package server is the server half of an agent: it answers the operations of
// package ops and does a leader's duties.
//
// # Use
//
//	srv, err := server.Open(server.Options{Name: "s1", ID: id, Datacenter: "dc1", …})
//	go srv.Run(ctx)
//	reply, err := ops.KVGet.Call(ctx, srv.Router(), req)
//
// # Concurrency
//
// Handlers run on their callers' goroutines, any number at once. Run owns the
// listener, the bootstrap loop and the leader loop; what a leader starts ends
// with its term.
//
// # Invariants
//
// A write is answered after a quorum has it on disk and this server applied
// it. Validation and everything that depends on time or chance happen before a
// command is logged. Default reads are answered by a leader that has applied
// all that was committed before its term.
//
// # Decisions
//
// All reads go through one function (read.go), all views through one cache
// (view.go), all reconciliation through one table (reconcile.go). Who may
// bootstrap is decided in bootstrap.go, from what every server of the pool
// says of itself.
package server
