// Package life runs the named parts of a program and stops them in reverse order.
//
// # Use
//
// The package example runs two parts, which stop in reverse order.
//
// # Concurrency
//
// Run owns one goroutine per part, labelled part=NAME for pprof. A part must
// return soon after its context ends. Run returns when all of them have.
//
// # Invariants
//
// When Run returns, no part runs. A part that returns early, even with nil,
// stops the whole group: parts live as long as the group does.
//
// # Decisions
//
// errgroup cancels everybody at once; an agent must stop answering before it
// stops replicating, so the order matters and is kept here.
package life
