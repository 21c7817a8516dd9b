package main_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestReloadIsAllOrNothing reloads one configuration after the other. Bad ones are
// refused with their fault and change nothing; good ones change what a reload can.
func TestReloadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.hcl")
	const first = `
		log_level = "INFO"
		node_meta { rack = "1" }
		limits { http_max_conns_per_client = 50 }
		dns_config { node_ttl = "7s" }
		raft_snapshot_threshold = 1000
		services { name = "web" port = 80 checks = [{ id = "c", ttl = "10m", status = "passing" }] }
	`
	writeFile(t, file, first)
	n := startLeader(t, "127.77.33.1", "-config-dir="+dir)
	shown := func() string {
		t.Helper()
		var self struct {
			DebugConfig map[string]any
			Meta        map[string]string
		}
		var services, checks map[string]map[string]any
		for path, into := range map[string]any{"/v1/agent/self": &self, "/v1/agent/services": &services, "/v1/agent/checks": &checks} {
			if err := n.get(path, into); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := n.dig("udp", "a.node.consul.", dns.TypeA)
		if err != nil || len(answer.Answer) == 0 {
			t.Fatalf("%v %v", answer, err)
		}
		ttl := fmt.Sprintf("TTL %d ", answer.Answer[0].Header().Ttl)
		return fmt.Sprint(ttl, self.DebugConfig["HTTPMaxConnsPerClient"], self.DebugConfig["RaftSnapshotThreshold"],
			self.Meta["rack"], services, checks)
	}
	before := shown()
	for _, bad := range []struct{ name, text, want string }{
		{"syntax", first + "ports {", "object expected closing RBRACE"},
		{"an unknown key", first + "datacentre = \"x\"", "invalid config key datacentre"},
		{"a wrong type", strings.Replace(first, "50", `"50"`, 1), "expected type 'int'"},
		{"a bad duration", strings.Replace(first, "7s", "7", 1), "missing unit in duration"},
		{"a check that cannot be", strings.Replace(first, `ttl = "10m"`, `http = "http://x"`, 1), "Interval must be > 0"},
		{"a script that is not allowed", strings.Replace(first, `ttl = "10m"`, `args = ["x"], interval = "1s"`, 1), "Scripts are disabled on this agent"},
		{"a check of no service", first + `checks { name = "x" ttl = "1m" service_id = "nobody" }`, `ServiceID "nobody" does not exist`},
		{"Raft's bounds", strings.Replace(first, "raft_snapshot_threshold", `raft_snapshot_interval = "1us" raft_snapshot_threshold`, 1), "SnapshotInterval"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			changed := strings.NewReplacer(`rack = "1"`, `rack = "2"`, "port = 80", "port = 81", "7s", "9s").Replace(bad.text)
			writeFile(t, file, changed)
			if status, text, err := n.request("PUT", "/v1/agent/reload", ""); err != nil || status != 500 || !strings.Contains(text, bad.want) {
				t.Errorf("%d %q %v, want %q", status, text, err, bad.want)
			}
			if after := shown(); after != before {
				t.Errorf("it changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
	writeFile(t, file, strings.NewReplacer(`rack = "1"`, `rack = "2"`, "port = 80", "port = 81", "7s", "9s", "= 50", "= 2").Replace(first))
	n.cmd.Process.Signal(syscall.SIGHUP)
	waitFor(t, "the new configuration", 10*time.Second, func() error {
		for _, want := range []string{"TTL 9", "Port:81"} {
			if got := shown(); !strings.Contains(got, want) {
				return fmt.Errorf("no %q in %s", want, got)
			}
		}
		return nil
	})
	for range 2 {
		conn, err := net.Dial("tcp", n.ip+":8500")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	waitFor(t, "the bound on connections", 10*time.Second, func() error {
		httpClient.CloseIdleConnections() // one from before the bound would stay
		status, _, err := n.request("GET", "/v1/status/leader", "")
		if err != nil || status != 429 {
			return fmt.Errorf("%d %v", status, err)
		}
		return nil
	})
}

// TestReloadStartsAndEndsWatches: what a file no longer asks for is not called any more.
func TestReloadStartsAndEndsWatches(t *testing.T) {
	t.Parallel()
	fired := make(chan string, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fired <- r.URL.Path }))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "a.hcl")
	writeFile(t, file, "")
	n := startLeader(t, "127.77.33.2", "-config-file="+file)
	watchOf := func(path string) string {
		return fmt.Sprintf(`watches = [{ type = "key" key = "watched" handler_type = "http" http_handler_config { path = "%s%s" } }]`, hook.URL, path)
	}
	change := func(conf, value string) {
		t.Helper()
		writeFile(t, file, conf)
		if err := n.put("/v1/agent/reload", ""); err != nil {
			t.Fatal(err)
		}
		for len(fired) > 0 { // what the one before has called
			<-fired
		}
		if err := n.put("/v1/kv/watched", value); err != nil {
			t.Fatal(err)
		}
	}
	for round, path := range []string{"/first", "/second", "/second"} {
		change(watchOf(path), fmt.Sprint(round))
		for limit, got := time.After(10*time.Second), ""; got != path; {
			select {
			case got = <-fired:
			case <-limit:
				t.Fatalf("round %d: nobody called %s", round, path)
			}
		}
	}
	change("", "gone")
	late := 0
	for quiet := false; !quiet; {
		select {
		case got := <-fired:
			if late++; late > 1 { // one call may have been under way
				t.Fatalf("%s was called though no file asks for it", got)
			}
		case <-time.After(500 * time.Millisecond):
			quiet = true
		}
	}
}
