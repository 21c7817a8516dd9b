// Package tlsconf turns TLS settings into what crypto/tls wants, and lets them change
// while connections are open.
//
// # Use
//
// The package example serves a certificate, and after Load the one that replaced it.
// Listener and Accept are for listeners; Outgoing is for connections to servers of the
// cluster, Client for those to anybody else. Give and Trust bring in what comes from
// elsewhere than files: a certificate, and the roots of the mesh.
//
// # Concurrency
//
// Everything may be called by any goroutine at once.
//
// # Invariants
//
// What was loaded is whole: certificate, key and authorities fit each other. A
// Load that fails changes nothing. After a Load no connection of Accept, AcceptPlain or
// Listener is open that would not be let in by what is in force, one whose hands are
// still being shaken included: it is judged once more when they are.
//
// # Decisions
//
// Of the mesh only agents are let in: a certificate of it is easy to have for a service,
// and of one that is none of a file's authority nothing else is known. What this agent
// calls is verified by the files alone.
//
// Files are read when a configuration is loaded, not per connection: a file
// half written by a renewal cannot break a running listener, and its fault is
// told to who asked for the reload.
//
// Outgoing connections are not followed: who holds them makes new ones when use
// reports a change, in the order that keeps requests going.
//
// A client of an agent shows its certificate whatever authorities the server names: a
// refusal on both sides says more than a handshake without a certificate.
package tlsconf
