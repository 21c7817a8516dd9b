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
// Data folders are real on both. DNS is off in Virtual: its server takes real
// sockets only.
package testcluster
