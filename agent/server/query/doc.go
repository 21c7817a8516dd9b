// Package query answers the operations on prepared queries.
//
// # Use
//
//	query.New(k).Register(mux)
//
// # Concurrency
//
// Handlers run on their callers' goroutines, any number at once.
//
// # Invariants
//
// What a query may cost those who look it up is bounded when it is written and again
// when it is rendered: bytes, expressions, their depth (nesting.go, template.go).
//
// # Decisions
//
// The server that answers selects and orders the instances, and asks other
// datacenters in turn when it has none: a client agent would have to fetch all of
// them.
package query
