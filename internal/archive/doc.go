// Package archive reads and writes snapshot archives: what `snapshot save`
// leaves in a file and /v1/snapshot carries (reference/internals.md §15).
//
// # Use
//
// The package example writes an archive and reads it back.
//
// # Concurrency
//
// Functions without state; no goroutine.
//
// # Invariants
//
// Both stream: memory is bounded by the buffers of gzip, whatever the size of the
// state. What Read returned without an error had the checksums and the sizes it
// claims, and nothing behind it.
//
// # Decisions
//
// The package knows the container, not the records: state.bin is bytes here.
// catalog knows what they mean. So an archive of Consul's and one of Praetor's
// are read by the same code.
package archive
