// Package ca is a server's part in the certificate authority of the mesh
// (reference/mesh.md §1).
//
// # Use
//
// New makes the service of a server and Register puts its operations on the mux. A new
// leader calls Establish before it answers, and Run until its term ends.
//
// # Concurrency
//
// A Service may be used by any goroutine at once. One change of the authority runs at a
// time; certificates are signed beside it.
//
// # Invariants
//
// The key goes into the log and the snapshots, as Consul has it there, and nowhere else:
// in no answer, no error, no line of a log. Whoever asks for a leaf has the right to its
// name each time, and the leaf has the one URI that was asked for. No two certificates
// have one serial number. Signing takes so many requests a second, or at once, as the
// configuration says; the rest waits for half a second and is refused then.
//
// # Decisions
//
// An authority is made where nobody needs to be asked whether all servers know it: in a
// cluster that was just founded, or when somebody asks for it first. A new version writes
// no new command by itself (catalog/DESIGN.md §5). What the providers have in common is
// small, and behind one interface; secondary datacenters follow the primary's roots with
// one blocking read, on whose answers everything they do hangs.
package ca
