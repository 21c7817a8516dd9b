package server_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// at is a place so many seconds from the origin.
func at(x float64) catalog.Coord {
	return catalog.Coord{Vec: []float64{x, 0, 0, 0, 0, 0, 0, 0}, Error: 1.5, Height: 1e-5}
}

func (s *lone) report(node string, place catalog.Coord) error {
	_, err := ops.CoordinateUpdate.Call(context.Background(), s.Router(), &ops.CoordinateUpdateRequest{
		Coordinate: catalog.Coordinate{Node: node, Coord: place},
	})
	return err
}

func (s *lone) places(opts rpc.ReadOptions) *ops.CoordinateNodesReply {
	s.t.Helper()
	rep, err := ops.CoordinateNodes.Call(context.Background(), s.Router(), &ops.CoordinateNodesRequest{ReadOptions: opts, AnySegment: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return rep
}

// waitFor tries check until it succeeds, for two minutes.
func (s *lone) waitFor(what string, check func() error) {
	s.t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(begin) > 2*time.Minute {
			s.t.Fatalf("no %s: %v", what, err)
		}
	}
}

func (s *lone) mustRegister(reg catalog.Register) {
	s.t.Helper()
	s.waitFor("registration of "+reg.Node, func() error { return s.register(reg) })
	synctest.Wait() // the leader's duties have all begun
}

func TestNewestCoordinateOfANodeIsStoredWithinFiveSeconds(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.mustRegister(catalog.Register{Node: "n1", Address: "10.0.0.9"})
		before := s.places(rpc.ReadOptions{})
		begin := time.Now()
		for _, x := range []float64{1, 2, 3} {
			if err := s.report("N1", at(x)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.report("nobody", at(1)); err != nil {
			t.Fatal(err)
		}
		after := s.places(rpc.ReadOptions{MinIndex: before.Index, MaxWait: time.Minute})
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("seen after %s, want 5 s at most", took)
		}
		if list := after.Coordinates; len(list) != 1 || list[0].Coord.Vec[0] != 3 {
			t.Errorf("got %v, want the newest of n1 alone", list)
		}
		rep, err := ops.CoordinateNode.Call(context.Background(), s.Router(), &ops.CoordinateNodeRequest{Node: "n1", AnySegment: true})
		if err != nil || len(rep.Coordinates) != 1 || rep.Coordinates[0].Node != "n1" {
			t.Errorf("got %+v, %v; want the coordinate under the name asked for", rep, err)
		}
		rep, err = ops.CoordinateNode.Call(context.Background(), s.Router(), &ops.CoordinateNodeRequest{Node: "n1", Segment: "other"})
		if err != nil || len(rep.Coordinates) != 0 {
			t.Errorf("in another segment: got %+v, %v; want none", rep, err)
		}
	})
}

func TestUnusableCoordinatesAreRefused(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		nan := at(1)
		nan.Height = math.NaN()
		for want, place := range map[string]catalog.Coord{
			"incompatible coordinate": {Vec: []float64{1, 2}}, "invalid coordinate": nan,
		} {
			s.waitFor(want, func() error {
				if err := s.report("n1", place); err == nil || err.Error() != want {
					return fmt.Errorf("got %v", err)
				}
				return nil
			})
		}
	})
}

func TestAFlushStoresSixHundredFortyNodes(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		const nodes = 700
		var sync ops.CatalogSyncRequest
		for i := range nodes {
			sync.Registers = append(sync.Registers, &catalog.Register{Node: fmt.Sprint("n", i), Address: "10.1.1.1"})
		}
		s.waitFor("registration", func() error {
			_, err := ops.CatalogSync.Call(context.Background(), s.Router(), &sync)
			return err
		})
		synctest.Wait() // the leader's duties have all begun
		before := s.places(rpc.ReadOptions{})
		for i := range nodes {
			if err := s.report(fmt.Sprint("n", i), at(float64(i))); err != nil {
				t.Fatal(err)
			}
		}
		s.places(rpc.ReadOptions{MinIndex: before.Index})
		time.Sleep(time.Second) // the flush's five commands
		synctest.Wait()
		if got := len(s.places(rpc.ReadOptions{}).Coordinates); got != 640 {
			t.Errorf("got %d coordinates after one flush, want 640", got)
		}
	})
}

func TestCoordinatesNeedRightsOnTheirNode(t *testing.T) {
	mine := rights{acl.Node.Read("mine"), acl.Node.Write("mine")}
	virtual(t, func(o *server.Options) { o.ACL = mine; o.Dev = true }, func(s *lone) {
		s.mustRegister(catalog.Register{Node: "mine", Address: "10.0.0.9"})
		if err := s.report("mine", at(1)); err != nil {
			t.Error(err)
		}
		if err := s.report("other", at(1)); fault.KindOf(err) != fault.Denied {
			t.Errorf("report of another node: got %v, want a refusal", err)
		}
		_, err := ops.CoordinateNode.Call(context.Background(), s.Router(), &ops.CoordinateNodeRequest{Node: "other", AnySegment: true})
		if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "'node:read'") {
			t.Errorf("read of another node: got %v, want a refusal", err)
		}
		s.waitFor("coordinate", func() error {
			if rep := s.places(rpc.ReadOptions{}); len(rep.Coordinates) != 1 || rep.Filtered {
				return fmt.Errorf("got %+v", rep)
			}
			return nil
		})
	})
}

func wanMember(dc string, i int) gossip.Member {
	tags := gossip.ServerTags{ID: id(i), Datacenter: dc, RPCPort: 8300}
	return gossip.Member{Name: fmt.Sprintf("s%d.%s", i, dc), Addr: net.IPv4(10, 0, 9, byte(i)), Port: 8302, Tags: tags.Map(), Status: gossip.Alive}
}

func TestDatacentersAreListedByMedianDistance(t *testing.T) {
	gossiped := func(x float64) *coordinate.Coordinate {
		return &coordinate.Coordinate{Vec: []float64{x, 0, 0, 0, 0, 0, 0, 0}}
	}
	wan := &fakePool{places: map[string]*coordinate.Coordinate{
		"": gossiped(0), "s1.dc1": gossiped(0),
		"s2.near": gossiped(1), "s3.near": gossiped(2), "s4.near": gossiped(90), // one far away does not count
		"s5.far": gossiped(50), "s6.twin": gossiped(50),
	}}
	wan.set(wanMember("dc1", 1), wanMember("unknown", 7), wanMember("far", 5), wanMember("twin", 6),
		wanMember("near", 4), wanMember("near", 2), wanMember("near", 3), wanMember("blank", 8))
	virtual(t, func(o *server.Options) { o.WAN = wan }, func(s *lone) {
		rep, err := ops.CatalogDatacenters.Call(context.Background(), s.Router(), &ops.CatalogDatacentersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(rep.Datacenters, " "), "dc1 near far twin blank unknown"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		places, err := ops.CoordinateDatacenters.Call(context.Background(), s.Router(), &ops.CoordinateDatacentersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, dc := range places.Datacenters {
			for _, c := range dc.Coordinates {
				got = append(got, dc.Datacenter+":"+c.Node)
			}
		}
		if got, want := strings.Join(got, " "), "dc1:s1 near:s4 near:s2 near:s3 far:s5 twin:s6"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestListsAreSortedByDistanceFromANode(t *testing.T) {
	virtual(t, func(o *server.Options) { o.Dev = true }, func(s *lone) {
		for i, node := range []string{"a", "b", "c", "d", "e"} {
			s.mustRegister(catalog.Register{
				Node: node, Address: fmt.Sprint("10.5.0.", i), Service: &catalog.Service{Service: "web"},
				Checks: []*catalog.Check{{CheckID: "c", Status: catalog.Warning, ServiceID: "web"}},
			})
		}
		for node, x := range map[string]float64{"a": 9, "c": 1, "e": 5} { // b and d are unknown
			if err := s.report(node, at(x)); err != nil {
				t.Fatal(err)
			}
		}
		s.waitFor("three coordinates", func() error {
			if n := len(s.places(rpc.ReadOptions{}).Coordinates); n != 3 {
				return fmt.Errorf("got %d", n)
			}
			return nil
		})
		from := func(node string) ops.Near { return ops.Near{NearNode: node, NearDatacenter: "dc1"} }
		rows := []struct {
			name string
			near ops.Near
			want string
		}{
			{"nothing", ops.Near{}, "a b c d e"},
			{"c", from("C"), "c e a b d"},
			{"a", from("a"), "a e c b d"},
			{"a node without a coordinate", from("b"), "a b c d e"},
			{"an unknown node", from("ghost"), "a b c d e"},
			{"an address", ops.Near{NearIP: "10.5.0.2", NearDatacenter: "dc1"}, "c e a b d"},
			{"an unknown address", ops.Near{NearIP: "10.9.9.9", NearDatacenter: "dc1"}, "a b c d e"},
			{"a node of another datacenter", ops.Near{NearNode: "c", NearDatacenter: "dc2"}, "a b c d e"},
		}
		for _, row := range rows {
			for what, list := range s.listsNear(row.near) {
				if got := strings.Join(list, " "); got != row.want {
					t.Errorf("%s near %s: got %s, want %s", what, row.name, got, row.want)
				}
			}
		}
	})
}

// listsNear asks all that can be sorted and gives the order of nodes.
func (s *lone) listsNear(near ops.Near) map[string][]string {
	s.t.Helper()
	ctx, lists := context.Background(), map[string][]string{}
	nodes, err1 := ops.CatalogNodes.Call(ctx, s.Router(), &ops.CatalogNodesRequest{Near: near})
	instances, err2 := ops.CatalogService.Call(ctx, s.Router(), &ops.CatalogServiceRequest{Near: near, Service: "web"})
	health, err3 := ops.HealthService.Call(ctx, s.Router(), &ops.HealthServiceRequest{Near: near, Service: "web"})
	checks, err4 := ops.HealthChecks.Call(ctx, s.Router(), &ops.HealthChecksRequest{Near: near, Service: "web"})
	state, err5 := ops.HealthState.Call(ctx, s.Router(), &ops.HealthStateRequest{Near: near, State: catalog.Warning})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		s.t.Fatal(err)
	}
	for _, n := range nodes.Nodes {
		if n.Node != "s1" { // the server itself
			lists["catalog/nodes"] = append(lists["catalog/nodes"], n.Node)
		}
	}
	for _, i := range instances.Instances {
		lists["catalog/service"] = append(lists["catalog/service"], i.Node.Node)
	}
	for _, i := range health.Instances {
		lists["health/service"] = append(lists["health/service"], i.Node.Node)
	}
	for _, c := range checks.Checks {
		lists["health/checks"] = append(lists["health/checks"], c.Node)
	}
	for _, c := range state.Checks {
		lists["health/state"] = append(lists["health/state"], c.Node)
	}
	return lists
}
