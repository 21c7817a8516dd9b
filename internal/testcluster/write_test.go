package testcluster_test

import (
	"fmt"
	"testing"

	"praetor/internal/testcluster"
)

// fire sends a request and closes the connection, as programs do that do not care.
func fire(t *testing.T, n *testcluster.Node, method, path, body string) {
	t.Helper()
	conn, err := n.Dial(t.Context(), 8500)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body); err != nil {
		t.Fatal(err)
	}
}

// Each row's request is sent often with other numbers; count tells how many of its
// effects are there.
func TestWritesWhoseClientsLeftAreCarriedOut(t *testing.T) {
	const often = 12
	rows := []struct {
		name, method, path, body string // with a number
		count                    func(n *testcluster.Node) int
	}{
		{"keys", "PUT", "/v1/kv/%s/%d", "v", func(n *testcluster.Node) int { k, _, _ := client(t, n).KV().Keys("", "", nil); return len(k) }},
		{"deleted keys", "DELETE", "/v1/kv/%s/%d", "", func(n *testcluster.Node) int {
			k, _, _ := client(t, n).KV().Keys("", "", nil)
			return 3*often - len(k)
		}},
		{"transactions", "PUT", "/v1/txn?%s%d", `[{"KV":{"Verb":"set","Key":"txn/%s/%d","Value":""}}]`, func(n *testcluster.Node) int {
			k, _, _ := client(t, n).KV().Keys("txn/", "", nil)
			return len(k)
		}},
		{"sessions", "PUT", "/v1/session/create?%s%d", `{"Name":"%s%d"}`, func(n *testcluster.Node) int { s, _, _ := client(t, n).Session().List(nil); return len(s) }},
		{"nodes", "PUT", "/v1/catalog/register?%s%d", `{"Node":"%s-%d","Address":"10.0.0.1"}`, func(n *testcluster.Node) int {
			nodes, _, _ := client(t, n).Catalog().Nodes(nil)
			return len(nodes) - 4
		}},
		{"queries", "POST", "/v1/query?%s%d", `{"Name":"%s-%d","Service":{"Service":"w"}}`, func(n *testcluster.Node) int { q, _, _ := client(t, n).PreparedQuery().List(nil); return len(q) }},
		{"entries", "PUT", "/v1/config?%s%d", `{"Kind":"service-defaults","Name":"%s-%d","Protocol":"http"}`, func(n *testcluster.Node) int {
			e, _, _ := client(t, n).ConfigEntries().List("service-defaults", nil)
			return len(e)
		}},
		{"instances", "PUT", "/v1/agent/service/register?%s%d", `{"Name":"web","ID":"%s-%d"}`, func(n *testcluster.Node) int {
			s, _, _ := client(t, n).Catalog().Service("web", "", nil)
			return len(s)
		}},
	}
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		leader, follower := c.Leader(), c.Servers()[0]
		if follower == leader {
			follower = c.Servers()[1]
		}
		c.WaitFor("all nodes in the catalog", func() error { return wantNodes(t, leader, 4) })
		for _, row := range rows {
			for name, n := range map[string]*testcluster.Node{"leader": leader, "follower": follower, "agent": c.Clients()[0]} {
				for i := range often {
					fire(t, n, row.method, fmt.Sprintf(row.path, name, i), numbered(row.body, name, i))
				}
			}
			c.WaitFor(row.name, func() error {
				if got := row.count(leader); got != 3*often {
					return fmt.Errorf("%d of %d were carried out", got, 3*often)
				}
				return nil
			})
		}
	})
}

func numbered(body, name string, i int) string {
	if len(body) < 2 {
		return body
	}
	return fmt.Sprintf(body, name, i)
}

func wantNodes(t *testing.T, n *testcluster.Node, want int) error {
	nodes, _, err := client(t, n).Catalog().Nodes(nil)
	if err == nil && len(nodes) != want {
		err = fmt.Errorf("%d nodes, want %d", len(nodes), want)
	}
	return err
}
