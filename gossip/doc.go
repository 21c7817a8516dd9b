// Package gossip keeps this node's LAN and WAN member lists: who is there, who
// failed, who left, messages to all, and questions to one. It stands on serf and memberlist.
//
// # Use
//
//	pool, err := gossip.Open(gossip.Options{
//		Name:     "web-1",
//		Tags:     gossip.ClientTags{ID: id, Datacenter: "dc1"}.Map(),
//		BindAddr: "10.0.0.7",
//		BindPort: 8301,
//		Admit:    gossip.AdmitLAN("web-1", "dc1", id, "10.0.0.9"),
//		Logger:   logger.Named("serf.lan"),
//	})
//	defer pool.Close()
//	n, err := pool.Join([]string{"10.0.0.1"})
//	err = pool.Run(ctx, func(e gossip.Event) { … })
//
// # Concurrency
//
// All methods may be called at once from anywhere, except from Options.Admit;
// one Run at a time. From Open to Close the pool owns four goroutines: pump moves
// serf's events into a queue and never waits for Run's handler; carryPackets and
// carryStreams check what came before memberlist reads it; settle asks members that
// others speak of. Identify starts one more, which ends with a ping; a member in doubt
// has one of its own, of 64 at most, for some seconds. Serf and
// memberlist have goroutines of their own: Close ends them, but memberlist does
// not wait for a probe under way, which ends within seconds by its own timeouts.
//
// # Invariants
//
// Events come in serf's order. Without a Run, or with a slow handler, they
// wait: up to 1,024 user events, then the oldest is lost and counted; up to
// 4,096 events in all, then only the newest event of each member is kept, so
// the queue is bounded by the number of members and the last word about each
// member always arrives. A handler therefore must take an event as "this is so
// now", not count on each step. Of the questions that other members ask, 16
// wait to be answered; what comes beyond is dropped.
// A member whose process has ended fails within seconds of a refused connection to its
// gossip address (doubt.go). Only connections that this agent opened count. One that is starved, stopped,
// or behind a link that loses packets, and a machine that vanished, refuse nothing:
// they have the time that memberlist's settings give them. A process that has its port back within a
// second (a client agent: two and a half) does not fail.
// A name held by an alive member stays with it: a newcomer with the same name
// is logged and ignored, nobody is shut down.
//
// # Decisions
//
// See DESIGN.md, also for the formats of files and tags.
package gossip
