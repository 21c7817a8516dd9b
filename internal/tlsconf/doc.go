// Package tlsconf turns a listener's TLS settings into what crypto/tls wants, and
// lets them change while the listener serves.
//
// # Use
//
// The package example serves a certificate, and after Load the one that replaced it.
//
// # Concurrency
//
// Server and Load may be called by any goroutine at once.
//
// # Invariants
//
// What was loaded is whole: certificate, key and authorities fit each other. A
// Load that fails changes nothing.
//
// # Decisions
//
// Files are read when a configuration is loaded, not per connection: a file
// half written by a renewal cannot break a running listener, and its fault is
// told to who asked for the reload.
package tlsconf
