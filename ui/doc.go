// Package ui serves the web interface: plain ES modules, no build step.
//
// # Use
//
//	mux.Handle("/ui/", ui.Handler(ui.Options{ContentPath: "/ui/"}))
//
// # Concurrency
//
// The handler may be used by any number of requests at once.
//
// # Invariants
//
// Everything comes from the binary (or Options.Dir); the pages load nothing
// from elsewhere, and their Content-Security-Policy forbids it. No page makes
// HTML of data: text stays text. Headers that are set already stay.
//
// # Decisions
//
// Preact with htm in one vendored file instead of a bundler: what is in
// static/ is what the browser runs. The API's blocking queries keep the pages
// live; there is no second protocol.
package ui
