// Package operator answers the operations of those who operate a cluster: Raft's
// peers, autopilot, gossip keys, usage.
//
// # Use
//
//	operator.New(duties, lanKeys, wanKeys).Register(mux)
//
// # Concurrency
//
// Handlers run on their callers' goroutines, any number at once.
//
// # Invariants
//
// Every operation needs operator:read, operator:write or a right on the keyring.
//
// # Decisions
//
// Answers that would mislead by half, keys and usage of all datacenters, fail if
// one datacenter is silent. The figures of single servers do not.
package operator
