package testcluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

// TestZoneHasOneVoterAndAReadReplicaNone: a stand-by takes the vote of its zone's voter
// when that dies; a replica has all data and never votes.
func TestZoneHasOneVoterAndAReadReplicaNone(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 5, Lazy: true, Expect: func(i int) int { return []int{3, 3, 3, 0, 3}[i] }}, func(c *testcluster.Cluster) {
		for i, config := range []string{`node_meta { zone = "a" }`, `node_meta { zone = "b" }`, `node_meta { zone = "c" }`, `node_meta { zone = "a" }`, "read_replica = true"} {
			c.Node(i).Config = config + "\nautopilot { redundancy_zone_tag = \"zone\" }\n"
		}
		for _, i := range []int{4, 0, 1, 2} {
			c.Node(i).Start()
		}
		c.PutKV("k", "v")
		c.Node(3).Start()
		c.WaitFor("a stand-by and a replica", func() error {
			return wantTypes(c, "zone-voter zone-voter zone-voter zone-standby read-replica")
		})
		if got, err := staleValue(c.Node(4), "k"); err != nil || got != "v" {
			t.Errorf("the replica reads %q, %v", got, err)
		}
		c.Node(0).Crash()
		c.WaitFor("the stand-by's vote", func() error {
			return wantTypes(c, "- zone-voter zone-voter zone-voter read-replica")
		})
		c.Node(0).Start()
		c.WaitFor("a stand-by of the other", func() error {
			return wantTypes(c, "zone-standby zone-voter zone-voter zone-voter read-replica")
		})
	})
}

// wantTypes wants the servers, in order, to be of the types given; "-" is any.
func wantTypes(c *testcluster.Cluster, want string) error {
	rep, err := ops.OperatorAutopilotState.Call(context.Background(), c.Leader().Agent().Router(), &ops.OperatorAutopilotStateRequest{})
	if err != nil {
		return err
	}
	for i, kind := range strings.Fields(want) {
		got := "none"
		for _, s := range rep.Servers {
			if s.Name == c.Node(i).Name() {
				got = s.NodeType
				if s.Voter != (kind == "zone-voter") {
					got += ", which votes: " + fmt.Sprint(s.Voter)
				}
			}
		}
		if kind != "-" && got != kind {
			return fmt.Errorf("%s is %s, want %s", c.Node(i).Name(), got, kind)
		}
	}
	return nil
}

func staleValue(n *testcluster.Node, key string) (string, error) {
	req := &ops.KVGetRequest{Key: key}
	req.Stale = true
	rep, err := ops.KVGet.Call(context.Background(), n.Agent().Router(), req)
	if err != nil || rep.Entry == nil {
		return "", err
	}
	return string(rep.Entry.Value), nil
}
