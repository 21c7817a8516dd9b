// Package tlsconf turns a listener's TLS settings into what crypto/tls wants, and
// lets them change while the listener serves.
//
// # Use
//
//	certs, err := tlsconf.Open(tlsconf.Options{Name: "tls.https", CertFile: "a.pem", KeyFile: "a-key.pem"})
//	l = tls.NewListener(l, certs.Server())
//	err = certs.Load(changed) // connections from now on
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
