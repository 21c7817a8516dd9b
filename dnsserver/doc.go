// Package dnsserver answers DNS questions about services and nodes.
//
// # Use
//
//	srv, err := dnsserver.Open(dnsserver.Options{Addresses: []string{"127.0.0.1:8600"}, Caller: router, Domain: "consul."})
//	err = srv.Run(ctx)
//
// # Concurrency
//
// Each question is answered on a goroutine of its own that the DNS library
// starts and Run waits for. Configure may be called while it runs.
//
// # Invariants
//
// Answers follow reference/dns.md to the byte, shuffling aside. Records built
// for one reply of the catalog are kept until the catalog gives another reply;
// a kept record is never changed, only copied with another owner name. At most
// maxSets record sets are kept.
//
// # Decisions
//
// The cost of an answer does not grow with the number of instances: the join,
// the health test, the deduplication and the records themselves are done once
// per change of the service (sets.go), and each question only picks from them.
package dnsserver
