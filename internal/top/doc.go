// Package top shows a cluster in a terminal: praetor top.
//
// # Use
//
//	err := top.Run(ctx, top.Options{Client: client, Address: "127.0.0.1:8500", Input: os.Stdin, Output: os.Stdout})
//
// # Concurrency
//
// Run works on the caller's goroutine and those of bubbletea. The model is touched by
// bubbletea's event loop alone. One question to the agent is under way at a time, in a
// goroutine that bubbletea starts for it; the question of another view ends it. Besides,
// another one asks once a second who leads. Run returns when none is left.
//
// # Invariants
//
// The model is a function of its state and a message: it looks at no clock and asks
// nobody, so files in testdata say what each screen is. Whatever is drawn passes through
// clean (clean.go): names, outputs, values and lines of the log of others move no cursor
// and change no colour. A screen has exactly as many lines as the window, none wider than
// it. An agent that does not answer never empties the screen: what was last known stays,
// with a line that says so.
//
// Bounds: 1,000 lines of the log, 4 KiB of a check's output and of a line, 16 KiB of a
// value; a view is asked for once a second at most.
//
// # Decisions
//
// The first page and the nodes are made of /v1/internal/ui/nodes, which has nodes, services and
// checks in one blocking query: the figures fit each other, and need no right but to
// see what they count. What servers count themselves (catalog-overview) is ten
// seconds old and needs operator:read.
//
// A body is made where an answer is taken in, whatever the window's size; the model knows
// tables and texts only. So a page is a function from an answer to a body, and keys,
// filter and drawing are there once.
package top
