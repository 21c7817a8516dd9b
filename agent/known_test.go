package agent_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"praetor/agent"
	"praetor/gossip"
)

func member(name string, status gossip.Status, tags map[string]string) gossip.Member {
	return gossip.Member{Name: name, Addr: net.IPv4(10, 0, 0, 1), Status: status, Tags: tags}
}

func clientNamed(name string) gossip.Member {
	return member(name, gossip.Alive, gossip.ClientTags{ID: name, Datacenter: "dc1"}.Map())
}

func serverNamed(name, dc string, status gossip.Status) gossip.Member {
	return member(name, status, gossip.ServerTags{ID: name, Datacenter: dc, RPCPort: 8300}.Map())
}

func of(t gossip.EventType, members ...gossip.Member) gossip.Event {
	return gossip.Event{Type: t, Members: members}
}

// TestJoiningClientsCostOnlyThemselves: with 5,000 members, an event of a client
// looks at nobody else, and allocates nothing.
func TestJoiningClientsCostOnlyThemselves(t *testing.T) {
	var known agent.KnownServers
	for i := range 3 {
		known.NoteLAN(of(gossip.Joined, serverNamed(fmt.Sprint("s", i), "dc1", gossip.Alive)))
	}
	joins := make([]gossip.Event, 5000)
	for i := range joins {
		joins[i] = of(gossip.Joined, clientNamed(fmt.Sprint("c", i)))
	}
	next := 0
	if allocs := testing.AllocsPerRun(len(joins)-1, func() {
		if known.NoteLAN(joins[next]) {
			t.Fatal("a client made the servers change")
		}
		next++
	}); allocs > 0 {
		t.Errorf("a client that joins allocates %v times", allocs)
	}
	if names, _ := known.Names("dc1"); !slices.Equal(names, []string{"s0", "s1", "s2"}) {
		t.Errorf("servers %v", names)
	}
}

// TestServersAreThoseThatEventsToldOf goes through what may become of one.
func TestServersAreThoseThatEventsToldOf(t *testing.T) {
	var known agent.KnownServers
	demoted := clientNamed("s2")
	for _, step := range []struct {
		event   gossip.Event
		wan     bool
		changed bool
		names   []string
	}{
		{of(gossip.Joined, serverNamed("s1", "dc1", gossip.Alive), clientNamed("c1"), serverNamed("s2", "dc1", gossip.Alive)), false, true, []string{"s1", "s2"}},
		{of(gossip.HasFailed, clientNamed("c1")), false, false, []string{"s1", "s2"}},
		{of(gossip.HasFailed, serverNamed("s1", "dc1", gossip.Failed)), false, true, []string{"s2"}},
		{of(gossip.Updated, serverNamed("s1", "dc1", gossip.Alive)), false, true, []string{"s1", "s2"}},
		{of(gossip.Joined, serverNamed("far.dc2", "dc2", gossip.Alive), serverNamed("s1.dc1", "dc1", gossip.Alive)), true, true, []string{"s1", "s2", "far"}},
		{of(gossip.Updated, demoted), false, true, []string{"s1", "far"}},
		{of(gossip.Updated, demoted), false, false, []string{"s1", "far"}},
		{of(gossip.HasLeft, serverNamed("s1", "dc1", gossip.Left)), false, true, []string{"far"}},
		{of(gossip.Reaped, serverNamed("s1", "dc1", gossip.Left)), false, true, []string{"far"}},
		{of(gossip.Reaped, serverNamed("far.dc2", "dc2", gossip.Failed)), true, true, nil},
	} {
		note := known.NoteLAN
		if step.wan {
			note = known.NoteWAN
		}
		if changed := note(step.event); changed != step.changed {
			t.Errorf("%v %v: changed %v, want %v", step.event.Type, step.event.Members, changed, step.changed)
		}
		if names, _ := known.Names("dc1"); !slices.Equal(names, step.names) {
			t.Errorf("after %v of %s: servers %v, want %v", step.event.Type, step.event.Members[0].Name, names, step.names)
		}
	}
	if left := known.Departures(); !strings.HasPrefix(left, "s1=20") || strings.Contains(left, ",") {
		t.Errorf("departures %q, want s1 alone, with its time", left)
	}
	known.NoteLAN(of(gossip.Joined, serverNamed("s1", "dc1", gossip.Alive)))
	for i := range 7 {
		known.NoteLAN(of(gossip.HasLeft, serverNamed(fmt.Sprint("t", i), "dc1", gossip.Left)))
	}
	if left := known.Departures(); strings.Count(left, "=") != 5 || !strings.HasPrefix(left, "t2=") {
		t.Errorf("departures %q, want the last five, none of which came back", left)
	}
	if _, dcs := known.Names("dc1"); !slices.Equal(dcs, []string{"dc1"}) {
		t.Errorf("datacenters %v after the last server of dc2 is forgotten", dcs)
	}
}
