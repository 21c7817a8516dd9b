// Package structhash hashes values by what they say, to the numbers that Consul shows: of
// configuration entries (Hash) and of an agent's services (ContentHash).
//
// # Use
//
//	h := structhash.Of(value, structhash.Form{})
//
// # Concurrency
//
// Functions without state.
//
// # Invariants
//
// A hash is FNV-1 of 64 bits over the names of types and members and what these hold. The
// order of members, and of a map's keys, does not count; that of a list does. Nothing,
// an empty list and an empty map are alike; a nil pointer and what it could point to are
// not. Numbers of another size have another hash.
//
// # Decisions
//
// The algorithm is that of github.com/mitchellh/hashstructure, version 1, under the names of
// Consul's types. The library takes the names of the types that it is given and cannot pass
// over what is not there in some versions; a Form says what to call them and what to skip.
package structhash
