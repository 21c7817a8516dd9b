package kernel_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/serf/coordinate"
	"github.com/tinylib/msgp/msgp"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// store applies commands, one an index.
func store(t *testing.T, commands ...msgp.Marshaler) *catalog.Store {
	t.Helper()
	st := catalog.New()
	for i, c := range commands {
		kind := catalog.RegisterCommand
		if _, ok := c.(*catalog.CoordinateBatch); ok {
			kind = catalog.CoordinateCommand
		}
		data, err := catalog.Encode(kind, c)
		if err != nil {
			t.Fatal(err)
		}
		if result := st.Apply([]catalog.Entry{{Index: uint64(i + 1), Data: data}})[0]; result != nil {
			t.Fatalf("command %d: %v", i, result)
		}
	}
	return st
}

func at(node string, seconds float64) *catalog.Coordinate {
	return &catalog.Coordinate{Node: node, Coord: catalog.Coord{Vec: []float64{seconds, 0, 0, 0, 0, 0, 0, 0}}}
}

func TestTheNearestComeFirst(t *testing.T) {
	commands := []msgp.Marshaler{}
	for i, name := range []string{"here", "near", "far", "nowhere", "also-nowhere"} {
		commands = append(commands, &catalog.Register{Node: name, Address: fmt.Sprint("10.0.0.", i)})
	}
	commands = append(commands, &catalog.CoordinateBatch{Coordinates: []*catalog.Coordinate{at("here", 0), at("near", 0.01), at("far", -0.3)}})
	tx := store(t, commands...).Read()
	k := kernel.New(kernel.Options{Datacenter: "dc1", ACL: acl.AllowAll{}})
	list := []string{"nowhere", "far", "also-nowhere", "near", "here"}
	for name, c := range map[string]struct {
		near ops.Near
		want string
	}{
		"nobody":                          {ops.Near{}, "nowhere far also-nowhere near here"},
		"a node":                          {ops.Near{NearNode: "here"}, "here near far nowhere also-nowhere"},
		"another node":                    {ops.Near{NearNode: "far"}, "far here near nowhere also-nowhere"},
		"a node in capitals":              {ops.Near{NearNode: "HERE"}, "here near far nowhere also-nowhere"},
		"one without a place":             {ops.Near{NearNode: "nowhere"}, "nowhere far also-nowhere near here"},
		"one that does not exist":         {ops.Near{NearNode: "gone"}, "nowhere far also-nowhere near here"},
		"an address":                      {ops.Near{NearIP: "10.0.0.0"}, "here near far nowhere also-nowhere"},
		"an address that nobody has":      {ops.Near{NearIP: "10.9.9.9"}, "nowhere far also-nowhere near here"},
		"a node before an address":        {ops.Near{NearNode: "far", NearIP: "10.0.0.0"}, "far here near nowhere also-nowhere"},
		"a node of this datacenter":       {ops.Near{NearNode: "here", NearDatacenter: "dc1"}, "here near far nowhere also-nowhere"},
		"a node of another datacenter":    {ops.Near{NearNode: "here", NearDatacenter: "dc2"}, "nowhere far also-nowhere near here"},
		"an address of another":           {ops.Near{NearIP: "10.0.0.0", NearDatacenter: "dc2"}, "nowhere far also-nowhere near here"},
		"the datacenter without a node":   {ops.Near{NearDatacenter: "dc1"}, "nowhere far also-nowhere near here"},
		"a node whose name is an address": {ops.Near{NearNode: "10.0.0.0"}, "nowhere far also-nowhere near here"},
	} {
		before := slices.Clone(list)
		got := kernel.SortNear(k, tx, &c.near, list, func(name string) string { return name })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
		if !slices.Equal(list, before) {
			t.Fatalf("%s: the list itself became %v", name, list)
		}
	}
}

func member(name, dc string, status gossip.Status) gossip.Member {
	return gossip.Member{Name: name, Addr: net.IPv4(10, 0, 0, 9), Status: status, Tags: gossip.ServerTags{ID: "id-" + name, Datacenter: dc, RPCPort: 8300}.Map()}
}

func TestServersOfBothPools(t *testing.T) {
	client := gossip.Member{Name: "c", Addr: net.IPv4(10, 0, 0, 1), Status: gossip.Alive, Tags: gossip.ClientTags{ID: "c", Datacenter: "dc1"}.Map()}
	for name, c := range map[string]struct {
		lan, wan             []gossip.Member
		servers, datacenters string
	}{
		"nobody":                        {nil, nil, "", "dc1"},
		"a client":                      {[]gossip.Member{client}, nil, "", "dc1"},
		"one":                           {[]gossip.Member{member("a", "dc1", gossip.Alive)}, nil, "a", "dc1"},
		"one that leaves":               {[]gossip.Member{member("a", "dc1", gossip.Leaving)}, nil, "a", "dc1"},
		"one that failed":               {[]gossip.Member{member("a", "dc1", gossip.Failed)}, nil, "", "dc1"},
		"one that left":                 {[]gossip.Member{member("a", "dc1", gossip.Left)}, nil, "", "dc1"},
		"the own of the WAN":            {nil, []gossip.Member{member("a.dc1", "dc1", gossip.Alive)}, "", "dc1"},
		"another datacenter in the LAN": {[]gossip.Member{member("b", "dc2", gossip.Alive)}, nil, "", "dc1"},
		"two datacenters":               {[]gossip.Member{member("a", "dc1", gossip.Alive)}, []gossip.Member{member("z", "dc3", gossip.Alive), member("b", "dc2", gossip.Alive)}, "a z b", "dc1 dc2 dc3"},
		"a datacenter that failed":      {nil, []gossip.Member{member("b", "dc2", gossip.Failed)}, "", "dc1 dc2"},
		"a datacenter that left":        {nil, []gossip.Member{member("b", "dc2", gossip.Left)}, "", "dc1"},
	} {
		servers, datacenters := kernel.Servers(c.lan, c.wan, "dc1")
		var names []string
		for _, s := range servers {
			names = append(names, s.Name)
			if s.ID != "id-"+s.Name || s.Address != "10.0.0.9:8300" {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if strings.Join(names, " ") != c.servers || strings.Join(datacenters, " ") != c.datacenters {
			t.Errorf("%s: %v of %v, want %s of %s", name, names, datacenters, c.servers, c.datacenters)
		}
	}
}

// wan is a pool that knows where it is.
type wan struct {
	kernel.Pool
	here *coordinate.Coordinate
}

func (w wan) Coordinate() *coordinate.Coordinate { return w.here }

func TestDatacentersByDistance(t *testing.T) {
	here := coordinate.NewCoordinate(coordinate.DefaultConfig())
	k := kernel.New(kernel.Options{Datacenter: "dc1", ACL: acl.AllowAll{}, WAN: wan{here: here}})
	places := map[string][]*catalog.Coordinate{
		"far": {at("a", 0.5)}, "near": {at("b", 0.01)}, "mostly-near": {at("c", 0.02), at("d", 0.03), at("e", 9)}, "two": {at("f", 0.1), at("g", 0.04)},
	}
	for _, c := range []struct{ in, want string }{
		{"dc1", "dc1"}, {"dc1 far", "dc1 far"}, {"dc1 far near", "dc1 near far"}, {"dc1 z-unknown far a-unknown near", "dc1 near far a-unknown z-unknown"},
		{"dc1 far mostly-near near", "dc1 near mostly-near far"}, {"dc1 far two near", "dc1 near two far"}, {"far near two", "far near two"},
	} {
		in := strings.Fields(c.in)
		if got := strings.Join(k.ByDistance(in, places), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
		if strings.Join(in, " ") != c.in {
			t.Errorf("%s: the list itself became %v", c.in, in)
		}
	}
	alone := kernel.New(kernel.Options{Datacenter: "dc1", ACL: acl.AllowAll{}})
	if got := strings.Join(alone.ByDistance([]string{"dc1", "far", "near"}, places), " "); got != "dc1 far near" {
		t.Errorf("without a WAN pool: %s", got)
	}
}

func TestWhatInstancesMustHave(t *testing.T) {
	s := &catalog.Service{Tags: []string{"V1", "blue"}}
	for _, c := range []struct {
		tags string
		want bool
	}{{"", true}, {"v1", true}, {"BLUE v1", true}, {"green", false}, {"v1 green", false}, {"v", false}} {
		if got := kernel.HasTags(s, strings.Fields(c.tags)); got != c.want {
			t.Errorf("tags %q: %t", c.tags, got)
		}
	}
	meta := map[string]string{"a": "1", "empty": ""}
	for _, c := range []struct {
		want map[string]string
		has  bool
	}{
		{nil, true}, {map[string]string{"a": "1"}, true}, {map[string]string{"a": "2"}, false}, {map[string]string{"A": "1"}, false},
		{map[string]string{"empty": ""}, true}, {map[string]string{"absent": ""}, false}, {map[string]string{"a": "1", "b": "2"}, false},
	} {
		if got := kernel.HasMeta(meta, c.want); got != c.has {
			t.Errorf("metadata %v: %t", c.want, got)
		}
	}
	if !kernel.HasMeta(nil, nil) || kernel.HasMeta(nil, map[string]string{"a": ""}) {
		t.Error("without metadata")
	}
}

func TestNodesAreFoundByTheirNamesAlone(t *testing.T) {
	const id = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10"
	tx := store(t, &catalog.Register{
		Node: "Web-1", ID: id, Address: "10.0.0.1", Service: &catalog.Service{ID: "w", Service: "web"}, Checks: []*catalog.Check{{CheckID: "c", Name: "c"}},
	}).Read()
	for name, found := range map[string]bool{"Web-1": true, "web-1": true, "WEB-1": true, id: false, "web": false, "": false} {
		node, services := kernel.NodeNamed(tx, name)
		if (node != nil) != found || found && (len(services) != 1 || kernel.ServiceWithID(services, "w") == nil || kernel.ServiceWithID(services, "W") == nil || kernel.ServiceWithID(services, "x") != nil) {
			t.Errorf("%q: %+v with %d services", name, node, len(services))
		}
	}
	if c := kernel.CheckWithID(tx, "web-1", "c"); c == nil || c.Name != "c" {
		t.Errorf("the check is %+v", c)
	}
	if kernel.CheckWithID(tx, "web-1", "C") != nil || kernel.CheckWithID(tx, "gone", "c") != nil {
		t.Error("a check that does not exist is found")
	}
	for ip, want := range map[string]string{"10.0.0.1": "Web-1", "10.0.0.2": "", "": "", "host": ""} {
		if got := kernel.NodeWithIP(tx, ip); got != want {
			t.Errorf("%q: %q, want %q", ip, got, want)
		}
	}
}

func TestIDsAreFoldedIfThatNamesSomething(t *testing.T) {
	const small, capitals = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10", "0F3A3C1F-0D3C-4C7E-9D51-8A5D0E7C2B10"
	only := func(known string) func(string) bool { return func(id string) bool { return id == known } }
	for _, c := range []struct {
		id, known, want string
	}{
		{small, small, small}, {capitals, small, small}, {capitals, "", capitals}, {"ABC", "abc", "ABC"}, {"", "", ""}, {capitals + "0", small, capitals + "0"},
	} {
		if got := kernel.FoldID(c.id, only(c.known)); got != c.want {
			t.Errorf("%s where %q is known: %s, want %s", c.id, c.known, got, c.want)
		}
	}
}

func TestAServerAsGossipHasIt(t *testing.T) {
	got := kernel.ServerAt(gossip.ServerInfo{ID: "i", Name: "n", Datacenter: "dc2", RPCAddress: "10.0.0.1:8300"})
	if want := (rpc.Server{ID: "i", Name: "n", Datacenter: "dc2", Address: "10.0.0.1:8300"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if kernel.CoordOf(nil) != nil {
		t.Error("nowhere is somewhere")
	}
	c := kernel.CoordOf(&coordinate.Coordinate{Vec: []float64{1}, Error: 2, Adjustment: 3, Height: 4})
	if c.Vec[0] != 1 || c.Error != 2 || c.Adjustment != 3 || c.Height != 4 {
		t.Errorf("%+v", c)
	}
}
