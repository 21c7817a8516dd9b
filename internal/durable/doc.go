// Package durable writes files that are there whole, or not at all, after a crash.
//
// # Use
//
//	err := durable.WriteFile(path, data, 0o600)
//
// A Disk does the same by labelled steps, which tests make fail one by one.
//
// # Concurrency
//
// All functions may be called at once; of two that write one path, the last to
// rename wins with its whole content.
//
// # Invariants
//
// A file gets its name after its content is on the disk, in the order write, sync,
// rename, sync of the folder. What Write returns without error survives a crash. One
// that fails leaves the old file, and no other.
//
// # Decisions
//
// Where folders cannot be synced that is no error (folder.go): Windows knows no such
// thing, and there a rename itself is written through (rename_windows.go); with
// some network file systems there is nothing that could be done. A sync that was
// tried and failed is an error.
package durable
