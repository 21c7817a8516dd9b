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
// with its term. HandleLAN does not block.
//
// # Invariants
//
// A write is answered after a quorum has it on disk and this server applied
// it. Validation and everything that depends on time or chance happen before a
// command is logged; requests are not changed.
//
// # Decisions
//
// There are four rooms below this one. kernel is what handlers stand on: tokens,
// reads, writes, distances, views. duty is what a server does unasked. query and
// operator answer operations that are a world of their own. What is left here is
// one file per noun of the catalog. mux.go lists the families of operations; each
// registers its own, with their rules.
package server
