// Package rounds has a question asked once for all who wait for its answer.
//
// # Use
//
// The package example asks for a price that moves.
//
// # Concurrency
//
// Wait may be called from anywhere at once. One goroutine asks as long as somebody waits, and ends
// with the question that nobody waits behind.
//
// # Invariants
//
// An answer is of a question that was asked after the call began: who comes while one is under
// way waits for the next.
//
// # Decisions
//
// golang.org/x/sync/singleflight gives who comes late the answer to a question that was asked
// before; for "do you still lead" that is too old.
package rounds
