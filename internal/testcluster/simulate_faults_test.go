package testcluster_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"praetor/internal/linear"
	"praetor/internal/memnet"
	"praetor/internal/testcluster"
)

// simFault is something that goes wrong. It returns what puts it right again.
type simFault struct {
	name   string
	client bool // hits a client agent
	abroad bool // is between datacenters
	// alone: a disk loses what was acknowledged. With another server away, even one that will
	// be back, that may be a majority's: autopilot removes who is dead, so that two of two are
	// needed then.
	alone bool
	begin func(s *simulation, h hit, dice *rand.Rand) (end func())
}

// hit is who is hit.
type hit struct {
	leader, other *machine // servers
	either        *machine // one of them
	client        *machine // nil where there is none
}

const faultGuest = "a fourth server joins, and leaves"

var simFaults = []simFault{
	// Processes.
	{name: "the leader is killed", begin: func(_ *simulation, h hit, _ *rand.Rand) func() { return killed(h.leader) }},
	{name: "a follower is killed", begin: func(_ *simulation, h hit, _ *rand.Rand) func() { return killed(h.other) }},
	{name: "all servers are killed", begin: func(s *simulation, _ hit, _ *rand.Rand) func() { return killed(s.servers...) }},
	{name: "a client agent is killed", client: true, begin: func(_ *simulation, h hit, _ *rand.Rand) func() { return killed(h.client) }},
	{name: "the leader is stopped for a while", begin: func(s *simulation, h hit, dice *rand.Rand) func() { return s.paused(h.leader, dice) }},
	{name: "a follower is stopped for a while", begin: func(s *simulation, h hit, dice *rand.Rand) func() { return s.paused(h.other, dice) }},
	{name: "a client agent is stopped for a while", client: true, begin: func(s *simulation, h hit, dice *rand.Rand) func() { return s.paused(h.client, dice) }},
	{name: "the leader's clock jumps", begin: func(_ *simulation, h hit, dice *rand.Rand) func() { return jump(dice, h.leader) }},
	{name: "all servers' clocks jump", begin: func(s *simulation, _ hit, dice *rand.Rand) func() { return jump(dice, s.servers...) }},

	// Members.
	{name: "the leader hands over", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		if a := h.leader.Ask(http.MethodPost, "/v1/operator/raft/transfer-leader", "", 5*time.Second); a.Status != http.StatusOK && a.Status != http.StatusInternalServerError && a.Err == nil {
			s.Errorf("hand over: %d %s", a.Status, a.Text)
		}
		return func() {}
	}},
	{name: "all agents are restarted, one after the other", begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		for _, m := range s.home {
			if m.up() {
				m.die()
				m.node.Stop()
				<-time.After(time.Duration(dice.IntN(500)) * time.Millisecond)
				m.start()
				// Who restarts them waits for each, but not for ever.
				s.c.Try(5*time.Second, func() bool {
					return m.Ask(http.MethodPut, "/v1/kv/restarted", m.node.Name(), time.Second).Status == http.StatusOK
				})
			}
		}
		return func() {}
	}},
	{name: "a server leaves and comes back", begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		h.either.leave()
		return h.either.start
	}},
	{name: "a server comes back with another address", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		if h.either.up() {
			h.either.kill()
			s.moves++
			h.either.node.Move(fmt.Sprintf("127.78.3.%d", s.moves))
		}
		return h.either.start
	}},
	{name: faultGuest, begin: func(s *simulation, _ hit, _ *rand.Rand) func() {
		s.guest.start()
		return s.guest.leave
	}},
	{name: "a server is replaced by an empty machine", alone: true, begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		h.other.kill()
		h.other.node.Wipe()
		return h.other.start
	}},

	// The network.
	{name: "the leader is cut off", begin: func(s *simulation, h hit, _ *rand.Rand) func() { return s.cut(h.leader) }},
	{name: "a follower is cut off", begin: func(s *simulation, h hit, _ *rand.Rand) func() { return s.cut(h.other) }},
	{name: "a client agent is cut off", client: true, begin: func(s *simulation, h hit, _ *rand.Rand) func() { return s.cut(h.client) }},
	{name: "nothing comes to the leader or from it", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return from == h.leader || to == h.leader })
	}},
	{name: "the leader is not heard", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, _ *machine) bool { return from == h.leader })
	}},
	{name: "the leader does not hear", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(_, to *machine) bool { return to == h.leader })
	}},
	{name: "a follower is not heard", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, _ *machine) bool { return from == h.other })
	}},
	{name: "a follower does not hear", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(_, to *machine) bool { return to == h.other })
	}},
	{name: "the leader and a follower are apart", begin: func(s *simulation, h hit, _ *rand.Rand) func() { return s.blocked(between(h.leader, h.other)) }},
	{name: "a follower is not heard by the leader", begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return from == h.other && to == h.leader })
	}},
	{name: "a client agent hears nothing", client: true, begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(_, to *machine) bool { return to == h.client })
	}},
	{name: "a client agent is not heard", client: true, begin: func(s *simulation, h hit, _ *rand.Rand) func() {
		return s.blocked(func(from, _ *machine) bool { return from == h.client })
	}},
	{name: "the link between the leader and a follower comes and goes", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		return s.flaps(between(h.leader, h.other), dice)
	}},
	{name: "what the leader sends comes and goes", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		return s.flaps(func(from, _ *machine) bool { return from == h.leader }, dice)
	}},
	{name: "the network is slow", begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		return s.bad(func(_, _ *machine) bool { return true }, slow(dice))
	}},
	{name: "a server's network is slow", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		return s.bad(func(from, to *machine) bool { return from == h.either || to == h.either }, slow(dice))
	}},
	{name: "the network loses and reorders", begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		return s.bad(func(_, _ *machine) bool { return true }, lossy(dice))
	}},
	{name: "what a server sends is lost and reordered", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		return s.bad(func(from, _ *machine) bool { return from == h.either }, lossy(dice))
	}},

	// The WAN.
	{name: "the datacenters are apart", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return s.isAbroad(from) != s.isAbroad(to) })
	}},
	{name: "the other datacenter is not heard", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return s.isAbroad(from) && !s.isAbroad(to) })
	}},
	{name: "the other datacenter does not hear", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() {
		return s.blocked(func(from, to *machine) bool { return !s.isAbroad(from) && s.isAbroad(to) })
	}},
	{name: "the way between the datacenters is bad", abroad: true, begin: func(s *simulation, _ hit, dice *rand.Rand) func() {
		return s.bad(func(from, to *machine) bool { return s.isAbroad(from) != s.isAbroad(to) }, lossy(dice))
	}},
	{name: "the other datacenter is killed", abroad: true, begin: func(s *simulation, _ hit, _ *rand.Rand) func() { return killed(s.abroad...) }},

	// Disks.
	{name: "the leader's disk is slow", begin: func(_ *simulation, h hit, dice *rand.Rand) func() { return troubled(h.leader, slowDisk(dice)) }},
	{name: "a follower's disk is slow", begin: func(_ *simulation, h hit, dice *rand.Rand) func() { return troubled(h.other, slowDisk(dice)) }},
	{name: "the leader's disk is full", begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		return troubled(h.leader, testcluster.Trouble{Full: true})
	}},
	{name: "a follower's disk is full", begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		return troubled(h.other, testcluster.Trouble{Full: true})
	}},
	{name: "a server's disk fails to sync", begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		return troubled(h.either, testcluster.Trouble{Fails: true})
	}},
	{name: "a server is killed before it has synced what it wrote", begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		if h.either.up() {
			h.either.node.Trouble(slowDisk(dice))
			s.c.Try(3*time.Second, h.either.node.Writes)
			h.either.kill()
			if dice.IntN(3) > 0 {
				h.either.node.Tear(dice)
			}
		}
		return h.either.start
	}},
	{name: "a bit flips on the disk of a server that was killed", alone: true, begin: func(s *simulation, h hit, dice *rand.Rand) func() {
		h.other.kill()
		where := h.other.node.FlipBit(dice)
		return func() {
			h.other.configure()
			if err := h.other.node.TryStart(); err != nil {
				// It names a folder of its own; whoever runs it makes it a new machine.
				if !strings.Contains(err.Error(), h.other.node.Dir()) {
					s.Errorf("after a flip of %s it does not start, and does not say where: %v", where, err)
				}
				h.other.node.Wipe()
				h.other.node.Start()
			}
			h.other.live()
		}
	}},
	{name: "a server comes back on an old copy of its disk", alone: true, begin: func(_ *simulation, h hit, _ *rand.Rand) func() {
		h.other.node.KeepCopy()
		return func() {
			h.other.kill()
			h.other.node.PutBack()
			h.other.start()
		}
	}},
}

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

// paused holds up a machine's packets, and its clock then tells of the time it missed; its
// timers ran.
func (s *simulation) paused(m *machine, dice *rand.Rand) (end func()) {
	m.node.Oversleep(time.Duration(100+dice.IntN(2000)) * time.Millisecond)
	return s.blocked(func(from, to *machine) bool { return from == m || to == m })
}

func jump(dice *rand.Rand, machines ...*machine) (end func()) {
	for _, m := range machines {
		m.node.Oversleep(time.Duration(dice.IntN(60_000)) * time.Millisecond)
	}
	return func() {}
}

// troubled gives a machine a bad disk, until it is started anew or the fault ends.
func troubled(m *machine, t testcluster.Trouble) (end func()) {
	m.node.Trouble(t)
	return func() { m.node.Trouble(testcluster.Trouble{}) }
}

func slowDisk(dice *rand.Rand) testcluster.Trouble {
	return testcluster.Trouble{Write: time.Duration(dice.IntN(20)) * time.Millisecond, Sync: time.Duration(1+dice.IntN(600)) * time.Millisecond}
}

func slow(dice *rand.Rand) memnet.Way {
	ms := time.Duration(1 + dice.IntN(60))
	return memnet.Way{Delay: ms * time.Millisecond, Jitter: ms * time.Millisecond}
}

func lossy(dice *rand.Rand) memnet.Way {
	return memnet.Way{Jitter: time.Duration(1+dice.IntN(100)) * time.Millisecond, Loss: 0.3 * dice.Float64()}
}

// fault begins one.
func (s *simulation) fault(name string, dice *rand.Rand) (end func()) {
	s.faults[name]++
	h := hit{}
	voters := s.servers
	if s.guest != nil {
		voters = append(slices.Clone(voters), s.guest)
	}
	for _, m := range voters {
		if m.up() && (h.leader == nil || m.node.Agent().Server().IsLeader()) {
			h.leader = m
		}
	}
	if h.leader == nil {
		h.leader = s.servers[dice.IntN(3)]
	}
	h.other = s.servers[(slices.Index(s.servers, h.leader)+1+dice.IntN(2))%3]
	if h.either = h.leader; dice.IntN(2) == 0 || h.leader == s.guest {
		h.either = h.other
	}
	if len(s.clients) > 0 {
		h.client = s.clients[dice.IntN(len(s.clients))]
	}
	i := slices.IndexFunc(simFaults, func(f simFault) bool { return f.name == name })
	return simFaults[i].begin(s, h, dice)
}

func between(a, b *machine) func(from, to *machine) bool {
	return func(from, to *machine) bool { return from == a && to == b || from == b && to == a }
}

func (s *simulation) isAbroad(m *machine) bool { return slices.Contains(s.abroad, m) }

// pairs are the addresses of all machines from which to others the ways are that are meant.
func (s *simulation) pairs(meant func(from, to *machine) bool) (ways [][2]string) {
	all := s.all()
	for _, from := range all {
		for _, to := range all {
			if from != to && meant(from, to) {
				ways = append(ways, [2]string{from.node.IP(), to.node.IP()})
			}
		}
	}
	return ways
}

func (s *simulation) set(ways [][2]string, w memnet.Way) {
	for _, one := range ways {
		s.c.Net().Set(one[0], one[1], w)
	}
}

// bad makes the ways that are meant as bad as w says.
func (s *simulation) bad(meant func(from, to *machine) bool, w memnet.Way) (end func()) {
	ways := s.pairs(meant)
	s.set(ways, w)
	return func() { s.set(ways, memnet.Way{}) }
}

func (s *simulation) blocked(meant func(from, to *machine) bool) (end func()) {
	return s.bad(meant, memnet.Way{Blocked: true})
}

// flaps blocks the ways that are meant again and again, each time for up to a second.
func (s *simulation) flaps(meant func(from, to *machine) bool, dice *rand.Rand) (end func()) {
	ways, own := s.pairs(meant), rand.New(rand.NewPCG(dice.Uint64(), 0))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // end waits for it
		defer close(done)
		for i := 0; ; i++ {
			s.set(ways, memnet.Way{Blocked: i%2 == 0})
			select {
			case <-stop:
				s.set(ways, memnet.Way{})
				return
			case <-time.After(time.Duration(20+own.IntN(1000)) * time.Millisecond):
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// cut separates a machine from all others, whose connections with it are reset.
func (s *simulation) cut(m *machine) (end func()) {
	ways := s.pairs(func(from, to *machine) bool { return from == m })
	for _, one := range ways {
		s.c.Net().Cut(one[0], one[1])
	}
	return func() {
		for _, one := range ways {
			s.c.Net().Heal(one[0], one[1])
		}
	}
}

// waitWhole waits until every machine writes, three servers vote, and all have what was
// written: who refused entries for a while is sent them up to 10 s later (raft's back-off).
func (s *simulation) waitWhole() {
	for _, m := range s.home {
		s.wholes++
		m.must(s, http.MethodPut, "/v1/kv/whole", strconv.Itoa(s.wholes))
	}
	for _, m := range s.home {
		if m.server {
			s.c.WaitFor("the last write at "+m.node.Name(), func() error {
				now := m.Ask(http.MethodGet, "/v1/kv/whole?consistent&raw", "", 5*time.Second)
				if a := m.Ask(http.MethodGet, "/v1/kv/whole?stale&raw", "", 5*time.Second); now.Status != http.StatusOK || a.Text != now.Text {
					return fmt.Errorf("%d %s %v, want %d %s %v", a.Status, a.Text, a.Err, now.Status, now.Text, now.Err)
				}
				return nil
			})
		}
	}
	servers := 3
	if s.plan.fourth == fourthReplica {
		servers++
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
		if !state.Healthy || voters != 3 || len(state.Servers) != servers {
			return fmt.Errorf("%s", a.Text)
		}
		return nil
	})
	if s.plan.abroad {
		s.home[0].must(s, http.MethodPut, "/v1/kv/whole?dc=dc2", "")
	}
}

// health tells for each machine when its health changed last. Nothing else ends sessions by
// itself here.
func (s *simulation) health() map[*machine]uint64 {
	changed := map[*machine]uint64{}
	for _, m := range s.home {
		s.c.WaitFor("passing "+m.node.Name(), func() error {
			a := s.home[0].Ask(http.MethodGet, "/v1/health/node/"+m.node.Name()+"?consistent", "", 5*time.Second)
			var checks linear.NodeChecks
			err := json.Unmarshal([]byte(a.Text), &checks)
			if err != nil {
				return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
			}
			changed[m], err = checks.Alive()
			return err
		})
	}
	return changed
}
