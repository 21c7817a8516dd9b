package raftstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"praetor/internal/fault"
	"praetor/raftstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func lonePeers(n *node) []raftstore.Peer {
	return []raftstore.Peer{{ID: n.id, Address: n.address, Voter: true}}
}

func TestLoneServerKeepsItsEntriesAcrossRestarts(t *testing.T) {
	for _, backend := range []string{"wal", "boltdb"} {
		t.Run(backend, func(t *testing.T) {
			n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) { o.Backend = backend })
			n.start(t)
			if n.HasState() {
				t.Error("a new server has state")
			}
			if err := n.Bootstrap(lonePeers(n)); err != nil {
				t.Fatal(err)
			}
			leaderOf(t, []*node{n})
			n.apply(t, "one")
			n.apply(t, "two")
			n.stop(t)

			n.start(t)
			if !n.HasState() {
				t.Error("no state after a restart")
			}
			if err := n.Bootstrap(lonePeers(n)); fault.KindOf(err) != fault.Conflict {
				t.Errorf("second bootstrap: %v, want a conflict", err)
			}
			leaderOf(t, []*node{n})
			n.apply(t, "three")
			wantEntries(t, n, "one", "two", "three")
		})
	}
}

func TestLoneServerLeadsAtOnce(t *testing.T) {
	n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"))
	begin := time.Now()
	n.start(t)
	opened := time.Since(begin)
	if err := n.Bootstrap(lonePeers(n)); err != nil {
		t.Fatal(err)
	}
	leaderOf(t, []*node{n})
	t.Logf("open %v, leader after %v", opened, time.Since(begin))
	n.apply(t, "one")
	n.stop(t)

	// Restarted, it must not wait for the heartbeat timeout (400 to 800 ms).
	n.opts.HeartbeatTimeout, n.opts.ElectionTimeout = time.Hour, time.Hour
	begin = time.Now()
	n.start(t)
	leaderOf(t, []*node{n})
	t.Logf("restarted: leader after %v", time.Since(begin))
}

func TestThreeServersReplicateAndReplaceALostLeader(t *testing.T) {
	nodes := cluster(t, 3)
	leader := leaderOf(t, nodes)
	leader.apply(t, "one")
	for _, n := range nodes {
		wantEntries(t, n, "one")
	}
	var rest []*node
	for _, n := range nodes {
		if n != leader {
			rest = append(rest, n)
		}
	}
	begin := time.Now()
	leader.stop(t)
	next := leaderOf(t, rest)
	t.Logf("leader replaced after %v", time.Since(begin))
	next.apply(t, "two")
	for _, n := range rest {
		wantEntries(t, n, "one", "two")
	}
	leader.start(t)
	wantEntries(t, leader, "one", "two")
}

func TestApplyOnAFollowerIsCertainNotToHappen(t *testing.T) {
	nodes := cluster(t, 3)
	leader := leaderOf(t, nodes)
	for _, n := range nodes {
		if n == leader {
			continue
		}
		_, _, err := n.Apply(context.Background(), []byte("x"))
		if fault.KindOf(err) != fault.NoLeader || err.Error() != "No cluster leader" || errors.Is(err, raftstore.ErrUncertain) {
			t.Errorf("apply on a follower: %v", err)
		}
		if err := n.VerifyLeader(context.Background()); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("verify on a follower: %v", err)
		}
	}
	if err := leader.VerifyLeader(context.Background()); err != nil {
		t.Errorf("verify on the leader: %v", err)
	}
}

func TestErrorResultsPassThrough(t *testing.T) {
	n := cluster(t, 1)[0]
	result, index, err := n.Apply(context.Background(), []byte("error boom"))
	if err != nil || index == 0 {
		t.Fatalf("apply: index %d, %v", index, err)
	}
	if got, ok := result.(error); !ok || got.Error() != "boom" {
		t.Errorf("result %v, want the error boom", result)
	}
}

func TestSecondOpenOfAFolderFailsAtOnce(t *testing.T) {
	n := cluster(t, 1)[0]
	other := newNode(t, "s2", n.opts.Dir)
	other.opts.Machine = &journal{}
	begin := time.Now()
	_, err := raftstore.Open(other.opts)
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("second open: %v, want a conflict", err)
	}
	want := fmt.Sprintf("open raft folder: %s is in use by another process (stop that agent, or give this one another data_dir)",
		filepath.Join(n.opts.Dir, "stable.db"))
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
