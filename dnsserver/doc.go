// Package dnsserver answers DNS questions about services and nodes.
//
// # Use
//
//	srv, err := dnsserver.Open(dnsserver.Options{Addresses: []string{"127.0.0.1:8600"}, Caller: router, Domain: "consul."})
//	err = srv.Run(ctx)
//
// # Concurrency
//
// Each UDP socket has one goroutine that reads it and answers at once what needs
// no lookup; other questions get a goroutine each, at most mostPending at a time.
// Each TCP connection has one. Run waits for all. Configure may be called while
// it runs.
//
// # Invariants
//
// Answers follow reference/dns.md to the byte, shuffling aside. A cached reply is
// given only while what it was made of holds: the configuration, the lookup
// (which announces its change), and the second that is in an SOA record. A cached
// reply or record is never changed, only copied. Caches are bounded, and
// names that are asked once, as random names are, are not cached. A question has at
// most maxQuestion bytes, a listener mostConns connections and a client
// mostConnsPerClient of them, a socket mostPending questions that wait.
//
// # Decisions
//
// Work is done once per change, in three steps. The lookup itself is followed
// (internal/view): on servers it announces its change by a channel of the catalog,
// on client agents one blocking read keeps it current, and keeps it at all while
// no server lives. Its records, joined, filtered and deduplicated, are made once
// per reply of the catalog (sets.go). And whole packed replies are cached by
// question, in several orders, each given a few times before it is rebuilt
// (answer_cache.go), so that most answers cost a look-up in a map and a copy.
//
// Both are cached by the name in lower case, bounded in bytes together with the
// replies of the catalog they hold on to. Replies repeat the spelling they were asked
// in: record sets get the domain's when they are used, and of packed replies only
// those serve any spelling in which the name stands once. Replies to prepared
// queries are cached on servers unless they depend on the client, a token of the query's
// own, or other datacenters. Those in which names of others had to be resolved are not.
//
// An address that is a name of ours may lead back to its own instance (alias.go);
// that instance is answered with its node's address, since a CNAME would lead
// resolvers in circles.
//
// A reply is first trimmed as Consul does (trim.go), then made to fit whatever it
// holds (fit.go).
//
// Sockets are read here instead of by miekg/dns, whose server starts a goroutine
// and unpacks before it can be asked whether that is needed; its packing and
// unpacking is used for all that is not cached.
package dnsserver
