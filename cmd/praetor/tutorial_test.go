package main_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestTutorial walks through what made people choose Consul: three servers, of
// which one was told to expect two, two clients, services by HTTP and by file,
// found over HTTP and DNS from everywhere, whatever dies.
func TestTutorial(t *testing.T) {
	t.Parallel()
	const join = "127.77.1.1"
	servers := []*node{
		newNode(t, "s1", "127.77.1.1", "-server", "-bootstrap-expect=2"),
		newNode(t, "s2", "127.77.1.2", "-server", "-retry-join", join),
		newNode(t, "s3", "127.77.1.3", "-server", "-retry-join="+join),
	}
	confDir := t.TempDir()
	writeFile(t, filepath.Join(confDir, "web.json"),
		`{"service": {"name": "web", "tags": ["rails"], "port": 80, "check": {"args": ["true"], "interval": "1s"}}}`)
	clients := []*node{
		newNode(t, "c1", "127.77.1.4", "-retry-join", join, "-ui"),
		newNode(t, "c2", "127.77.1.5", "--retry-join", join, "-config-dir", confDir, "-enable-local-script-checks"),
	}
	all := append(slices.Clone(servers), clients...)
	for _, n := range all {
		n.start()
	}
	for _, n := range all {
		waitFor(t, "leader at "+n.name, 20*time.Second, n.hasLeader)
	}
	waitFor(t, "three voters", 60*time.Second, func() error { return wantVoters(servers, 3) })

	t.Run("members", func(t *testing.T) { wantMembers(t, clients[0], all) })
	t.Run("web from the file is found everywhere", func(t *testing.T) {
		for _, n := range all {
			waitFor(t, "healthy web at "+n.name, 15*time.Second, func() error { return wantInstances(n, "web", "127.77.1.5") })
		}
	})
	t.Run("redis by HTTP", func(t *testing.T) {
		body := `{"id": "redis-xxx", "name": "redis", "tags": ["master", "v1"], "port": 8000, "checks": [{"ttl": "10m", "status": "passing"}]}`
		if err := clients[0].put("/v1/agent/service/register", body); err != nil {
			t.Fatal(err)
		}
		// Only an update outlives a restart of the agent, not the first status.
		if err := clients[0].put("/v1/agent/check/pass/service:redis-xxx", ""); err != nil {
			t.Fatal(err)
		}
		for _, n := range all {
			waitFor(t, "redis at "+n.name, 10*time.Second, func() error { return wantInstances(n, "redis", "127.77.1.4") })
			wantSRV(t, n, "redis.service.consul.", "c1.node.dc1.consul.", 8000)
			wantSRV(t, n, "master.redis.service.dc1.consul.", "c1.node.dc1.consul.", 8000)
			wantSRV(t, n, "_redis._v1.service.consul.", "c1.node.dc1.consul.", 8000)
		}
	})
	t.Run("UI", func(t *testing.T) {
		status, text, err := clients[0].request("GET", "/ui/", "")
		if err != nil || status != http.StatusOK || !strings.Contains(text, "<title>Praetor</title>") {
			t.Errorf("%d %.80s %v", status, text, err)
		}
	})
	t.Run("info", func(t *testing.T) { wantInfo(t, servers, clients) })

	written := map[string]string{}
	put := func(t *testing.T, n *node, key, value string) {
		t.Helper()
		waitFor(t, "write of "+key, 15*time.Second, func() error { return n.put("/v1/kv/"+key, value) })
		written[key] = value
	}
	for i := range 20 {
		put(t, all[i%len(all)], fmt.Sprintf("before/%d", i), fmt.Sprint(i))
	}
	t.Run("kill -9 of the leader loses nothing", func(t *testing.T) {
		leader := leaderOf(t, servers)
		leader.kill()
		begin := time.Now()
		put(t, clients[0], "after/leader", "yes")
		t.Logf("leader killed to next write: %s", time.Since(begin).Round(time.Millisecond))
		wantKeys(t, clients[1], written)
		waitFor(t, "dead leader critical", 30*time.Second, func() error { return wantSerfHealth(clients[0], leader.name, "critical") })
		leader.start()
		waitFor(t, "old leader passing", 30*time.Second, func() error { return wantSerfHealth(clients[0], leader.name, "passing") })
		waitFor(t, "three voters", 60*time.Second, func() error { return wantVoters(servers, 3) })
	})
	t.Run("restart of every node from its data folder", func(t *testing.T) {
		for _, n := range all {
			n.kill()
		}
		for _, n := range all {
			n.start()
		}
		for _, n := range all {
			waitFor(t, "leader at "+n.name, 20*time.Second, n.hasLeader)
		}
		wantKeys(t, clients[0], written)
		for _, n := range all {
			waitFor(t, "web at "+n.name, 20*time.Second, func() error { return wantInstances(n, "web", "127.77.1.5") })
			waitFor(t, "redis at "+n.name, 20*time.Second, func() error { return wantInstances(n, "redis", "127.77.1.4") })
		}
	})
	t.Run("deregistration", func(t *testing.T) {
		if err := clients[0].put("/v1/agent/service/deregister/redis-xxx", ""); err != nil {
			t.Fatal(err)
		}
		for _, n := range all {
			waitFor(t, "end of redis at "+n.name, 10*time.Second, func() error {
				m, err := n.dig("udp", "redis.service.consul.", dns.TypeA)
				if err == nil && (m.Rcode != dns.RcodeNameError || len(m.Ns) != 1) {
					err = fmt.Errorf("rcode %s, %d authority records", dns.RcodeToString[m.Rcode], len(m.Ns))
				}
				return err
			})
		}
	})
	t.Run("graceful leave", func(t *testing.T) {
		if code := clients[1].signal(interrupt); code != 0 {
			t.Errorf("client exits with %d after SIGINT, want 0", code)
		}
		waitFor(t, "c2 gone from the catalog", 15*time.Second, func() error { return wantNoNode(servers[1], "c2") })
		if out, errs, code := servers[2].cli("leave"); code != 0 || out != "Graceful leave complete\n" {
			t.Errorf("leave: %d %q %q", code, out, errs)
		}
		<-servers[2].done
		waitFor(t, "two peers", 15*time.Second, func() error { return wantPeers(servers[0], 2) })
		put(t, servers[0], "after/leave", "yes")
	})
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantPeers(n *node, want int) error {
	var peers []string
	if err := n.get("/v1/status/peers", &peers); err != nil {
		return err
	}
	if len(peers) != want {
		return fmt.Errorf("peers %v, want %d", peers, want)
	}
	return nil
}

// wantVoters wants so many voters in the leader's Raft configuration: one that
// joined later votes once it has been healthy for ten seconds.
func wantVoters(servers []*node, want int) error {
	for _, n := range servers {
		out, _, _ := n.cli("info")
		if strings.Contains(out, "\tstate = Leader\n") {
			if got := strings.Count(out, "Suffrage:Voter"); got != want {
				return fmt.Errorf("%d voters, want %d", got, want)
			}
			return nil
		}
	}
	return errors.New("no leader")
}

func wantMembers(t *testing.T, n *node, all []*node) {
	t.Helper()
	waitFor(t, "full list of members", 10*time.Second, func() error {
		out, errs, code := n.cli("members")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != 0 || len(lines) != len(all)+1 {
			return fmt.Errorf("%d lines, code %d\n%s%s", len(lines), code, out, errs)
		}
		for i, m := range all { // servers first, then by name: the order of all
			f := strings.Fields(lines[i+1])
			kind, segment := "client", "<default>"
			if strings.HasPrefix(m.name, "s") {
				kind, segment = "server", "<all>"
			}
			want := []string{m.name, m.ip + ":8301", "alive", kind, "1.22.7", "2", "dc1", "default", segment}
			if !slices.Equal(f, want) {
				return fmt.Errorf("line %q, want %v", lines[i+1], want)
			}
		}
		return nil
	})
}

// wantInstances wants one passing instance of a service, over HTTP and DNS.
func wantInstances(n *node, service, ip string) error {
	var list []struct{ Node struct{ Address string } }
	if err := n.get("/v1/health/service/"+service+"?passing", &list); err != nil {
		return err
	}
	if len(list) != 1 || list[0].Node.Address != ip {
		return fmt.Errorf("passing instances of %s at %s: %v, want one on %s", service, n.name, list, ip)
	}
	for _, network := range []string{"udp", "tcp"} {
		m, err := n.dig(network, service+".service.consul.", dns.TypeA)
		if err != nil {
			return err
		}
		if len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != ip {
			return fmt.Errorf("%s over %s at %s: %v, want %s", service, network, n.name, m.Answer, ip)
		}
	}
	return nil
}

func wantSRV(t *testing.T, n *node, name, target string, port uint16) {
	t.Helper()
	m, err := n.dig("udp", name, dns.TypeSRV)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Answer) != 1 || len(m.Extra) == 0 {
		t.Fatalf("%s at %s: answer %v, additional %v", name, n.name, m.Answer, m.Extra)
	}
	if srv := m.Answer[0].(*dns.SRV); srv.Target != target || srv.Port != port {
		t.Errorf("%s at %s: %s:%d, want %s:%d", name, n.name, srv.Target, srv.Port, target, port)
	}
}

func wantInfo(t *testing.T, servers, clients []*node) {
	t.Helper()
	leaders := 0
	for _, n := range servers {
		out, _, _ := n.cli("info")
		for _, line := range []string{"agent:\n", "\tnum_peers = 2\n", "\tserver = true\n", "serf_wan:\n", "\tterm = ", "\tknown_datacenters = 1\n"} {
			if !strings.Contains(out, line) {
				t.Errorf("info of %s lacks %q:\n%s", n.name, line, out)
			}
		}
		if strings.Contains(out, "\tstate = Leader\n") {
			leaders++
		}
	}
	if leaders != 1 {
		t.Errorf("%d servers say they lead", leaders)
	}
	out, _, _ := clients[0].cli("info")
	if !strings.Contains(out, "\tknown_servers = 3\n") || strings.Contains(out, "raft:") {
		t.Errorf("info of a client:\n%s", out)
	}
}

func wantKeys(t *testing.T, n *node, want map[string]string) {
	t.Helper()
	for key, value := range want {
		waitFor(t, "read of "+key, 15*time.Second, func() error {
			status, got, err := n.request("GET", "/v1/kv/"+key+"?raw", "")
			if err == nil && (status != http.StatusOK || got != value) {
				err = fmt.Errorf("%s is %d %q, want %q", key, status, got, value)
			}
			return err
		})
	}
}

func wantSerfHealth(n *node, name, status string) error {
	var checks []struct{ CheckID, Status string }
	if err := n.get("/v1/health/node/"+name, &checks); err != nil {
		return err
	}
	for _, c := range checks {
		if c.CheckID == "serfHealth" && c.Status == status {
			return nil
		}
	}
	return fmt.Errorf("checks of %s: %v, want serfHealth %s", name, checks, status)
}

func wantNoNode(n *node, name string) error {
	var nodes []struct{ Node string }
	if err := n.get("/v1/catalog/nodes", &nodes); err != nil {
		return err
	}
	for _, m := range nodes {
		if m.Node == name {
			return fmt.Errorf("%s is still in the catalog", name)
		}
	}
	return nil
}
