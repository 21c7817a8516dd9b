// Package testkernel gives the tests of a server's rooms what a room stands on: a
// kernel that leads alone, in memory, in a bubble of virtual time.
//
// # Use
//
// Run runs a test in a bubble with a leader whose operations the room has registered.
// TestARoomIsServed shows all of it.
//
// # Concurrency
//
// A Server belongs to the test's goroutine. A Pool may be used by any goroutine at once
// once the test has begun; its functions are set before.
//
// # Invariants
//
// Nothing runs but the log and what the test starts. Nothing is left of it when Run
// returns.
//
// # Decisions
//
// The log is the real one and the gossip pools are fakes: a room reads and writes
// through the log, and only asks of gossip who is there. What takes several servers is
// tested in agent/server and internal/testcluster.
package testkernel
