// Package ui serves the web interface: plain ES modules, no build step.
//
// # Use
//
//	pages, err := ui.Handler(ui.Options{ContentPath: "/ui/"})
//	mux.Handle("/ui/", pages)
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
// static/ is what the browser runs. One stream of events tells a page all its news
// (httpapi's ui_stream.go); a topic of it is a path of the API, so that where no
// stream comes through the same path is followed with blocking queries. The stream is
// read with fetch: EventSource sends no header, and a token belongs in no URL.
package ui
