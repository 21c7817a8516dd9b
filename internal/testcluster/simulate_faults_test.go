package testcluster_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"praetor/internal/memnet"
)

// simFault is something that goes wrong. It returns what puts it right again.
type simFault struct {
	name   string
	client bool // hits a client agent
	abroad bool // is between datacenters
	begin  func(s *simulation, h hit, dice *rand.Rand) (end func())
}

// hit is who is hit.
type hit struct {
	leader, other *machine // servers
	client        *machine // nil where there is none
}

const faultReplaced = "a server is replaced by an empty machine"

var simFaults = []simFault{
	{name: "the leader is killed", begin: func(s *simulation, h hit, _ *rand.Rand) func() { return killed(h.leader) }},
	{name: "a follower is killed", begin: func(s *simulation, h hit, _ *rand.Rand) func() { return killed(h.other) }},
	{name: "all servers are killed", begin: func(s *simulation, _ hit, _ *rand.Rand) func() { return killed(s.servers()...) }},
	{name: "a client agent is killed", client: true, begin: func(s *simulation, h hit, _ *rand.Rand) func() { return killed(h.client) }},
	{name: "the leader is cut off", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		s.c.Cut(h.leader.node)
		return func() { s.c.Heal(h.leader.node) }
	}},
	{name: "nothing comes to the leader or from it", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return from == h.leader || to == h.leader })
	}},
	{name: "the leader is not heard", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, _ *machine) bool { return from == h.leader })
	}},
	{name: "the leader does not hear", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(_, to *machine) bool { return to == h.leader })
	}},
	{name: "the leader and a follower are apart", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool {
			return from == h.leader && to == h.other || from == h.other && to == h.leader
		})
	}},
	{name: "a follower is not heard by the leader", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return from == h.other && to == h.leader })
	}},
	{name: "a client agent hears nothing", client: true, begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(_, to *machine) bool { return to == h.client })
	}},
	{name: "the network is slow", begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		ms := time.Duration(1 + dice.IntN(60))
		return s.bad(memnet.Way{Delay: ms * time.Millisecond, Jitter: ms * time.Millisecond})
	}},
	{name: "the network loses and reorders", begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		return s.bad(memnet.Way{Jitter: time.Duration(1+dice.IntN(100)) * time.Millisecond, Loss: 0.3 * dice.Float64()})
	}},
	{name: "the leader is stopped for a while", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		// Its packets are kept, and its clock then tells of the time it missed; its timers ran.
		end := s.blocked(func(from, to *machine) bool { return from == h.leader || to == h.leader })
		h.leader.node.Oversleep(time.Duration(100+dice.IntN(2000)) * time.Millisecond)
		return end
	}},
	{name: "the leader's clock jumps", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		h.leader.node.Oversleep(time.Duration(dice.IntN(60_000)) * time.Millisecond)
		return func() {}
	}},
	{name: "the leader hands over", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		if a := h.leader.Ask(http.MethodPost, "/v1/operator/raft/transfer-leader", "", 5*time.Second); a.Status != http.StatusOK && a.Status != http.StatusInternalServerError && a.Err == nil {
			s.Errorf("hand over: %d %s", a.Status, a.Text)
		}
		return func() {}
	}},
	{name: "a server leaves and comes back", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		m := h.other
		if dice.IntN(2) == 0 {
			m = h.leader
		}
		if m.up() {
			m.die()
			if err := m.node.Leave(); err != nil {
				s.Logf("%s leaves: %v", m.node.Name(), err)
				m.node.Crash()
			}
		}
		return m.start
	}},
	{name: faultReplaced, begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		if h.other.up() {
			h.other.kill()
			h.other.node.Wipe()
		}
		return h.other.start
	}},
	{name: "the datacenters are apart", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() {
		there := func(m *machine) bool { return slices.Contains(s.abroad, m) }
		return s.blocked(func(from, to *machine) bool { return there(from) != there(to) })
	}},
	{name: "the other datacenter is killed", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() { return killed(s.abroad...) }},
}

func (s *simulation) servers() []*machine { return s.home[:3] }

func killed(machines ...*machine) (end func()) {
	for _, m := range machines {
		m.kill()
	}
	return func() {
		for _, m := range machines {
			m.start()
		}
	}
}

// fault begins one.
func (s *simulation) fault(name string, dice *rand.Rand) (end func()) {
	s.faults[name]++
	h := hit{}
	for _, m := range s.servers() {
		if m.up() && (h.leader == nil || m.node.Agent().Server().IsLeader()) {
			h.leader = m
		}
	}
	if h.leader == nil {
		h.leader = s.home[dice.IntN(3)]
	}
	h.other = s.home[(slices.Index(s.home, h.leader)+1+dice.IntN(2))%3]
	if len(s.home) > 3 {
		h.client = s.home[3+dice.IntN(len(s.home)-3)]
	}
	i := slices.IndexFunc(simFaults, func(f simFault) bool { return f.name == name })
	return simFaults[i].begin(s, h, dice)
}

// ways sets all ways between two machines that are meant.
func (s *simulation) ways(meant func(from, to *machine) bool, w memnet.Way) {
	all := slices.Concat(s.home, s.abroad)
	for _, from := range all {
		for _, to := range all {
			if from != to && meant(from, to) {
				s.c.Net().Set(from.node.IP(), to.node.IP(), w)
			}
		}
	}
}

func (s *simulation) blocked(meant func(from, to *machine) bool) (end func()) {
	s.ways(meant, memnet.Way{Blocked: true})
	return func() { s.ways(meant, memnet.Way{}) }
}

// bad makes every way as bad as w says.
func (s *simulation) bad(w memnet.Way) (end func()) {
	all := func(_, _ *machine) bool { return true }
	s.ways(all, w)
	return func() { s.ways(all, memnet.Way{}) }
}

// waitWhole waits until every machine writes, and three servers vote.
func (s *simulation) waitWhole() {
	for _, m := range s.home {
		s.c.WaitFor("a write at "+m.node.Name(), func() error {
			if a := m.Ask(http.MethodPut, "/v1/kv/whole", m.node.Name(), 5*time.Second); a.Status != http.StatusOK {
				return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
			}
			return nil
		})
	}
	s.c.WaitFor("three healthy voters", func() error {
		a := s.home[0].Ask(http.MethodGet, "/v1/operator/autopilot/health", "", 5*time.Second)
		var state struct {
			Healthy bool
			Servers []struct{ Healthy, Voter bool }
		}
		if err := json.Unmarshal([]byte(a.Text), &state); err != nil {
			return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
		}
		voters := 0
		for _, one := range state.Servers {
			if one.Voter {
				voters++
			}
		}
		if !state.Healthy || voters != 3 || len(state.Servers) != 3 {
			return fmt.Errorf("%s", a.Text)
		}
		return nil
	})
	if s.plan.abroad {
		s.c.WaitFor("a write in dc2", func() error {
			if a := s.home[0].Ask(http.MethodPut, "/v1/kv/whole?dc=dc2", "", 5*time.Second); a.Status != http.StatusOK {
				return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
			}
			return nil
		})
	}
}

// health tells for each machine when its health changed last. Nothing else ends sessions by
// itself here.
func (s *simulation) health() map[*machine]uint64 {
	changed := map[*machine]uint64{}
	for _, m := range s.home {
		s.c.WaitFor("passing "+m.node.Name(), func() error {
			a := s.home[0].Ask(http.MethodGet, "/v1/health/node/"+m.node.Name()+"?consistent", "", 5*time.Second)
			var checks []struct {
				CheckID, Status string
				ModifyIndex     uint64
			}
			if err := json.Unmarshal([]byte(a.Text), &checks); err != nil {
				return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
			}
			for _, check := range checks {
				if check.CheckID == "serfHealth" && check.Status == "passing" {
					changed[m] = check.ModifyIndex
					return nil
				}
			}
			return fmt.Errorf("%+v", checks)
		})
	}
	return changed
}
