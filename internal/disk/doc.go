// Package disk tells how much room there is on a disk.
//
// # Use
//
//	bytes, err := disk.Free(dir)
//
// # Concurrency
//
// Functions without state.
//
// # Invariants
//
// Free counts what this user may still write: what is kept for others does not
// count.
//
// # Decisions
//
// One function, so that what doctor says and what a server holds to is the same
// number.
package disk
