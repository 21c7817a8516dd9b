// Package cache holds values by key within a bound in bytes.
//
// # Use
//
// See the example. A caller says how many bytes each value holds, and again when
// it grows; what was not asked for the longest time goes when the bound is
// passed.
//
// # Concurrency
//
// A Map has no lock: its caller's guards it, together with what else belongs to
// it. Get and Peek may run at once under a read lock.
//
// # Invariants
//
// What the entries hold, with an allowance for the keys' and the map's own part,
// never passes MaxBytes, except by what Held protects. A value that alone would
// pass it is not kept and pushes out nothing. Put, Resize and Drop take constant
// time on average: a Get pays for the step of the hand that spares its entry.
//
// # Decisions
//
// Entries stand in a ring with a hand (CLOCK, also called second chance): a Get
// only marks its entry, where a list in order of use would have to be rewired under
// a lock by each reader. The hand spares what was marked since it last came by.
// Libraries with a cost per entry (ristretto, otter) were considered: they decide
// in goroutines of their own, with sketches and buffers of megabytes, so that what
// is kept cannot be said in a test; golang-lru counts entries only.
package cache
