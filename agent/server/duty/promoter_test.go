package duty_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/agent/server/duty"
)

// pilotState makes a state of words like "a:L:z1:1.0.0:new": a server's name; L
// (leads), V (votes) or N; its zone, "replica" for a read replica; its version; and
// "new" (not yet stable), "sick" (for a moment), "dead", "gone" (dead for a moment), "left" or nothing.
func pilotState(words string) *autopilot.State {
	now := time.Now()
	s := &autopilot.State{Servers: map[raft.ServerID]*autopilot.ServerState{}}
	for word := range strings.FieldsSeq(words) {
		f := append(strings.Split(word, ":"), "", "", "", "")
		place := duty.Place{Zone: f[2], Version: f[3]}
		if place.Replica = f[2] == "replica"; place.Replica {
			place.Zone = ""
		}
		srv := &autopilot.ServerState{
			Server: autopilot.Server{ID: raft.ServerID(f[0]), NodeStatus: autopilot.NodeAlive, Ext: place},
			State:  map[string]autopilot.RaftState{"L": autopilot.RaftLeader, "V": autopilot.RaftVoter, "N": autopilot.RaftNonVoter}[f[1]],
			Health: autopilot.ServerHealth{Healthy: true, StableSince: now.Add(-time.Hour)},
		}
		switch f[4] {
		case "new":
			srv.Health.StableSince = now.Add(-time.Second)
		case "sick":
			srv.Health = autopilot.ServerHealth{StableSince: now.Add(-time.Second)}
		case "dead":
			srv.Health, srv.Server.NodeStatus = autopilot.ServerHealth{StableSince: now.Add(-5 * time.Second)}, autopilot.NodeFailed
		case "gone":
			srv.Health, srv.Server.NodeStatus = autopilot.ServerHealth{StableSince: now.Add(-4 * time.Second)}, autopilot.NodeFailed
		case "left":
			srv.Health, srv.Server.NodeStatus = autopilot.ServerHealth{StableSince: now}, autopilot.NodeLeft
		}
		s.Servers[srv.Server.ID] = srv
		if f[1] == "L" {
			s.Leader = srv.Server.ID
		}
		if f[1] != "N" {
			s.Voters = append(s.Voters, srv.Server.ID)
		}
	}
	autopilot.SortServers(s.Voters, s)
	return s
}

func TestWhoGetsAndLosesAVote(t *testing.T) {
	for _, c := range []struct {
		name, rules, servers, want string
	}{
		{"stable ones", "", "a:L b:N c:N:::new d:N:::sick", "+b"},
		{"nobody loses it", "", "a:L b:V:::dead c:V", ""},
		{"read replica", "", "a:L b:V c:N:replica", ""},
		{"a voter becomes a read replica", "", "a:L b:V:replica c:V", "-b"},
		{"a sick read replica too", "", "a:L b:V:replica::dead c:V", "-b"},
		{"the leader becomes a read replica", "", "a:L:replica b:V c:V", ">b"},
		{"the only server becomes a read replica", "", "a:L:replica", ""},
		{"only a sick one could follow", "", "a:L:replica b:V:::sick", ""},
		{"zones without the rule", "", "a:L:z1 b:V:z2 c:V:z3 d:N:z1", "+d"},

		{"one of each zone", "zones", "a:L:z1 b:N:z2 c:N:z3 d:N:z1 e:N:z2", "+b +c"},
		{"full", "zones", "a:L:z1 b:V:z2 c:V:z3 d:N:z1 e:N:z2 f:N:z3", ""},
		{"its voter dies", "zones", "a:L:z1 b:V:z2::dead c:V:z3 d:N:z1 e:N:z2", "+e -b"},
		{"its voter hiccups", "zones", "a:L:z1 b:V:z2::sick c:V:z3 e:N:z2", ""},
		{"its voter is started again", "zones", "a:L:z1 b:V:z2::gone c:V:z3 d:N:z1 e:N:z2", ""},
		{"its voter leaves", "zones", "a:L:z1 b:V:z2::left c:V:z3 d:N:z1 e:N:z2", "+e -b"},
		{"its voter dies, the other is new", "zones", "a:L:z1 b:V:z2::dead c:V:z3 e:N:z2::new", ""},
		{"its voter dies, the other too", "zones", "a:L:z1 b:V:z2::dead c:V:z3 e:N:z2::dead", ""},
		{"its dead voter comes back", "zones", "a:L:z1 e:V:z2 c:V:z3 b:N:z2", ""},
		{"two of a zone vote", "zones", "a:L:z1 b:V:z2 c:V:z3 d:V:z1", "-d"},
		{"in no zone", "zones", "a:L:z1 b:V:z2 c:N d:N", "+c +d"},

		{"one new of three", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:N::1.1.0", ""},
		{"an old one joins meanwhile", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:N::1.1.0 e:N::1.0.0", "+e"},
		{"enough", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:N::1.1.0 e:N::1.1.0 f:N::1.1.0", "+d +e +f"},
		{"not enough are stable", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:N::1.1.0 e:N::1.1.0 f:N::1.1.0:new", ""},
		{"all vote", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:V::1.1.0 e:V::1.1.0 f:V::1.1.0", ">d -b -c"},
		{"all vote, one is sick", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:V::1.1.0 e:V::1.1.0 f:V::1.1.0:sick", ""},
		{"the old one leads", "upgrades", "a:L::1.0.0 b:N::1.0.0 c:N::1.0.0 d:V::1.1.0 e:V::1.1.0 f:V::1.1.0", ">d"},
		{"a new one leads", "upgrades", "d:L::1.1.0 a:V::1.0.0 b:N::1.0.0 c:N::1.0.0 e:V::1.1.0 f:V::1.1.0", "-a"},
		{"the next upgrade does not bring the first back", "upgrades", "d:L::1.1.0 e:V::1.1.0 f:V::1.1.0 a:N::1.0.0 g:N::1.2.0", ""},
		{"nor if it comes last", "upgrades", "d:L::1.1.0 e:V::1.1.0 f:V::1.1.0 g:N::1.2.0 z:N::1.0.0", ""},
		{"switched off", "disabled", "a:L::1.0.0 b:V::1.0.0 c:V::1.0.0 d:N::1.1.0", "+d"},
		{"no version is the oldest", "upgrades", "a:L b:N::1.0.0", "+b"},
		{"new replicas do not count", "upgrades", "a:L::1.0.0 b:N:replica:1.1.0", ""},
		{"replicas only", "upgrades", "a:L:replica:1.0.0", ""},
		{"zones and versions", "zones upgrades", "a:L:z1:1.0.0 b:V:z2:1.0.0 d:N:z1:1.1.0 e:N:z1:1.1.0 f:N:z2:1.1.0", "+d +f"},
		{"a zone has no new one", "zones upgrades", "a:L:z1:1.0.0 b:V:z2:1.0.0 d:N:z1:1.1.0 e:N:z1:1.1.0", ""},
	} {
		config := duty.PilotConfig(strings.Contains(c.rules, "zones"), c.rules == "disabled" || strings.Contains(c.rules, "upgrades"), c.rules == "disabled")
		changes := duty.NewPromoter().CalculatePromotionsAndDemotions(config, pilotState(c.servers))
		var got []string
		for _, id := range changes.Promotions {
			got = append(got, "+"+string(id))
		}
		for _, id := range changes.Demotions {
			got = append(got, "-"+string(id))
		}
		if changes.Leader != "" {
			got = append(got, ">"+string(changes.Leader))
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}

// A server that failed is not taken out of Raft while it may be on its way back.
func TestServersThatAreStartedAgainKeepTheirPlace(t *testing.T) {
	state := pilotState("a:L b:V:::dead c:V:::gone d:V:::left e:N:::dead f:N:::gone")
	var failed autopilot.FailedServers
	for _, id := range []raft.ServerID{"b", "c", "d", "x"} {
		srv := &autopilot.Server{ID: id, NodeStatus: autopilot.NodeFailed} // x is not in the state
		if known := state.Servers[id]; known != nil {
			srv = &known.Server
		}
		failed.FailedVoters = append(failed.FailedVoters, srv)
	}
	failed.FailedNonVoters = []*autopilot.Server{&state.Servers["e"].Server, &state.Servers["f"].Server}
	failed.StaleVoters = []raft.ServerID{"y"}
	got := duty.NewPromoter().FilterFailedServerRemovals(nil, state, &failed)
	names := func(list []*autopilot.Server) (ids string) {
		for _, srv := range list {
			ids += string(srv.ID)
		}
		return ids
	}
	if names(got.FailedVoters) != "bdx" || names(got.FailedNonVoters) != "e" || len(got.StaleVoters) != 1 {
		t.Errorf("voters %s, others %s, %v", names(got.FailedVoters), names(got.FailedNonVoters), got.StaleVoters)
	}
}

func TestPlacesAreShown(t *testing.T) {
	for _, c := range []struct {
		name, rules, servers, types, placement string
	}{
		{"plain", "", "a:L b:V c:N:replica", "a:voter b:voter c:read-replica", "{0 map[] <nil>}"},
		{"zones", "zones", "a:L:z1 b:V:z2 c:N:z1 d:V:z2 e:N", "a:zone-voter b:zone-voter c:zone-standby d:zone-extra-voter e:voter",
			"{1 map[z1:{[a c] [a] 1} z2:{[b d] [b d] 1}] <nil>}"},
		{"idle", "upgrades", "a:L::1.0.0 b:V::1.0.0", "a:voter b:voter", "idle 1.0.0 [a b] [] [] [] [] []"},
		{"waiting", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:N::1.1.0 d:N:replica:1.0.0", "a:voter b:voter c:voter d:read-replica", "await-new-voters 1.1.0 [] [c] [] [a b] [] [d]"},
		{"promoting", "upgrades", "a:L::1.0.0 c:N::1.1.0", "a:voter c:voter", "promoting 1.1.0 [] [c] [] [a] [] []"},
		{"demoting", "upgrades", "a:L::1.0.0 b:V::1.0.0 c:V::1.1.0 d:V::1.1.0", "a:voter b:voter c:voter d:voter", "demoting 1.1.0 [c d] [] [] [a b] [] []"},
		{"handing over", "upgrades", "a:L::1.0.0 c:V::1.1.0", "a:voter c:voter", "leader-transfer 1.1.0 [c] [] [] [a] [] []"},
		{"to be removed", "upgrades", "a:N::1.0.0 c:L::1.1.0", "a:voter c:voter", "await-server-removal 1.1.0 [c] [] [] [] [a] []"},
		{"fewer new ones", "upgrades", "a:N::1.0.0 b:N::1.0.0 c:L::1.1.0", "a:voter b:voter c:voter", "await-new-servers 1.1.0 [c] [] [] [] [a b] []"},
		{"off", "disabled", "a:L::1.0.0 c:N::1.1.0", "a:voter c:voter", "disabled 1.1.0 [] [c] [] [a] [] []"},
	} {
		config := duty.PilotConfig(c.rules == "zones", c.rules == "upgrades" || c.rules == "disabled", c.rules == "disabled")
		state := pilotState(c.servers)
		var types []string
		for id, kind := range duty.NewPromoter().GetNodeTypes(config, state) {
			types = append(types, string(id)+":"+string(kind))
		}
		slices.Sort(types)
		place := duty.NewPromoter().GetStateExt(config, state).(duty.Placement)
		said := fmt.Sprint(place)
		if place.Upgrade != nil {
			said = strings.Trim(fmt.Sprint(*place.Upgrade), "{}")
		}
		if got := strings.Join(types, " "); got != c.types || said != c.placement {
			t.Errorf("%s: got %s %s, want %s %s", c.name, got, said, c.types, c.placement)
		}
	}
}
