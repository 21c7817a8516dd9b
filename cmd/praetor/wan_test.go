package main_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTwoDatacenters joins two datacenters and reads and writes across, from a
// server and from a client agent.
func TestTwoDatacenters(t *testing.T) {
	t.Parallel()
	s1 := newNode(t, "s1", "127.77.3.1", "-server", "-bootstrap-expect=1", "-datacenter=dc1")
	s2 := newNode(t, "s2", "127.77.3.2", "-server", "-bootstrap-expect=1", "-datacenter=dc2")
	c1 := newNode(t, "c1", "127.77.3.3", "-datacenter=dc1", "-retry-join=127.77.3.1")
	all := []*node{s1, s2, c1}
	for _, n := range all {
		n.start()
	}
	for _, n := range all {
		waitFor(t, "leader at "+n.name, 20*time.Second, n.hasLeader)
	}
	if _, errs, code := s1.cli("kv", "get", "-datacenter=dc2", "x"); code != 1 || !strings.Contains(errs, "500 (No path to datacenter)") {
		t.Errorf("unknown datacenter: %d %q", code, errs)
	}
	if out, errs, code := s1.cli("join", "-wan", "127.77.3.2"); code != 0 || out != "Successfully joined cluster by contacting 1 nodes.\n" {
		t.Fatalf("join -wan: %d %q %q", code, out, errs)
	}
	for _, n := range all {
		waitFor(t, "both datacenters at "+n.name, 15*time.Second, func() error {
			var dcs []string
			if err := n.get("/v1/catalog/datacenters", &dcs); err != nil {
				return err
			}
			if slices.Sort(dcs); !slices.Equal(dcs, []string{"dc1", "dc2"}) {
				return fmt.Errorf("datacenters %v", dcs)
			}
			return nil
		})
	}
	out, _, _ := s2.cli("members", "-wan")
	if !strings.Contains(out, "s1.dc1") || !strings.Contains(out, "s2.dc2") {
		t.Errorf("members -wan:\n%s", out)
	}
	for _, n := range []*node{s1, c1} {
		key := "from-" + n.name
		if err := n.put("/v1/kv/"+key+"?dc=dc2", "there"); err != nil {
			t.Fatal(err)
		}
		for _, reader := range all {
			if _, got, err := reader.request("GET", "/v1/kv/"+key+"?raw&dc=dc2", ""); err != nil || got != "there" {
				t.Errorf("%s of dc2 from %s: %q %v", key, reader.name, got, err)
			}
		}
		if status, _, err := s1.request("GET", "/v1/kv/"+key, ""); err != nil || status != 404 {
			t.Errorf("%s of dc1: %d %v, want 404", key, status, err)
		}
	}
	wantEvictedThere(t, c1, s2)
	if out, errs, code := c1.cli("operator", "usage", "instances", "-all-datacenters"); code != 0 || !strings.Contains(out, "\ndc2             1\n") {
		t.Errorf("usage of both datacenters: %d %s%s", code, errs, out)
	}
	s2.kill()
	waitFor(t, "failed member", 60*time.Second, func() error {
		out, _, _ := s1.cli("members", "-wan", "-status=failed")
		if !strings.Contains(out, "s2.dc2") {
			return errors.New(out)
		}
		return nil
	})
	if _, text, _ := s1.request("GET", "/v1/kv/x?dc=dc2", ""); text != "Remote DC has no server currently reachable" && text != "No path to datacenter" {
		t.Errorf("read in a dead datacenter: %q", text)
	}
}

// wantEvictedThere registers a service at the agent of another datacenter and
// has it removed there, by the name of the datacenter.
func wantEvictedThere(t *testing.T, by, owner *node) {
	t.Helper()
	if err := owner.put("/v1/agent/service/register", `{"Name":"web","ID":"web-1","Port":1}`); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "web in dc2", 20*time.Second, func() error {
		var list []any
		if err := by.get("/v1/catalog/service/web?dc=dc2", &list); err != nil {
			return err
		}
		if len(list) != 1 {
			return fmt.Errorf("%d instances", len(list))
		}
		return nil
	})
	out, errs, code := by.cli("services", "deregister", "-datacenter=dc2", "-anywhere", "web")
	if code != 0 || !strings.Contains(out, `web-1 on s2: removed service "web-1" at the agent of node "s2"`) {
		t.Errorf("eviction in dc2: %d %s%s", code, errs, out)
	}
	if status, text, err := owner.request("GET", "/v1/agent/service/web-1", ""); err != nil || status != 404 {
		t.Errorf("the agent of dc2 still has it: %d %s %v", status, text, err)
	}
}
