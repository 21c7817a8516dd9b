// Package filter picks elements of lists by an expression: the language of ?filter
// (reference/http-api.md §8).
//
// # Use
//
// The package example keeps the nodes that an expression matches.
//
// # Concurrency
//
// A Filter is for one goroutine at a time: it has one row that it fills for
// each element. It keeps nothing of them once it is done.
//
// # Invariants
//
// The types of this package are what expressions can name, field by field; they
// change only if the reference does. An expression that takes too long to read is
// refused: its cost grows fourfold with every parenthesis inside another.
// Regular expressions have the limits of package pattern, and a limit together. An
// evaluation counts instructions times bytes of text, ends when its caller's
// context does, and when it costs too much (cost.go).
//
// # Decisions
//
// go-bexpr stays at v0.1.2: later ones have another grammar and other error
// texts, and check names only against elements at hand. What it says is part of
// the contract.
package filter
