// Package budget bounds the bytes of answers under way: what readers who do not
// read can make a process hold.
//
// # Use
//
//	b := &budget.Budget{Most: 256 << 20, MostPerClient: 64 << 20, Wait: 10 * time.Second}
//	give, err := b.Take(ctx, client, len(answer), nil)
//	defer give()
//
// # Concurrency
//
// A Budget may be used by many goroutines. Those who wait for room are woken
// together when some is given back; who comes first gets it.
//
// # Invariants
//
// What is under way is at most Most in all and MostPerClient to one client.
// There is no entry for a client that has nothing under way.
//
// # Decisions
//
// Full means: wait for a while, then refuse. Readers who read empty a budget in
// milliseconds, so that only they who do not are ever refused, and whom they keep
// from it: therefore a client's share is a fraction.
package budget
