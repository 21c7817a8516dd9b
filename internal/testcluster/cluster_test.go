package testcluster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

func TestKilledLeaderIsReplacedWithinASecond(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		leader := c.Leader()
		leader.Crash()
		begin := time.Now()
		c.PutKV("b", "2")
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("next write %s after the crash", took)
		} else {
			t.Logf("next write %s after the crash", took)
		}
		c.WantKV("a", "1")
		leader.Start()
	})
}

func TestCutOffLeaderStepsDownAndItsWritesAreNotAcknowledged(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		old := c.Leader()
		c.Cut(old)
		c.WaitFor("a new leader", c.HasLeader)
		c.PutKV("a", "majority")
		if err := c.TryPutKV(old, "a", "minority"); err == nil {
			t.Error("a cut-off server acknowledged a write")
		}
		c.WantKV("a", "majority")
	})
}

// TestBootstrapOrders starts servers in every order, with and without the flag,
// and lets some crash half-way.
func TestBootstrapOrders(t *testing.T) {
	all := func(n int) func(int) int { return func(int) int { return n } }
	only := func(i, n int) func(int) int {
		return func(j int) int {
			if i == j {
				return n
			}
			return 0
		}
	}
	rows := []struct {
		name   string
		expect func(int) int
		order  []int
		crash  int // this server crashes before the last one starts; -1 none
	}{
		{"all expect three", all(3), []int{0, 1, 2}, -1},
		{"backwards", all(3), []int{2, 1, 0}, -1},
		{"only the first was told, two", only(0, 2), []int{0, 1, 2}, -1},
		{"only the last was told, two", only(2, 2), []int{0, 1, 2}, -1},
		{"only one was told, three", only(1, 3), []int{2, 0, 1}, -1},
		{"one crashes half-way", all(3), []int{0, 1, 2}, 1},
		{"the told one crashes half-way", only(0, 3), []int{0, 1, 2}, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 3, Expect: row.expect, Lazy: true}, func(c *testcluster.Cluster) {
				for i, n := range row.order {
					if i == 2 && row.crash >= 0 {
						time.Sleep(time.Second)
						c.Node(row.crash).Crash()
						c.Node(n).Start()
						time.Sleep(3 * time.Second)
						c.Node(row.crash).Start()
						break
					}
					c.Node(n).Start()
					time.Sleep(500 * time.Millisecond)
				}
				c.PutKV("formed", "yes")
				c.WaitFor("three peers", func() error { return wantPeers(c, 3) })
			})
		})
	}
}

func wantPeers(c *testcluster.Cluster, want int) error {
	rep, err := ops.StatusPeers.Call(context.Background(), c.Leader().Agent().Router(), &ops.StatusRequest{})
	if err != nil {
		return err
	}
	if len(rep.Addresses) != want {
		return fmt.Errorf("peers %v, want %d", rep.Addresses, want)
	}
	return nil
}

func TestWholeClusterRestartsFromDisk(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		for i := range 50 {
			c.PutKV(fmt.Sprint("k", i), fmt.Sprint(i))
		}
		for _, n := range c.Servers() {
			n.Crash()
		}
		for _, n := range c.Servers() {
			n.Start()
		}
		c.PutKV("after", "restart")
	})
}

func TestMembersAreReconciledIntoTheCatalog(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2}, func(c *testcluster.Cluster) {
		for _, n := range slices.Concat(c.Servers(), c.Clients()) {
			c.WaitFor(n.Name()+" passing", func() error { return wantHealth(c, n.Name(), catalog.Passing) })
		}
		failed, leaver := c.Clients()[0], c.Clients()[1]
		failed.Crash()
		c.WaitFor("failed client critical", func() error { return wantHealth(c, failed.Name(), catalog.Critical) })
		if err := leaver.Leave(); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("left client removed", func() error { return wantHealth(c, leaver.Name(), "") })
		rep, err := ops.CatalogService.Call(context.Background(), c.Leader().Agent().Router(), &ops.CatalogServiceRequest{Service: "consul"})
		if err != nil || len(rep.Instances) != 3 {
			t.Errorf("consul service: %v, %v; want three instances", rep, err)
		}
	})
}

func TestNodeThatLeavesDoesNotComeBack(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		client := c.Clients()[0]
		c.WaitFor("client passing", func() error { return wantHealth(c, client.Name(), catalog.Passing) })
		left := make(chan error, 1)
		client.Agent().Local().SyncSoon() // due within three seconds, while the goodbye spreads
		go func() { left <- client.Leave() }()
		time.Sleep(10 * time.Second) // before the next full pass over all members
		if err := <-left; err != nil {
			t.Fatal(err)
		}
		rep, err := ops.CatalogNodes.Call(context.Background(), c.Leader().Agent().Router(), &ops.CatalogNodesRequest{})
		if err != nil || len(rep.Nodes) != 1 {
			t.Errorf("nodes %v, %v; want the server only", rep, err)
		}
	})
}

func wantHealth(c *testcluster.Cluster, node, status string) error {
	rep, err := ops.HealthNode.Call(context.Background(), c.Leader().Agent().Router(), &ops.HealthNodeRequest{Node: node})
	if err != nil {
		return err
	}
	got := ""
	for _, check := range rep.Checks {
		if check.CheckID == catalog.SerfHealth {
			got = check.Status
		}
	}
	if got != status {
		return fmt.Errorf("serfHealth of %s is %q, want %q", node, got, status)
	}
	return nil
}

func TestServicesOfAClientReachTheCatalogAndComeBack(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		client := c.Clients()[0]
		web := &catalog.Service{ID: "web", Service: "web", Port: 80}
		if err := client.Agent().Local().AddService(context.Background(), web, nil, false, ""); err != nil {
			t.Fatal(err)
		}
		registered := func() error { return wantService(c, "web", 1) }
		c.WaitFor("web in the catalog", registered)
		_, err := ops.CatalogDeregister.Call(context.Background(), client.Agent().Router(), &ops.CatalogDeregisterRequest{
			Deregister: catalog.Deregister{Node: client.Name(), ServiceID: "web"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := wantService(c, "web", 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute) // a full sync is due within 60 to 120 s
		if err := registered(); err != nil {
			t.Errorf("not synced back: %v", err)
		}
		client.Crash()
		client.Start()
		c.WaitFor("web after a restart of its agent", registered)
	})
}

func wantService(c *testcluster.Cluster, name string, want int) error {
	rep, err := ops.CatalogService.Call(context.Background(), c.Leader().Agent().Router(), &ops.CatalogServiceRequest{Service: name})
	if err != nil {
		return err
	}
	if len(rep.Instances) != want {
		return fmt.Errorf("%d instances of %s, want %d", len(rep.Instances), name, want)
	}
	return nil
}

func TestBlockingReadsWakeOnTheirOwnKeyOnly(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("mine", "1")
		router := c.Clients()[0].Agent().Router()
		get := func(index uint64) (*ops.KVGetReply, error) {
			req := &ops.KVGetRequest{Key: "mine"}
			req.MinIndex, req.MaxWait = index, time.Minute
			return ops.KVGet.Call(context.Background(), router, req)
		}
		first, err := get(0)
		if err != nil {
			t.Fatal(err)
		}
		type answer struct {
			rep  *ops.KVGetReply
			err  error
			took time.Duration
		}
		got := make(chan answer, 1)
		begin := time.Now()
		go func() { // waited for through got
			rep, err := get(first.Index)
			got <- answer{rep, err, time.Since(begin)}
		}()
		synctest.Wait()
		c.PutKV("other", "1")
		time.Sleep(10 * time.Second)
		select {
		case a := <-got:
			t.Fatalf("woken after %s by another key: %v", a.took, a.err)
		default:
		}
		c.PutKV("mine", "2")
		a := <-got
		if a.err != nil || string(a.rep.Entry.Value) != "2" || a.rep.Index <= first.Index {
			t.Errorf("woken with %v, %v", a.rep, a.err)
		}
		begin = time.Now()
		same, err := get(a.rep.Index)
		took := time.Since(begin)
		if err != nil || same.Index != a.rep.Index || took < time.Minute || took > time.Minute+time.Minute/16+time.Second {
			t.Errorf("timed out after %s with index %d, %v; want a minute to a sixteenth more and index %d", took, same.Index, err, a.rep.Index)
		}
	})
}

// Coordinates are off: they are news all the time.
func TestQuietHourChangesNothing(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2, Config: "disable_coordinates = true"}, func(c *testcluster.Cluster) {
		time.Sleep(3 * time.Minute)
		leader := c.Leader()
		before := leader.Agent().Server().Store().Read().LastIndex()
		time.Sleep(time.Hour)
		if c.Leader() != leader {
			t.Error("the leader changed without a reason")
		}
		if after := leader.Agent().Server().Store().Read().LastIndex(); after != before {
			t.Errorf("index moved from %d to %d in a quiet hour", before, after)
		}
	})
}

func TestRealClusterServesOverSockets(t *testing.T) {
	testcluster.Real(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		for _, n := range c.Clients() {
			c.WaitFor(n.Name()+" passing", func() error { return wantHealth(c, n.Name(), catalog.Passing) })
		}
		c.Leader().Crash()
		c.PutKV("b", "2")
		c.WantKV("a", "1")
	})
}
