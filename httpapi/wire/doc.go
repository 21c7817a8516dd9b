// Package wire is JSON as the HTTP API speaks it: encoders of what answers show,
// and the bodies of requests that write rows of the catalog.
//
// # Use
//
//	b = wire.AppendList(b, nodes, wire.AppendNode)
//
//	var body wire.Register
//	if err := definition.Decode(r, &body); err != nil {
//		return err
//	}
//	registration := body.Row()
//
// # Concurrency
//
// Functions without state.
//
// # Invariants
//
// Encoders follow reference/http-api.md and its siblings to the byte: key names and
// order, null or [] or absent, escapes; tests hold them to encoding/json. They
// append to what they are given and keep nothing of it.
//
// # Decisions
//
// Encoders are written by hand: half of what Consul spends on a health query is
// reflection (reference/performance.md). Bodies are structs for encoding/json, and
// embed the catalog's rows where clients send back what they read; those that a
// file may hold, too, are internal/definition's.
package wire
