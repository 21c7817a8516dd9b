// Package pki makes certificate authorities and certificates.
//
// # Use
//
// The package example makes an authority, has it issue a certificate, and reads it
// again from its files.
//
// # Concurrency
//
// Functions share nothing; an Authority may be used by any goroutine.
//
// # Invariants
//
// Keys are ECDSA P-256; serial numbers are random, 127 bits. What an authority
// issues ends before or with the authority itself.
//
// # Decisions
//
// One kind of key for everything: it is short, quick, and understood by all that
// speaks TLS 1.2. Keys of other kinds that people bring along are refused by name.
package pki
