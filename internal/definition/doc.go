// Package definition holds what a service and a check look like in a
// configuration file and in an HTTP body, and the rules for them wherever they
// come from.
//
// # Use
//
//	var s definition.Service
//	if err := definition.Decode(body, &s); err != nil {
//		return err
//	}
//	svc := s.Row()
//	if err := definition.ValidateWeights(svc.Weights); err != nil {
//		return fault.New(fault.Invalid, "Invalid Weights: %s", err)
//	}
//	definition.AutoTaggedAddresses(svc)
//	definition.AttachChecks(svc, checks)
//
// # Concurrency
//
// Every function works on what it is given; what is kept is one description for
// each type that was decoded.
//
// # Invariants
//
// Service, Check and Proxy have a member for every key of either door, and their
// tags say what it is called there. In files: cfg is the key, alias another
// spelling, and help and use are for agent/config. In bodies: the member's name,
// in any case, and what http adds ("-" means that there is no such key); alone
// has all spellings for a check that is registered by itself. Of several
// spellings of one key the first with a value counts. A member with unit "time"
// is a duration: text in files, text or nanoseconds in bodies.
//
// Errors carry the bare reason (reference/http-agent.md §3.3 and §4.2,
// reference/config.md §8). Each caller puts its own words in front, because
// Consul's files and HTTP API word the same refusal differently.
//
// # Decisions
//
// One package rather than two copies: a definition that a file accepts is
// accepted by the API too, and the texts are tested once. Bodies are read by
// encoding/json, whose errors clients know, into a type made of the tags (see
// twin); one decoder for files and bodies would word one of them differently.
package definition
