// Package linear checks what clients of a cluster saw, while things went wrong, against
// models of what they may see.
//
// # Use
//
// A Client asks a Server one thing at random after the other, and notes question and
// answer in its Keys; Check then looks for one order of all calls that makes every
// answer right. Watch and Registry are the models of whoever waits for changes of a key, and
// of whoever reads the catalog; Seers do both, and hold what they see against them. Both
// chaos on real binaries and the simulation have all of these.
//
// # Concurrency
//
// Keys, Watch and Registry may be used from anywhere at once, a Client by one goroutine. Nothing
// runs by itself but Seers, from Start until their context ends. Check computes for as long as it is given: outside a synctest bubble, whose
// clock would stand still.
//
// # Invariants
//
// A call that certainly did nothing is not in a history; one whose outcome nobody was told
// may be carried out at any time after it was asked. Every write has a value of its own, so a
// value tells who wrote it.
//
// # Decisions
//
// Histories are of a few keys each, which sessions and transactions tie together, and new
// ones begin often: the orders to try grow with the calls that have no outcome.
package linear
