package testcluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/serf/coordinate"

	"praetor/internal/testcluster"
)

func TestCoordinatesOfAllNodesReachTheCatalog(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2}, func(c *testcluster.Cluster) {
		for _, n := range []*testcluster.Node{c.Servers()[0], c.Clients()[0]} {
			places := client(t, n).Coordinate()
			c.WaitFor("coordinates of five nodes", func() error {
				list, meta, err := places.Nodes(nil)
				switch {
				case err != nil:
					return err
				case len(list) != 5 || meta.LastIndex < 2:
					return fmt.Errorf("got %d at index %d", len(list), meta.LastIndex)
				}
				return nil
			})
			one, _, err := places.Node("client-1", nil)
			if err != nil || len(one) != 1 || one[0].Node != "client-1" || !one[0].Coord.IsValid() {
				t.Errorf("%s: got %+v, %v; want client-1", n.Name(), one, err)
			}
			if _, _, err := places.Node("nobody", nil); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("%s: of nobody: got %v, want 404", n.Name(), err)
			}
			dcs, err := places.Datacenters()
			if err != nil || len(dcs) != 1 || dcs[0].Datacenter != "dc1" || dcs[0].AreaID != "wan" || len(dcs[0].Coordinates) == 0 {
				t.Errorf("%s: got %+v, %v; want dc1", n.Name(), dcs, err)
			}
		}
		if err := c.Clients()[1].Leave(); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("the coordinate of who left to go", func() error {
			list, _, err := client(t, c.Servers()[0]).Coordinate().Nodes(nil)
			if err != nil || len(list) != 4 {
				return fmt.Errorf("got %d, %v", len(list), err)
			}
			return nil
		})
	})
}

func TestUpdatedCoordinatesSortLists(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		cl := client(t, c.Clients()[0])
		for node, x := range map[string]float64{"a": 0.9, "b": 0.1, "c": 0.5} {
			if _, err := cl.Catalog().Register(&api.CatalogRegistration{Node: node, Address: "10.0.0.1", Service: &api.AgentService{Service: "web"}}, nil); err != nil {
				t.Fatal(err)
			}
			place := coordinate.NewCoordinate(coordinate.DefaultConfig())
			place.Vec[0] = x
			if _, err := cl.Coordinate().Update(&api.CoordinateEntry{Node: node, Coord: place}, nil); err != nil {
				t.Fatal(err)
			}
		}
		c.WaitFor("order", func() error {
			list, _, err := cl.Health().Service("web", "", false, &api.QueryOptions{Near: "b"})
			if err != nil {
				return err
			}
			order := ""
			for _, i := range list {
				order += i.Node.Node
			}
			if order != "bca" {
				return fmt.Errorf("got %s, want bca", order)
			}
			return nil
		})
		bad := &api.CoordinateEntry{Node: "a", Coord: &coordinate.Coordinate{Vec: []float64{1}}}
		if _, err := cl.Coordinate().Update(bad, nil); err == nil || !strings.Contains(err.Error(), "incompatible coordinate") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

// An update under a leader that fails is lost, but the next ones are not.
func TestCoordinatesComeAgainAfterAFailover(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		old := c.Leader()
		old.Crash()
		c.Leader()
		begin := time.Now()
		for _, n := range c.Servers() {
			if n == old {
				continue
			}
			c.WaitFor("coordinate of "+n.Name(), func() error {
				_, _, err := client(t, n).Coordinate().Node(n.Name(), nil)
				return err
			})
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("took %s", took)
		}
		old.Start()
	})
}
