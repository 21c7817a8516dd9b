package raftstore_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/raftstore"
)

// TestLeaseOfALeaderThatSleptIsOver makes the clock of a leader jump, as if its
// process had been stopped: what was said before does not count, what is said
// afterwards does.
func TestLeaseOfALeaderThatSleptIsOver(t *testing.T) {
	clocks, valves := map[string]*atomic.Int64{}, map[string]*valve{}
	prepare := func(n *node) {
		slept, clock := new(atomic.Int64), n.opts.Clock
		n.opts.Clock = func() time.Duration { return clock() + time.Duration(slept.Load()) }
		v := &valve{open: make(chan struct{})}
		close(v.open)
		n.opts.Dial = v.around(n.opts.Dial)
		clocks[n.id], valves[n.id] = slept, v
	}
	virtualWith(t, 3, prepare, func(t *testing.T, _ *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		must(t, leader.VerifyLeader(t.Context()))
		if !leader.HoldsLease() || leader.LastContact() != 0 {
			t.Fatalf("a leader that was just confirmed holds no lease, last contact %s ago", leader.LastContact())
		}
		v := valves[leader.id]
		v.hold()
		time.Sleep(100 * time.Millisecond) // heartbeats are sent, and answered, and the answers wait
		clocks[leader.id].Add(int64(15 * time.Second))
		if leader.HoldsLease() || leader.LastContact() < 15*time.Second {
			t.Errorf("it holds a lease after its sleep, last contact %s ago", leader.LastContact())
		}
		v.drop() // nothing new gets out
		v.release()
		synctest.Wait()
		if leader.HoldsLease() {
			t.Error("answers to what it sent before its sleep gave it a lease")
		}
		v.undrop()
		if err := leader.VerifyLeader(t.Context()); err == nil && !leader.HoldsLease() {
			t.Error("a leader that was confirmed after its sleep holds no lease")
		}
	})
}

// TestLeaseEndsWithTheQuorum cuts a leader off: it holds its lease no longer than
// that lasts, though raft may take it for the leader a little longer.
func TestLeaseEndsWithTheQuorum(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		must(t, leader.VerifyLeader(t.Context()))
		net.isolate(leader.address)
		time.Sleep(201 * time.Millisecond) // LeaderLease
		if leader.HoldsLease() {
			t.Error("it holds its lease without a quorum")
		}
	})
}

// TestNonvotersGiveNoLease leaves a leader with a server that has no vote.
func TestNonvotersGiveNoLease(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		var other *node
		for _, n := range nodes {
			if n != leader {
				other = n
			}
		}
		must(t, leader.RemovePeer(other.id))
		must(t, leader.AddNonvoter(other.id, other.address))
		must(t, leader.VerifyLeader(t.Context()))
		for _, n := range nodes {
			if n != leader && n != other {
				net.isolate(n.address)
			}
		}
		time.Sleep(201 * time.Millisecond)
		if leader.HoldsLease() {
			t.Error("it holds a lease by the answers of a server without a vote")
		}
	})
}

// TestLeaderThatHandsOnHasNoLeaseAnyMore lets the message that makes another server
// take over get lost, or come late: nobody can tell.
func TestLeaderThatHandsOnHasNoLeaseAnyMore(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		must(t, leader.VerifyLeader(t.Context()))
		var heir *node
		for _, n := range nodes {
			if n != leader {
				heir = n
			}
		}
		net.isolate(heir.address)
		if err := leader.TransferLeadershipTo(heir.id, heir.address); err == nil {
			t.Error("leadership went to a server that is cut off")
		}
		for range 10 {
			time.Sleep(50 * time.Millisecond)
			if leader.IsLeader() && leader.HoldsLease() {
				t.Error("it holds a lease in the term in which it named an heir")
			}
		}
		if leader.IsLeader() {
			must(t, leader.VerifyLeader(t.Context())) // it may still be the leader
		}
		net.heal(heir.address)
	})
}

func TestLoneLeaderNeedsNoLease(t *testing.T) {
	virtual(t, 1, func(t *testing.T, _ *pipes, nodes []*node) {
		if s := leaderOf(t, nodes); !s.HoldsLease() || s.LastContact() != 0 {
			t.Error("a server that is the only voter has nobody to ask")
		}
	})
}

func BenchmarkHoldsLease(b *testing.B) {
	for name, count := range map[string]int{"alone": 1, "three": 3} {
		b.Run(name, func(b *testing.B) {
			leader := leaderOf(b, cluster(b, count, func(o *raftstore.Options) { o.Dir = "" }))
			b.ReportAllocs()
			for b.Loop() {
				leader.HoldsLease()
			}
		})
	}
}
