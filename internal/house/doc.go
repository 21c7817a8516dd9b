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
// that needs more belongs to a higher floor. Sleeping is judged by the file: one
// that imports testing/synctest is taken to sleep in bubbles.
package house
