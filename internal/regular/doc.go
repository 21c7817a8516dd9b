// Package regular reads regular files, refuses what is none, and puts damaged ones aside.
//
// # Use
//
// Read takes the place of os.ReadFile, and Open that of os.Open, where a path comes from
// a user. Opening a named pipe waits for a writer, for ever if there is none, and a
// device such as /dev/zero has no end: both are refused in one line instead.
//
// PutAside keeps a damaged file beside the new one that takes its place.
//
// # Concurrency
//
// Functions without state.
//
// # Invariants
//
// Links are followed: what counts is what they lead to. Read takes at most the bytes it
// was allowed, whatever a file's size was said to be.
//
// # Decisions
//
// Stat and then open leaves a moment in which the file may become another. That is an
// accident's moment, not an attack's: whoever can write there can also write the file.
package regular
