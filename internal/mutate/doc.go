// Command mutate judges tests: it makes small changes at random to the code of
// packages, one at a time, and runs their tests, which ought to fail.
//
// # Use
//
//	go run ./internal/mutate -n 50 -seed 1 ./internal/cli ./agent ./internal/configentry
//
// prints a line a change, "caught" or "MISSED", and how many were caught. A change
// that does not compile is replaced by another. Nothing on disk is changed: the
// go command is given each change as an overlay.
//
// # Concurrency
//
// One test run after another, in the caller's goroutine.
//
// # Invariants
//
// Equal seeds give equal changes to equal code.
//
// # Decisions
//
// Conditions are turned, statements dropped, and comparisons moved by one: what a
// slip of the hand does. Changes to log lines and comments say nothing about tests
// and are not made.
package main
