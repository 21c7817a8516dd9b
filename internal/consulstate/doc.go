// Package consulstate reads and writes the state in archives of Consul's, so that a
// cluster can move here with all it holds, and back.
//
// # Use
//
// Import fills a catalog.Store with the state of an archive, Praetor's or Consul's;
// Records lists what one holds. Export writes a store as Consul writes its own.
// internal/archive opens the archive around it; ReadArchive and Verify do both.
//
// # Concurrency
//
// A call runs in its caller's goroutine. Only ReadArchive starts one, and waits for it.
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
// row is taken, and given, by the functions of its line in recordTypes.
//
// Rows go out under the names of their members, which are Consul's but for those that
// the give functions rename; what Consul does not know, such as the counter of serial
// numbers, it passes over. Bytes are written by the codec that Consul uses. No Consul
// runs in the tests: that it takes the records rests on the published sizes of its own,
// on recorded answers that show the same members, and on the way in.
package consulstate
