// Package fault holds the one error type that carries a kind across the house.
//
// # Use
//
// The package example makes a fault and finds its kind below a wrap.
//
// # Concurrency
//
// Errors are immutable.
//
// # Invariants
//
// The kind is the same wherever a request came in. internal/rpc carries the text
// unchanged, and says before it, as Consul does, when another server decided. An error without a fault.Error in its chain is Internal.
//
// # Decisions
//
// Kinds follow what front doors must tell apart, not where a fault arose.
// Rejected is apart from Invalid because Consul answers 400 to what its HTTP
// layer refuses and 500 to what its servers refuse.
package fault
