// Package mesh knows the rules of services that speak to each other through
// proxies: which way requests go by the config entries, virtual addresses, and who
// may call what.
//
// # Use
//
//	err := mesh.CheckChain(get, "web") // get returns the entry of a kind and a name
//	addr := mesh.VirtualAddr(7)        // 240.0.0.7
//	d := mesh.Evaluate(intentions, "web", "db", true) // d.By says why
//
// # Concurrency
//
// Functions of values. They call what they are handed in their own goroutine.
//
// # Invariants
//
// Nothing here is stored or changed: entries come in through a Lookup, the answer
// goes out. A circle of entries is refused.
//
// # Decisions
//
// The rules stand apart from the catalog that keeps the entries, so that they can
// be read, and tested, without a transaction.
package mesh
