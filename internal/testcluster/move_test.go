package testcluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

// moved is where node i is after it got a new address.
func moved(i int) string { return fmt.Sprintf("127.78.2.%d", i+1) }

// wantPeersAt wants the Raft configuration, as the servers that run have it, and
// the catalog to have the servers at their present addresses.
func wantPeersAt(c *testcluster.Cluster, servers ...*testcluster.Node) {
	c.WaitFor("the present addresses", func() error {
		for _, asked := range servers {
			if err := peersAt(asked, servers); err != nil {
				return fmt.Errorf("%s: %w", asked.Name(), err)
			}
		}
		return nil
	})
}

func peersAt(asked *testcluster.Node, servers []*testcluster.Node) error {
	where := map[string]string{}
	for _, n := range servers {
		where[n.Name()] = n.IP()
		where[n.Agent().ID()] = n.IP() + ":8300"
	}
	req := &ops.OperatorRaftRequest{}
	req.Stale = true
	rep, err := ops.OperatorRaft.Call(context.Background(), asked.Agent().Router(), req)
	if err != nil {
		return err
	}
	if len(rep.Servers) != len(servers) {
		return fmt.Errorf("%d peers, want %d: %+v", len(rep.Servers), len(servers), rep.Servers)
	}
	for _, p := range rep.Servers {
		if where[p.ID] != p.Address || !p.Voter {
			return fmt.Errorf("peer %+v, want a voter at %s", p, where[p.ID])
		}
	}
	_, nodes := asked.Agent().Server().Store().Read().Nodes(nil)
	for _, n := range nodes {
		if at := where[n.Node]; at != "" && n.Address != at {
			return fmt.Errorf("the catalog has %s at %s, want %s", n.Node, n.Address, at)
		}
	}
	return nil
}

// crashAll crashes nodes and makes their addresses vanish once they moved.
func crashAll(nodes []*testcluster.Node) {
	for _, n := range nodes {
		n.Crash()
	}
}

// TestServersThatAllComeBackElsewhereElectALeader stops all servers and starts
// them on the same disks with other addresses, some of which others had.
func TestServersThatAllComeBackElsewhereElectALeader(t *testing.T) {
	rows := []struct {
		name  string
		to    func(i int, old []string) string // "" stays
		gone  bool                             // nobody refuses at the old addresses
		limit time.Duration
	}{
		{"all move", func(i int, _ []string) string { return moved(i) }, false, 5 * time.Second},
		{"all move, machines gone", func(i int, _ []string) string { return moved(i) }, true, 5 * time.Second},
		{"two move", func(i int, old []string) string {
			if i == 0 {
				return old[0]
			}
			return moved(i)
		}, true, 5 * time.Second},
		{"one moves", func(i int, old []string) string {
			if i == 1 {
				return moved(i)
			}
			return old[i]
		}, true, 5 * time.Second},
		{"two swap", func(i int, old []string) string { return old[[]int{1, 0, 2}[i]] }, false, 5 * time.Second},
		{"all take the next one's", func(i int, old []string) string { return old[[]int{1, 2, 0}[i]] }, false, 5 * time.Second},
	}
	for _, row := range rows {
		for _, encrypt := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, encrypted %v", row.name, encrypt), func(t *testing.T) {
				testcluster.Virtual(t, testcluster.Options{Servers: 3, Encrypt: encrypt}, func(c *testcluster.Cluster) {
					c.PutKV("a", "1")
					var old []string
					for _, n := range c.Servers() {
						old = append(old, n.IP())
					}
					crashAll(c.Servers())
					for i, n := range c.Servers() {
						n.Move(row.to(i, old))
					}
					if row.gone {
						vanish(c, old)
					}
					begin := time.Now()
					for _, n := range c.Servers() {
						n.Start()
					}
					c.PutKV("b", "2")
					took := time.Since(begin)
					t.Logf("first write after %s", took)
					if took > row.limit {
						t.Errorf("first write after %s, want %s at most", took, row.limit)
					}
					c.WantKV("a", "1")
					wantPeersAt(c, c.Servers()...)
				})
			})
		}
	}
}

// vanish makes addresses vanish that no node has now.
func vanish(c *testcluster.Cluster, ips []string) {
	for _, ip := range ips {
		used := false
		for _, n := range c.Servers() {
			used = used || n.IP() == ip
		}
		if !used {
			c.Vanish(ip)
		}
	}
}

// TestServerThatMovesWhileOthersRunIsFoundAgain moves each server in turn.
func TestServerThatMovesWhileOthersRunIsFoundAgain(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Join: 2}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		for i := range 2 {
			n := c.Servers()[i]
			old := n.IP()
			n.Crash()
			n.Move(moved(i))
			c.Vanish(old)
			n.Start()
			wantPeersAt(c, c.Servers()...)
		}
		c.WantKV("a", "1")
	})
}

// TestServersFindEachOtherThroughWhoKeptItsAddress crashes servers and starts
// them elsewhere at once, while somebody goes on running that they join: he still
// has them at their old addresses.
func TestServersFindEachOtherThroughWhoKeptItsAddress(t *testing.T) {
	rows := []struct {
		name  string
		join  int // the node that stays
		pause time.Duration
		limit time.Duration // gossip's, where only it can bring the servers together
	}{
		{"a client agent, at once", 3, 0, 15 * time.Second},
		{"a client agent, after it saw them die", 3, 20 * time.Second, 15 * time.Second},
		{"a server, at once", 0, 0, 15 * time.Second},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Join: row.join}, func(c *testcluster.Cluster) {
				c.PutKV("a", "1")
				var moving []*testcluster.Node
				for i, n := range c.Servers() {
					if i != row.join {
						moving = append(moving, n)
					}
				}
				crashAll(moving)
				for _, n := range moving {
					old := n.IP()
					n.Move(moved(int(old[len(old)-1] - '1')))
					c.Vanish(old)
				}
				pass(row.pause)
				begin := time.Now()
				for _, n := range moving {
					n.Start()
				}
				c.PutKV("b", "2")
				took := time.Since(begin)
				t.Logf("first write after %s", took)
				if took > row.limit {
					t.Errorf("first write after %s, want %s at most", took, row.limit)
				}
				c.WantKV("a", "1")
				wantPeersAt(c, c.Servers()...)
			})
		})
	}
}
