package testcluster_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/testcluster"
)

// got lists the names of the events that a node keeps.
func got(n *testcluster.Node, t testing.TB) []string {
	t.Helper()
	list, _, err := client(t, n).Event().List("", nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names
}

func TestEventsReachTheAgentsTheyAreMeantFor(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 3}, func(c *testcluster.Cluster) {
		nodes := append(slices.Clone(c.Servers()), c.Clients()...)
		web := &api.AgentServiceRegistration{ID: "web-1", Name: "web", Tags: []string{"v1"}}
		if err := client(t, c.Clients()[1]).Agent().ServiceRegister(web); err != nil {
			t.Fatal(err)
		}
		fire := func(n *testcluster.Node, e *api.UserEvent) string {
			id, _, err := client(t, n).Event().Fire(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		id := fire(c.Clients()[0], &api.UserEvent{Name: "all", Payload: []byte("x")})
		fire(c.Clients()[1], &api.UserEvent{Name: "_rexec"})
		fire(c.Servers()[1], &api.UserEvent{Name: "node", NodeFilter: "^client-"})
		fire(c.Servers()[2], &api.UserEvent{Name: "service", ServiceFilter: "^web-1$", TagFilter: "v1"})
		fire(c.Clients()[2], &api.UserEvent{Name: "last"})
		for i, n := range nodes {
			want := []string{"all", "last"}
			if i >= 3 {
				want = append(want, "node")
			}
			if i == 4 {
				want = append(want, "service")
			}
			slices.Sort(want)
			c.WaitFor("events at "+n.Name(), func() error {
				if names := slices.Sorted(slices.Values(got(n, t))); !slices.Equal(names, want) {
					return fmt.Errorf("got %v, want %v", names, want)
				}
				return nil
			})
		}
		time.Sleep(time.Minute) // gossip repeats itself
		synctest.Wait()
		for _, n := range nodes {
			all, meta, err := client(t, n).Event().List("all", nil)
			if err != nil || len(all) != 1 || all[0].ID != id || string(all[0].Payload) != "x" || all[0].LTime == 0 {
				t.Errorf("%s: got %+v, %v; want the event once, with its time", n.Name(), all, err)
			} else if want := client(t, n).Event().IDToIndex(id); meta.LastIndex != want {
				t.Errorf("%s: index %d, want %d", n.Name(), meta.LastIndex, want)
			}
		}
	})
}

func TestWaitingForAnEventEndsWhenItComes(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		events := client(t, c.Clients()[0]).Event()
		came := make(chan string, 1)
		go func() { // waited for through came
			list, _, err := events.List("deploy", &api.QueryOptions{WaitIndex: 1})
			came <- fmt.Sprint(len(list), " ", err)
		}()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		begin := time.Now()
		if _, _, err := client(t, c.Servers()[0]).Event().Fire(&api.UserEvent{Name: "deploy"}, nil); err != nil {
			t.Fatal(err)
		}
		if result := <-came; result != "1 <nil>" || time.Since(begin) > 10*time.Second {
			t.Errorf("got %s after %s, want one event soon", result, time.Since(begin))
		}
	})
}
