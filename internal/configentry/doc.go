// Package configentry knows the kinds of configuration that a cluster keeps in
// common: their members, defaults, and what they must not say
// (reference/http-mesh-ui.md §1).
//
// # Use
//
// The package example decodes an entry as clients spell it, prepares it, and loads
// what is stored of it again.
//
// # Concurrency
//
// Functions of values. An Entry that others may see is not changed.
//
// # Invariants
//
// Encode of equal entries gives equal bytes, and Load of them an equal entry.
// An entry never refers to others: what several must agree on is the catalog's
// affair.
//
// # Decisions
//
// Kinds are Go types with JSON tags, and one table lists them: encoding/json
// writes them, mapstructure reads them, so a member is named once. Entries are
// written seldom; the reflection costs nobody anything. Stores and wires carry
// the JSON, so they need no codec per kind, and a new member needs no new format.
package configentry
