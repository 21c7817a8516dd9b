// Package testcluster runs whole clusters inside one test.
//
// # Use
//
//	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
//		c.PutKV("a", "1")
//		c.Cut(c.Leader())
//		c.WaitFor("a new leader", c.HasLeader)
//		c.WantKV("a", "1")
//	})
//
// # Concurrency
//
// A Cluster belongs to the test's goroutine. Each node's Run has a goroutine
// that the end of the test, Crash or Leave waits for.
//
// # Invariants
//
// Every test ends with the same checks: all servers hold the same state, every
// acknowledged write is there, and nothing of the cluster runs any more.
//
// # Decisions
//
// Two grounds, one API. Virtual runs in a testing/synctest bubble on a pretend
// network with production timings: minutes pass in an instant, and no test
// depends on the machine's speed. Real uses sockets on the loopback network.
// Data folders are real on both. DNS has no ports in Virtual, since its server takes real
// sockets only: Door.DNS is asked.
//
// A simulation's seed decides the cluster, the faults with their times, and what clients ask.
// It does not decide in which order goroutines run that are ready at the same moment, nor
// what raft, memberlist and crypto/rand draw. What depends on those alone may not come back
// with the seed; most does. Kill copies the folder while nothing runs, so a kill never falls
// between two writes of one step: raftstore's own tests do that.
package testcluster
