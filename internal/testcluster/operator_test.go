package testcluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testcluster"
)

func raftOf(by *testcluster.Node, opts rpc.ReadOptions) ([]ops.RaftServer, error) {
	rep, err := ops.OperatorRaft.Call(context.Background(), by.Agent().Router(), &ops.OperatorRaftRequest{ReadOptions: opts})
	if err != nil {
		return nil, err
	}
	return rep.Servers, nil
}

func TestRaftConfigurationTellsWhoLeadsAndHowFarAllAre(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		c.WaitFor("all voters at the same index", func() error {
			list, err := raftOf(c.Clients()[0], rpc.ReadOptions{})
			if err != nil {
				return err
			}
			leader := c.Leader()
			for _, s := range list {
				if !s.Voter || s.Protocol != "3" || s.Leader != (s.Node == leader.Name()) || s.LastIndex == 0 || s.LastIndex != list[0].LastIndex {
					return fmt.Errorf("%+v; %s leads", list, leader.Name())
				}
			}
			if len(list) != 3 {
				return fmt.Errorf("%d servers, want 3", len(list))
			}
			return nil
		})
	})
}

func TestRaftConfigurationCanBeReadWithoutALeader(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		last := c.Servers()[0]
		for _, n := range c.Servers()[1:] {
			n.Crash()
		}
		c.WaitFor("the loss of the leader", func() error {
			if last.Agent().Server().Leader() != "" {
				return errors.New("it knows a leader")
			}
			return nil
		})
		list, err := raftOf(last, rpc.ReadOptions{Stale: true})
		if err != nil || len(list) != 3 {
			t.Fatalf("stale: %+v, %v; want three servers", list, err)
		}
		for _, s := range list {
			if s.Leader || (s.LastIndex > 0) != (s.Node == last.Name()) {
				t.Errorf("%+v: leads, or an index from the dead", s)
			}
		}
		if _, err := raftOf(last, rpc.ReadOptions{}); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("default: %v, want no leader", err)
		}
		for _, n := range c.Servers()[1:] {
			n.Start()
		}
	})
}

func TestLeadershipIsTransferred(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		router := c.Clients()[0].Agent().Router()
		transfer := func(id string) error {
			_, err := ops.OperatorTransferLeader.Call(context.Background(), router, &ops.OperatorTransferLeaderRequest{ID: id})
			return err
		}
		old := c.Leader()
		if err := transfer(""); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("another leader", func() error {
			if n := c.Leader(); n == old {
				return errors.New(n.Name() + " still leads")
			}
			return nil
		})
		if err := transfer(old.Agent().ID()); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("the old leader", func() error {
			if n := c.Leader(); n != old {
				return errors.New(n.Name() + " leads")
			}
			return nil
		})
		if err := transfer("zz"); fault.KindOf(err) != fault.Rejected || !strings.HasSuffix(err.Error(), "Could not find address for server id zz") {
			t.Errorf("to nobody: %v", err)
		}
		if err := transfer(old.Agent().ID()); fault.KindOf(err) != fault.Rejected {
			t.Errorf("to itself: %v, want a refusal", err)
		}
		c.PutKV("a", "1")
	})
}

func TestDeadPeerIsRemovedOnRequest(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		var dead *testcluster.Node
		for _, n := range c.Servers() {
			if n != c.Leader() {
				dead = n
			}
		}
		dead.Crash()
		remove := func(id, address string) error {
			_, err := ops.OperatorRemovePeer.Call(context.Background(), c.Leader().Agent().Router(), &ops.OperatorRemovePeerRequest{
				ID: id, Address: strings.TrimPrefix(address, "?"), ByAddress: strings.HasPrefix(address, "?"),
			})
			return err
		}
		if err := remove("", dead.IP()+":8300"); err != nil {
			t.Fatal(err)
		}
		if err := wantPeers(c, 2); err != nil {
			t.Error(err)
		}
		for _, row := range []struct{ id, address, want string }{
			{"", dead.IP() + ":8300", fmt.Sprintf(`address "%s:8300" was not found in the Raft configuration`, dead.IP())},
			{"nope", "", `id "nope" was not found in the Raft configuration`},
			{"", "?", `address "" was not found in the Raft configuration`},
			{"", "", `id "" was not found in the Raft configuration`},
		} {
			if err := remove(row.id, row.address); fault.KindOf(err) != fault.Rejected || err.Error() != row.want {
				t.Errorf("%q %q: %v, want %s", row.id, row.address, err, row.want)
			}
		}
		dead.Start() // it lives: the leader takes it in again
		c.WaitFor("three peers", func() error { return wantPeers(c, 3) })
	})
}

func TestAutopilotTellsHowManyServersMayBeLost(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		router := c.Clients()[0].Agent().Router()
		wantState := func(tolerance, healthy int) func() error {
			return func() error {
				s, err := ops.OperatorAutopilotState.Call(context.Background(), router, &ops.OperatorAutopilotStateRequest{})
				if err != nil {
					return err
				}
				got := 0
				for _, server := range s.Servers {
					if server.Healthy && server.Voter && server.Leader == (server.ID == s.Leader) && server.Meta["consul-version"] != "" {
						got++
					}
				}
				if s.FailureTolerance != tolerance || got != healthy || s.Healthy != (healthy == 3) {
					return fmt.Errorf("%+v", s)
				}
				return nil
			}
		}
		c.WaitFor("a healthy cluster", wantState(1, 3))
		config, err := ops.OperatorAutopilot.Call(context.Background(), router, &ops.OperatorAutopilotRequest{})
		if err != nil {
			t.Fatal(err)
		}
		change := *config.Config
		change.CleanupDeadServers = false // so that the dead one stays
		set := func(cas bool) bool {
			rep, err := ops.OperatorSetAutopilot.Call(context.Background(), router, &ops.OperatorSetAutopilotRequest{Config: change, CAS: cas})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Done
		}
		if !set(true) || set(true) {
			t.Error("a change at its index was refused, or a second one accepted")
		}
		for _, n := range c.Servers() {
			if n != c.Leader() {
				n.Crash()
				c.WaitFor("the loss to show", wantState(0, 2))
				n.Start()
				break
			}
		}
		c.WaitFor("a healthy cluster again", wantState(1, 3))
	})
}

func TestGossipKeysAreReplacedWithoutAStop(t *testing.T) {
	const before, after = "MDEyMzQ1Njc4OWFiY2RlZg==", "ZmVkY2JhOTg3NjU0MzIxMA=="
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: `encrypt = "` + before + `"`}, func(c *testcluster.Cluster) {
		client := c.Clients()[0]
		ask := func(action ops.KeyringAction, key string) ([]ops.KeyringPool, error) {
			rep, err := ops.OperatorKeyring.Call(context.Background(), client.Agent().Router(), &ops.OperatorKeyringRequest{Action: action, Key: key})
			if err != nil {
				return nil, err
			}
			return rep.Pools, nil
		}
		c.WaitFor("all members in both pools", func() error {
			pools, err := ask(ops.KeyringList, "")
			if err != nil {
				return err
			}
			if len(pools) != 2 || pools[0].PrimaryKeys[before] != 3 || pools[1].PrimaryKeys[before] != 4 {
				return fmt.Errorf("%+v", pools)
			}
			return nil
		})
		for _, step := range []struct {
			action ops.KeyringAction
			key    string
		}{{ops.KeyringInstall, after}, {ops.KeyringUse, after}, {ops.KeyringRemove, before}} {
			if _, err := ask(step.action, step.key); err != nil {
				t.Fatalf("%s: %v", step.action, err)
			}
		}
		pools, err := ask(ops.KeyringList, "")
		if err != nil || len(pools[1].Keys) != 1 || pools[1].PrimaryKeys[after] != 4 || pools[0].PrimaryKeys[after] != 3 {
			t.Errorf("after all: %+v, %v", pools, err)
		}
		if _, err := ask(ops.KeyringRemove, after); fault.KindOf(err) != fault.Rejected {
			t.Errorf("the key in use was removed: %v", err)
		}
		client.Crash()
		client.Start() // on the keyring file, not on the key of its configuration
		c.PutKV("a", "1")
		c.WaitFor("four members again", func() error {
			pools, err := ask(ops.KeyringList, "")
			if err != nil {
				return err
			}
			if pools[1].PrimaryKeys[after] != 4 {
				return fmt.Errorf("%+v", pools)
			}
			return nil
		})
	})
}
