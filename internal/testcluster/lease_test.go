package testcluster_test

import (
	"context"
	"testing"
	"time"

	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testcluster"

	"praetor/catalog"
)

// A leader that was stopped for a while wakes as the leader it was. Until a quorum
// confirmed it, it answers nothing that another one may have changed meanwhile.
func TestLeaderThatSleptAnswersNothingOld(t *testing.T) {
	session := &catalog.Session{}
	reads := []struct {
		name string
		ask  func(ctx context.Context, n *testcluster.Node) error
	}{
		{"default read", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.KVGet.Call(ctx, n.Agent().Router(), &ops.KVGetRequest{Key: "a"})
			return err
		}},
		{"blocking read", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.KVGet.Call(ctx, n.Agent().Router(), &ops.KVGetRequest{Key: "a", ReadOptions: rpc.ReadOptions{MinIndex: 1}})
			return err
		}},
		{"transaction of reads", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.TxnRead.Call(ctx, n.Agent().Router(), &ops.TxnReadRequest{Ops: []catalog.TxnOp{{KV: &catalog.TxnKV{Verb: catalog.TxnGet, Entry: catalog.KVEntry{Key: "a"}}}}})
			return err
		}},
		{"renewal of a session", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.SessionRenew.Call(ctx, n.Agent().Router(), &ops.SessionRenewRequest{ID: session.ID})
			return err
		}},
		{"end of a session that others may know", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.SessionDestroy.Call(ctx, n.Agent().Router(), &ops.SessionDestroyRequest{ID: "6d5c2a0e-1111-2222-3333-444455556666"})
			return err
		}},
		{"stale read with a bound", func(ctx context.Context, n *testcluster.Node) error {
			_, err := ops.KVGet.Call(ctx, n.Agent().Router(), &ops.KVGetRequest{Key: "a", ReadOptions: rpc.ReadOptions{Stale: true, MaxStale: time.Second}})
			return err
		}},
	}
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		for _, read := range reads {
			leader := c.Leader()
			c.PutKV("a", "1")
			session.ID = createSession(t, leader, catalog.Session{NodeChecks: []string{}})
			c.Cut(leader)
			leader.Oversleep(15 * time.Second)
			err := read.ask(context.Background(), leader)
			if fault.KindOf(err) != fault.NoLeader {
				t.Errorf("%s on a leader that slept and is cut off: %v, want no leader", read.name, err)
			}
			c.Heal(leader)
			c.WaitFor("the other servers' value", func() error { return wantPeers(c, 3) })
			pass(time.Minute)
			leader = c.Leader()
			leader.Oversleep(15 * time.Second)
			if err := read.ask(context.Background(), leader); err != nil {
				t.Errorf("%s on a leader that slept and is still followed: %v", read.name, err)
			}
		}
	})
}
