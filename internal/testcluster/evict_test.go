package testcluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

// pass lets virtual time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// addService registers a TTL-checked service at a node's own agent and waits
// until the catalog has it.
func addService(t *testing.T, c *testcluster.Cluster, n *testcluster.Node, id, name string) {
	t.Helper()
	checks := []*catalog.Check{{CheckID: id + "-ttl", Name: "ttl", ServiceID: id, Definition: catalog.CheckDefinition{TTL: time.Hour}}}
	if err := n.Agent().Local().AddService(context.Background(), &catalog.Service{ID: id, Service: name, Port: 80}, checks, false, ""); err != nil {
		t.Fatal(err)
	}
	c.WaitFor(id+" in the catalog", func() error { return wantService(c, name, 1) })
}

func evict(by *testcluster.Node, d catalog.Deregister) (*ops.CatalogEvictReply, error) {
	return ops.CatalogEvict.Call(context.Background(), by.Agent().Router(), &ops.CatalogEvictRequest{Deregister: d})
}

// wantEvicted evicts and wants an action, and words of the sentence.
func wantEvicted(t *testing.T, by *testcluster.Node, d catalog.Deregister, action string, mayReturn bool, words ...string) {
	t.Helper()
	rep, err := evict(by, d)
	if err != nil {
		t.Fatalf("evict %+v: %v", d, err)
	}
	if rep.Action != action || rep.MayReturn != mayReturn {
		t.Errorf("evict %+v: %s, may return %v: %s; want %s, %v", d, rep.Action, rep.MayReturn, rep.Detail, action, mayReturn)
	}
	for _, w := range words {
		if !strings.Contains(rep.Detail, w) {
			t.Errorf("evict %+v says %q, without %q", d, rep.Detail, w)
		}
	}
}

func TestEvictedServiceDoesNotComeBack(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2}, func(c *testcluster.Cluster) {
		owner, other := c.Clients()[0], c.Clients()[1]
		addService(t, c, owner, "w1", "web")
		addService(t, c, owner, "d1", "db")
		// Asked at another client agent: the leader asks the owner.
		wantEvicted(t, other, catalog.Deregister{Node: owner.Name(), ServiceID: "w1"}, ops.EvictedAtAgent, false, `"w1"`, owner.Name())
		if err := wantService(c, "web", 0); err != nil {
			t.Fatalf("at once: %v", err)
		}
		if owner.Agent().Local().Service("w1") != nil || owner.Agent().Local().Check("w1-ttl") != nil {
			t.Error("the agent still has the service or its check")
		}
		pass(5 * time.Minute) // some full syncs
		if err := wantService(c, "web", 0); err != nil {
			t.Errorf("after anti-entropy: %v", err)
		}
		owner.Crash()
		owner.Start()
		pass(3 * time.Minute)
		if err := wantService(c, "web", 0); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		if err := wantService(c, "db", 1); err != nil {
			t.Errorf("the other service: %v", err)
		}
		wantEvicted(t, other, catalog.Deregister{Node: owner.Name(), ServiceID: "w1"}, ops.EvictedNothing, false, "service ID")
	})
}

func TestEvictedCheckDoesNotComeBack(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		owner := c.Clients()[0]
		addService(t, c, owner, "w1", "web")
		wantEvicted(t, c.Leader(), catalog.Deregister{Node: owner.Name(), CheckID: "w1-ttl"}, ops.EvictedAtAgent, false)
		owner.Crash()
		owner.Start()
		pass(3 * time.Minute)
		rep, err := ops.HealthChecks.Call(context.Background(), c.Leader().Agent().Router(), &ops.HealthChecksRequest{Service: "web"})
		if err != nil || len(rep.Checks) != 0 {
			t.Errorf("checks of web: %v, %v; want none", rep.Checks, err)
		}
		if err := wantService(c, "web", 1); err != nil {
			t.Error(err)
		}
	})
}

func TestServersEvictTheirOwnServices(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		for i, n := range c.Servers() { // the leader asks itself for one of them
			id := fmt.Sprint("w", i)
			addService(t, c, n, id, id)
			wantEvicted(t, c.Leader(), catalog.Deregister{Node: n.Name(), ServiceID: id}, ops.EvictedAtAgent, false)
		}
		pass(3 * time.Minute)
		for i := range c.Servers() {
			if err := wantService(c, fmt.Sprint("w", i), 0); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestEvictionWhereNoAgentLives(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		dead, by := c.Clients()[0], c.Leader()
		addService(t, c, dead, "w1", "web")
		external := catalog.Register{Node: "outside", Address: "10.9.9.9", Service: &catalog.Service{Service: "mail"}}
		if _, err := ops.CatalogRegister.Call(context.Background(), by.Agent().Router(), &ops.CatalogRegisterRequest{Register: external}); err != nil {
			t.Fatal(err)
		}
		wantEvicted(t, by, catalog.Deregister{Node: "outside", ServiceID: "mail"}, ops.EvictedFromCatalog, false, "no agent runs")
		wantEvicted(t, by, catalog.Deregister{Node: "Outside"}, ops.EvictedFromCatalog, false, "no agent runs")
		wantEvicted(t, by, catalog.Deregister{Node: "outside"}, ops.EvictedNothing, false)
		if _, err := evict(by, catalog.Deregister{Node: dead.Name()}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "is alive") {
			t.Errorf("a living node: %v, want a refusal", err)
		}
		dead.Crash()
		c.WaitFor("the client to fail", func() error { return wantHealth(c, dead.Name(), catalog.Critical) })
		wantEvicted(t, by, catalog.Deregister{Node: dead.Name(), ServiceID: "w1"}, ops.EvictedFromCatalog, true, "is failed")
		wantEvicted(t, by, catalog.Deregister{Node: dead.Name()}, ops.EvictedFromCatalog, true, "is failed")
		if err := wantHealth(c, dead.Name(), ""); err != nil {
			t.Error(err)
		}
	})
}

// A service of a configuration file goes until the file is read again, and the
// answer names the file.
func TestEvictedServiceOfAFileIsSaidToComeBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.hcl")
	if err := os.WriteFile(file, []byte(`service { name = "web" id = "w1" port = 80 check { id = "c1" ttl = "1h" } }`), 0o600); err != nil {
		t.Fatal(err)
	}
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		owner := c.Clients()[0]
		owner.Crash()
		owner.ConfigFile = file
		owner.Start()
		c.WaitFor("web in the catalog", func() error { return wantService(c, "web", 1) })
		wantEvicted(t, c.Leader(), catalog.Deregister{Node: owner.Name(), CheckID: "c1"}, ops.EvictedAtAgent, true, file)
		wantEvicted(t, c.Leader(), catalog.Deregister{Node: owner.Name(), ServiceID: "w1"}, ops.EvictedAtAgent, true, file)
		pass(5 * time.Minute)
		if err := wantService(c, "web", 0); err != nil {
			t.Errorf("after anti-entropy: %v", err)
		}
		if err := owner.Agent().Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("web after a reload", func() error { return wantService(c, "web", 1) })
	})
}
