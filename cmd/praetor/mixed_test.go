package main_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// envPrevious names the program of the version before this one; `make mixed` builds
// it. Without it there is nothing to mix with.
const envPrevious = "PRAETOR_PREVIOUS"

// TestUpgradeAndBackUnderLoad takes a cluster from the version before to this one and
// back, one agent at a time as docs/upgrading.md says, while clients write and register
// through every agent: nothing acknowledged is lost, every agent works beside every
// other, and the version before starts on what this one wrote.
func TestUpgradeAndBackUnderLoad(t *testing.T) {
	t.Parallel()
	previous := os.Getenv(envPrevious)
	if previous == "" {
		t.Skipf("needs the program of the version before: make mixed, or %s=FILE", envPrevious)
	}
	var servers, all []*node
	for i := 1; i <= 3; i++ {
		servers = append(servers, newNode(t, fmt.Sprintf("s%d", i), fmt.Sprintf("127.77.145.%d", i), "-server", "-bootstrap-expect=3",
			"-retry-join=127.77.145.1", "-retry-join=127.77.145.2", "-retry-join=127.77.145.3"))
	}
	client := newNode(t, "c1", "127.77.145.11", "-retry-join=127.77.145.1", "-retry-join=127.77.145.2", "-retry-join=127.77.145.3")
	all = append(slices.Clone(servers), client)
	for _, n := range all {
		n.program = previous
		n.start()
	}
	settle := func(what string) {
		t.Helper()
		for _, n := range all {
			waitFor(t, "whole cluster at "+n.name+" "+what, 60*time.Second, func() error { return wantWhole(n, len(servers)) })
		}
	}
	settle("at first")
	l := newLoad(all)
	defer l.stop()
	for _, to := range []struct{ name, program string }{{"this version", binary}, {"the version before", previous}} {
		order := lastLeader(t, servers)
		for _, n := range append(order, client) {
			if n == order[2] { // as an operator would, so that nobody has to find the leader dead
				if _, errs, code := n.cli("operator", "raft", "transfer-leader"); code != 0 {
					t.Logf("no transfer from %s: %s", n.name, errs)
				}
			}
			n.signal(syscall.SIGTERM)
			n.program = to.program
			n.start()
			settle(fmt.Sprintf("after %s went to %s", n.name, to.name))
		}
	}
	acked, unknown := l.stop()
	for _, n := range all {
		waitFor(t, "all writes at "+n.name, 20*time.Second, func() error { return wantAll(n, acked) })
	}
	t.Logf("%d writes acknowledged, %d without an answer", len(acked), unknown)
	if len(acked) < 100 {
		t.Error("too few to tell of anything")
	}
}

// wantWhole wants an agent to write, and so many healthy servers, all of which vote.
func wantWhole(n *node, servers int) error {
	if err := n.put("/v1/kv/whole/"+n.name, "1"); err != nil {
		return err
	}
	var health struct {
		Healthy bool
		Servers []struct{ Healthy, Voter bool }
	}
	if err := n.get("/v1/operator/autopilot/health", &health); err != nil {
		return err
	}
	if !health.Healthy || len(health.Servers) != servers {
		return fmt.Errorf("health: %+v", health)
	}
	for _, s := range health.Servers {
		if !s.Voter {
			return fmt.Errorf("not all vote: %+v", health)
		}
	}
	return nil
}

// lastLeader returns the servers, the leader last.
func lastLeader(t *testing.T, servers []*node) []*node {
	t.Helper()
	var leader string
	if err := servers[0].get("/v1/status/leader", &leader); err != nil {
		t.Fatal(err)
	}
	order := slices.Clone(servers)
	slices.SortStableFunc(order, func(a, b *node) int {
		switch leader {
		case a.ip + ":8300":
			return 1
		case b.ip + ":8300":
			return -1
		}
		return 0
	})
	return order
}

// load writes and registers through agents until it is stopped.
type load struct {
	end     chan struct{}
	done    sync.WaitGroup
	once    sync.Once
	mu      sync.Mutex
	acked   []string // keys, each holding its own name
	unknown int
}

func newLoad(nodes []*node) *load {
	l := &load{end: make(chan struct{})}
	for _, n := range nodes {
		l.done.Go(func() { l.run(n) })
	}
	return l
}

func (l *load) run(n *node) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-l.end:
			return
		case <-pace.C:
		}
		key := fmt.Sprintf("load/%s/%d", n.name, i)
		path, body := "/v1/kv/"+key, key
		switch i % 10 {
		case 4:
			path, body = "/v1/agent/service/register", fmt.Sprintf(`{"Name": "load-%s", "Port": %d, "Check": {"TTL": "1h"}}`, n.name, 1+i%1000)
		case 8:
			path, body = "/v1/txn", fmt.Sprintf(`[{"KV": {"Verb": "set", "Key": %q, "Value": %q}}]`, key, base64.StdEncoding.EncodeToString([]byte(key)))
		}
		err := n.put(path, body)
		l.mu.Lock()
		switch {
		case err != nil:
			l.unknown++
		case i%10 != 4:
			l.acked = append(l.acked, key)
		}
		l.mu.Unlock()
	}
}

// stop ends the load and returns what was acknowledged, and how many calls were not.
func (l *load) stop() (acked []string, unknown int) {
	l.once.Do(func() { close(l.end) })
	l.done.Wait()
	return l.acked, l.unknown
}

// wantAll wants an agent to know every key, with its name as its value.
func wantAll(n *node, keys []string) error {
	var rows []struct {
		Key   string
		Value []byte
	}
	if err := n.get("/v1/kv/load/?recurse&stale", &rows); err != nil {
		return err
	}
	have := make(map[string]string, len(rows))
	for _, row := range rows {
		have[row.Key] = strings.TrimSpace(string(row.Value))
	}
	for _, key := range keys {
		if have[key] != key {
			return fmt.Errorf("%s holds %q; it has %d keys", key, have[key], len(rows))
		}
	}
	return nil
}
