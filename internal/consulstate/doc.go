// Package consulstate reads the state in archives of Consul's, so that a cluster
// can move here with all it holds.
//
// # Use
//
// Import fills a catalog.Store with the state of an archive, Praetor's or Consul's;
// Records lists what one holds. internal/archive opens the archive around it.
//
// # Concurrency
//
// A call runs in its caller's goroutine. It starts none.
//
// # Invariants
//
// A state that is refused changes nothing. Memory for a record grows with the bytes
// that are there, not with what a header claims. What Import does not keep it counts.
//
// # Decisions
//
// The format is reference/internals.md §15: a header {LastIndex}, then records of a
// type byte and one MessagePack value, without lengths or checksums. Rows are added
// by catalog.Loader, so they obey the rules of a snapshot of our own. Indexes of
// tables are Consul's; rows that Consul has otherwise or not at all get the last
// index: who waits for them is woken once too often rather than never. A new kind of
// row is taken by giving its line in recordTypes a function.
package consulstate
