// Package catalog holds the data: nodes, services, checks, keys and sessions, the
// commands that change them, and the in-memory store that answers reads.
//
// # Use
//
//	st := catalog.New()
//	results := st.Apply([]catalog.Entry{{Index: 7, Data: cmd}})
//	tx := st.Read()
//	index, instances := tx.ServiceHealth(watch, "web")
//
// # Concurrency
//
// Apply and Restore are called by one goroutine. Everything else may be called
// by any goroutine at any time; a Tx sees one moment for ever. The package
// starts no goroutine.
//
// # Invariants
//
// The same commands in the same order give the same store, on every server.
// Rows are never changed once stored: a change is a new row. A change that
// changes nothing moves no index and wakes nobody.
//
// # Decisions
//
// See DESIGN.md beside this file.
package catalog
