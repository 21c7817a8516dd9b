// Package userevent is the user event: what it carries through gossip, whom it is
// meant for, and the ring in which an agent keeps those it got.
//
// # Use
//
//	payload, err := e.Encode()                    // on the server that fires it
//	pool.Fire(userevent.Prefix+e.Name, payload)
//	e, meant, err := userevent.Decode(name, ltime, payload)  // on every agent
//	if meant.Match(node, services) { ring.Add(e) }
//	list, next := ring.Events()                   // next closes with the next one
//
// # Concurrency
//
// A Ring may be used by any number of goroutines. Waiting on it costs a
// channel receive and no goroutine. The package starts none.
//
// # Invariants
//
// A Ring holds the last 256 events, each once. The list it gives out is never
// changed. An Event that Decode returned is well-formed: its ID is a UUID, its
// filters compile.
//
// # Decisions
//
// Each Add makes a new list, a copy of 256 pointers, so that thousands who read
// or wait share one without a lock: events are rare, readers are many.
package userevent
