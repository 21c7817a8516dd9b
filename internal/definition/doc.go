// Package definition holds the rules for service and check definitions that
// hold wherever one comes from: a configuration file or the HTTP API.
//
// # Use
//
//	if err := definition.ValidateWeights(svc.Weights); err != nil {
//		return fault.New(fault.Invalid, "Invalid Weights: %s", err)
//	}
//	definition.AutoTaggedAddresses(svc)
//	definition.AttachChecks(svc, checks)
//
// # Concurrency
//
// Every function works on what it is given and keeps nothing.
//
// # Invariants
//
// Errors carry the bare reason (reference/http-agent.md §3.3 and §4.2,
// reference/config.md §8). Each caller puts its own words in front, because
// Consul's files and HTTP API word the same refusal differently.
//
// # Decisions
//
// One package rather than two copies: a definition that a file accepts is
// accepted by the API too, and the texts are tested once.
package definition
