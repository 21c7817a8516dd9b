package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// get asks a node without a socket.
func get(n *testcluster.Node, target string) string {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", target, nil)
	req.RemoteAddr = "127.0.0.1:1"
	n.Agent().API().ServeHTTP(rec, req)
	return strings.TrimSpace(rec.Body.String())
}

// statuses are the members that a node knows, as name=status.
func statuses(t *testing.T, n *testcluster.Node, wan bool) string {
	t.Helper()
	members, err := n.Agent().Members(wan)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range members {
		list = append(list, fmt.Sprintf("%s=%d", m.Name, m.Status))
	}
	return strings.Join(sorted(list), " ")
}

// pass lets virtual time go by.
func pass(c *testcluster.Cluster, d time.Duration) {
	until := time.Now().Add(d)
	c.WaitFor(d.String(), func() error {
		if left := time.Until(until); left > 0 {
			return fmt.Errorf("%v left", left)
		}
		return nil
	})
}

// TestPoolsOfAnAgent: clients are in the LAN pool only (reference/internals.md §1).
func TestPoolsOfAnAgent(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 2, Clients: 1}, func(c *testcluster.Cluster) {
		server, client, begin := c.Servers()[0], c.Clients()[0], time.Now()
		c.WaitFor("the other server in the WAN pool", func() error {
			if got := statuses(t, server, true); got != "server-1.dc1=1 server-2.dc1=1" {
				return fmt.Errorf("%s", got)
			}
			return nil
		})
		if took := time.Since(begin); took > 30*time.Second { // each minute it is looked for anyway
			t.Errorf("it took %s to bring it there", took)
		}
		if got := statuses(t, server, false); got != "client-1=1 server-1=1 server-2=1" {
			t.Errorf("LAN: %s", got)
		}
		if got := statuses(t, client, true); got != "" {
			t.Errorf("a client in the WAN pool: %s", got)
		}
		const none = "agent: the WAN pool is off: only servers with ports.serf_wan are in it"
		ctx := context.Background()
		for name, err := range map[string]error{
			"join": client.Agent().Join(ctx, "127.0.0.1", true), "force-leave": client.Agent().ForceLeave("x.dc1", false, true),
		} {
			if err == nil || err.Error() != none {
				t.Errorf("%s over the WAN: %v", name, err)
			}
		}
		for _, wan := range []bool{false, true} {
			if err := server.Agent().Join(ctx, c.Servers()[1].IP(), wan); err != nil {
				t.Errorf("join of a member (%t): %v", wan, err)
			}
			if err := server.Agent().Join(ctx, "127.78.99.99", wan); err == nil {
				t.Errorf("join of nobody (%t)", wan)
			}
		}
		if err := server.Agent().ForceLeave("nobody", false, false); err == nil || !strings.Contains(err.Error(), "No node found with name 'nobody'") {
			t.Errorf("force-leave of nobody: %v", err)
		}
	})
}

// TestAClientTellsWhyItIsAlone: how many servers it knows, and while it can neither join
// nor tell them of its services, why. The doctor reads it.
func TestAClientTellsWhyItIsAlone(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 2, Clients: 1, Lazy: true}, func(c *testcluster.Cluster) {
		client := c.Clients()[0]
		says := func(what string, has, lacks []string) {
			t.Helper()
			c.WaitFor(what, func() error {
				text := get(client, "/v1/agent/self")
				for _, word := range has {
					if !strings.Contains(text, word) {
						return fmt.Errorf("no %s in %s", word, text)
					}
				}
				for _, word := range lacks {
					if strings.Contains(text, word) {
						return fmt.Errorf("%s in %s", word, text)
					}
				}
				return nil
			})
		}
		client.Start()
		says("nobody to join", []string{`"known_servers":"0"`, `"join_error":"`, `"sync_error":"`}, nil)
		for _, s := range c.Servers() {
			s.Start()
		}
		says("two servers", []string{`"known_servers":"2"`}, []string{"join_error", "sync_error"})
		c.Servers()[1].Crash()
		says("one that is left", []string{`"known_servers":"1"`}, []string{"join_error"})
	})
}

// TestForcedLeaveReachesBothPools: reference/internals.md §1.2.
func TestForcedLeaveReachesBothPools(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		prune, wan bool
		lan, other string // of server-3 afterwards
	}{
		{"server-3", false, false, "server-3=3", "server-3.dc1=3"},
		{"server-3.dc1", false, false, "server-3=3", "server-3.dc1=3"},
		{"server-3", true, false, "", ""},
		{"server-3.dc1", false, true, "server-3=4", "server-3.dc1=3"},
	} {
		testcluster.Virtual(t, testcluster.Options{Servers: 3, Config: `autopilot { cleanup_dead_servers = false }`}, func(c *testcluster.Cluster) {
			asked, gone := c.Servers()[0], c.Servers()[2]
			c.WaitFor("all in the WAN pool", func() error {
				if got := statuses(t, asked, true); strings.Count(got, "=1") != 3 {
					return fmt.Errorf("%s", got)
				}
				return nil
			})
			gone.Crash()
			c.WaitFor("its failure", func() error {
				if a, b := statuses(t, asked, false), statuses(t, asked, true); !strings.Contains(a, "server-3=4") || !strings.Contains(b, "server-3.dc1=4") {
					return fmt.Errorf("%s, %s", a, b)
				}
				return nil
			})
			if err := asked.Agent().ForceLeave(row.name, row.prune, row.wan); err != nil {
				t.Fatalf("%+v: %v", row, err)
			}
			c.WaitFor(fmt.Sprintf("%+v", row), func() error {
				for wan, want := range map[bool]string{false: row.lan, true: row.other} {
					if got := statuses(t, asked, wan); want != "" && !strings.Contains(got, want) || want == "" && strings.Contains(got, "server-3") {
						return fmt.Errorf("%s, want %q", got, want)
					}
				}
				return nil
			})
		})
	}
}

// TestCoordinatesAreReportedUnlessOff: within half a minute, and with the agent's token
// or the default one.
func TestCoordinatesAreReportedUnlessOff(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]bool{``: true, `disable_coordinates = true`: false} {
		testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Config: config}, func(c *testcluster.Cluster) {
			pass(c, time.Minute)
			var nodes []struct{ Node string }
			text := get(c.Leader(), "/v1/coordinate/nodes")
			if err := json.Unmarshal([]byte(text), &nodes); (err != nil || len(nodes) != 2) == want {
				t.Errorf("%q: %s, %v", config, text, err)
			}
		})
	}
}

// TestSharedKeysAreThoseOfGossip: an agent without the key of the others is asked for
// nothing and told nothing.
func TestSharedKeysAreThoseOfGossip(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1, Encrypt: true}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		c.WantKV("a", "1")
		for _, n := range []*testcluster.Node{c.Leader(), c.Clients()[0]} {
			if text := get(n, "/v1/agent/self"); !strings.Contains(text, `"encrypted":"true"`) {
				t.Errorf("%s does not encrypt: %s", n.Name(), text)
			}
		}
	})
}

// TestMembersAreMeasured: reference/config.md §6.
func TestMembersAreMeasured(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 2, Clients: 3}, func(c *testcluster.Cluster) {
		c.Clients()[0].Crash()
		pass(c, time.Minute)
		var shown struct {
			Gauges []struct {
				Name  string
				Value float64
			}
		}
		if err := json.Unmarshal([]byte(get(c.Leader(), "/v1/agent/metrics")), &shown); err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, g := range shown.Gauges {
			got[g.Name] = g.Value
		}
		for name, want := range map[string]float64{"consul.members.clients": 2, "consul.members.servers": 2} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v, %t; want %v", name, value, ok, want)
			}
		}
		if _, ok := got["consul.cache.entries_count"]; !ok {
			t.Errorf("the cache is not measured: %v", got)
		}
		shown.Gauges = nil
		if err := json.Unmarshal([]byte(get(c.Clients()[1], "/v1/agent/metrics")), &shown); err != nil {
			t.Fatal(err)
		}
		for _, g := range shown.Gauges {
			if strings.HasPrefix(g.Name, "consul.members.") {
				t.Errorf("a client measures %s", g.Name)
			}
		}
	})
}

// TestLeavingEndsTheAgent: others see that it left, and a server is no peer any more.
func TestLeavingEndsTheAgent(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		for _, leaver := range []*testcluster.Node{c.Clients()[0], c.Servers()[2]} {
			name, a := leaver.Name(), leaver.Agent()
			if err := leaver.Leave(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := a.Leave(); err != nil {
				t.Errorf("%s, again: %v", name, err)
			}
			c.WaitFor(name+" left", func() error {
				if got := statuses(t, c.Servers()[0], false); !strings.Contains(got, name+"=3") {
					return fmt.Errorf("%s", got)
				}
				return nil
			})
		}
		c.WaitFor("a peer fewer", func() error {
			if text := get(c.Servers()[0], "/v1/status/peers"); strings.Count(text, ":8300") != 2 {
				return fmt.Errorf("%s", text)
			}
			return nil
		})
	})
}

// TestAServerNotesThatItRuns, each hour: one that was away for too long must not come back.
func TestAServerNotesThatItRuns(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Config: fmt.Sprintf(
		`data_dir = %q gossip_lan { gossip_interval = "10s" probe_interval = "60s" } gossip_wan { gossip_interval = "10s" probe_interval = "60s" }`, data)}, func(c *testcluster.Cluster) {
		time.Sleep(61 * time.Minute)
		text, err := os.ReadFile(filepath.Join(data, "server_metadata.json"))
		if err != nil {
			t.Fatal(err)
		}
		var noted struct {
			Last int64 `json:"last_seen_unix"`
		}
		if err := json.Unmarshal(text, &noted); err != nil || time.Since(time.Unix(noted.Last, 0)) > 2*time.Minute {
			t.Errorf("%s, %v, at %d", text, err, time.Now().Unix())
		}
	})
}
