// Package house keeps the floors of design §1: it reads the module's source
// and says, in a sentence each, where it breaks the rules.
//
// # Use
//
// Its tests are its use: `go test ./internal/house`. A new package gets a line
// in the list in floors.go; what the line allows is the design, so change both.
//
// # Concurrency
//
// One goroutine, one pass.
//
// # Invariants
//
// It reads source files only: no build, no external command, no network, and
// every build constraint's files count, whatever system it runs on.
//
// # Decisions
//
// The list names every package rather than patterns, so a new package has to
// be given its floor by somebody who thought about it. Test files may import
// what their package may, the package itself, and the tools for tests: a test
// that needs more belongs to a higher floor. Code under a Use heading needs an
// Example beside it, so that the compiler reads it (examples.go). A Sleep may
// stand in a function given to synctest.Test, or to a function that gives on to it,
// and in a function that nobody mentions outside of those (sleep.go). Functions are
// known by name within a folder's tests, so one mention outside forbids all of that name; a
// method that is called through an interface only is judged by its file.
package house
