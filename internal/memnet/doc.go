// Package memnet is a pretend network inside one process: hosts with IP
// addresses, TCP-like connections, UDP-like packets, cables that can be cut.
//
// # Use
//
// The package example has two machines talk; Cut, Heal, Crash and Set then do to them what
// happens to real ones.
//
// # Concurrency
//
// Everything may be called from anywhere at once. It waits only in channels,
// conditions and timers, so it runs in a testing/synctest bubble; a Network
// belongs to the bubble it was made in. Each gossip transport owns one goroutine
// that accepts streams; Shutdown waits for it. Nothing else runs on its own.
// Lock order: Network.mu, then link.mu.
//
// # Invariants
//
// Bytes and packets arrive at once, in order, or not at all; no time passes, unless Set gave
// a way delays and losses. The bytes of a connection keep their order whatever happens.
// A connection holds at most 64 KiB per direction (writers wait), a listener
// 128 unaccepted connections (dials wait), a transport 512 packets (more are
// dropped and counted). A dial waits at most 127 s, like Linux's six SYN retries.
//
// # Decisions
//
// Cut resets existing connections though a real partition would let them stall
// until a timeout: what is tested is recovery, and every user above sets its
// own timeouts on dials, where Cut does hang as reality does.
// A way that Set blocks is the real thing: nobody is told, and bytes wait. Setting up a
// connection takes no time on any way that is not blocked. A host that nobody
// made, and a port nobody listens on, refuse connections.
// A crash invalidates the *Host handle, so leftover goroutines of the dead
// process cannot talk any more, while its successor gets a working one.
package memnet
