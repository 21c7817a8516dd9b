package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/memnet"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

// fleet is several servers on a pretend network, and a gossip pool that says
// what the test wants, to each server what the test wants it to see.
type fleet struct {
	t       *testing.T
	network *memnet.Network
	running map[int]*unit

	mu sync.Mutex

	members []gossip.Member
	blind   map[int][]int // servers that a server does not see
	doubted [][2]string   // which pool, and whose process ended
	fire    func(i int)   // what firing an event does on server i, if anything
}

// unit is one running server.
type unit struct {
	*server.Server
	cancel context.CancelFunc
	ended  chan error
}

// fleetPool is the pool as server i sees it.
type fleetPool struct {
	f    *fleet
	i    int
	name string // tells LAN and WAN apart
}

func (p fleetPool) Members() []gossip.Member {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.f.members), func(m gossip.Member) bool {
		return slices.ContainsFunc(p.f.blind[p.i], func(j int) bool { return m.Name == fmt.Sprint("s", j) })
	})
}

func (p fleetPool) Fire(string, []byte) error {
	p.f.mu.Lock()
	fire := p.f.fire
	p.f.mu.Unlock()
	if fire != nil {
		fire(p.i)
	}
	return nil
}

func (p fleetPool) Ask(context.Context, string, string, []byte) ([]byte, error) {
	return nil, gossip.ErrNoAnswer
}

func (p fleetPool) Identify(_ context.Context, m gossip.Member) (gossip.Identity, error) {
	return whoIsAt(p.Members(), m)
}

func (p fleetPool) Doubt(id string) {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	p.f.doubted = append(p.f.doubted, [2]string{p.name, id})
}

func (p fleetPool) Coordinate() *coordinate.Coordinate             { return nil }
func (p fleetPool) CachedCoordinate(string) *coordinate.Coordinate { return nil }

func (p fleetPool) ForceLeave(name string, _ bool) error {
	for _, m := range p.Members() {
		if m.Name == name {
			m.Status = gossip.Left
			go p.f.say(gossip.HasLeft, m) // the bubble waits for it; autopilot must not
		}
	}
	return nil
}

// say puts a member's news into the pool and tells every running server.
func (f *fleet) say(typ gossip.EventType, m gossip.Member) {
	f.mu.Lock()
	f.members = slices.DeleteFunc(f.members, func(old gossip.Member) bool { return old.Name == m.Name })
	if typ != gossip.Reaped {
		f.members = append(f.members, m)
	}
	running := make([]*unit, 0, len(f.running))
	for _, u := range f.running {
		running = append(running, u)
	}
	f.mu.Unlock()
	for _, u := range running {
		u.HandleLAN(gossip.Event{Type: typ, Members: []gossip.Member{m}})
	}
}

// hide makes server i not see others; no arguments: it sees all.
func (f *fleet) hide(i int, others ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blind[i] = others
}

// withFleet runs test in a bubble.
func withFleet(t *testing.T, test func(f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, network: memnet.New(), running: map[int]*unit{}, blind: map[int][]int{}}
		defer func() {
			for i := range f.running {
				f.stop(i)
			}
		}()
		test(f)
	})
}

func ip(i int) string { return fmt.Sprint("10.0.0.", i) }

// start runs server i, from 1, without state, and has it join the pool.
func (f *fleet) start(i, expect int, change func(*server.Options)) *unit {
	f.t.Helper()
	host := f.network.Host(ip(i))
	l, err := host.Listen(8300)
	if err != nil {
		f.t.Fatal(err)
	}
	begin := time.Now()
	opts := server.Options{
		Name: fmt.Sprint("s", i), ID: id(i), Datacenter: "dc1", Address: ip(i) + ":8300",
		BootstrapExpect: expect, Listener: l, Dial: host.Dial, LAN: fleetPool{f, i, fmt.Sprint("lan of s", i)},
		Raft: raftstore.Options{Clock: func() time.Duration { return time.Since(begin) }},
	}
	if change != nil {
		change(&opts)
	}
	s, err := server.Open(opts)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	u := &unit{s, cancel, make(chan error, 1)}
	go func() { u.ended <- s.Run(ctx) }() // stop waits
	f.mu.Lock()
	f.running[i] = u
	f.mu.Unlock()
	f.say(gossip.Joined, serverMember(i, gossip.Alive, func(t *gossip.ServerTags) {
		t.ID, t.Expect, t.Bootstrap = opts.ID, expect, opts.Bootstrap
	}))
	return u
}

// stop ends server i as a crash would: nobody is told.
func (f *fleet) stop(i int) {
	f.t.Helper()
	f.mu.Lock()
	u := f.running[i]
	delete(f.running, i)
	f.mu.Unlock()
	u.cancel()
	if err := <-u.ended; err != nil {
		f.t.Errorf("s%d: Run: %v", i, err)
	}
	for range 2 { // twice is fine
		if err := u.Close(); err != nil {
			f.t.Errorf("s%d: Close: %v", i, err)
		}
	}
}

func (f *fleet) cut(i int) {
	for j := 1; j <= 9; j++ {
		if j != i {
			f.network.Cut(ip(i), ip(j))
		}
	}
}

func (f *fleet) heal(i int) {
	for j := 1; j <= 9; j++ {
		if j != i {
			f.network.Heal(ip(i), ip(j))
		}
	}
}

// waitFor tries check until it succeeds, for two minutes.
func (f *fleet) waitFor(what string, check func() error) {
	f.t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(begin) > 2*time.Minute {
			f.t.Fatalf("no %s: %v", what, err)
		}
	}
}

// leader waits for a server that leads, not counting some.
func (f *fleet) leader(but ...int) int {
	f.t.Helper()
	found := 0
	f.waitFor("leader", func() error {
		for i, u := range f.running {
			if u.IsLeader() && !slices.Contains(but, i) {
				found = i
				return nil
			}
		}
		return errors.New("nobody leads")
	})
	return found
}

// peers wants the running servers to agree on how many peers there are.
func (f *fleet) peers(want int) func() error {
	return func() error {
		for i, u := range f.running {
			rep, err := ops.StatusPeers.Call(context.Background(), u.Router(), &ops.StatusRequest{})
			if err != nil {
				return err
			}
			if len(rep.Addresses) != want {
				return fmt.Errorf("s%d has peers %v, want %d", i, rep.Addresses, want)
			}
		}
		return nil
	}
}

func put(u *unit, key, value string) error {
	_, err := ops.KVApply.Call(context.Background(), u.Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}},
	})
	return err
}

func get(u *unit, key string, opts rpc.ReadOptions) (string, error) {
	rep, err := ops.KVGet.Call(context.Background(), u.Router(), &ops.KVGetRequest{ReadOptions: opts, Key: key})
	if err != nil || rep.Entry == nil {
		return "", err
	}
	return string(rep.Entry.Value), nil
}

// serfHealth is what the catalog, as server u has it, says of a node.
func serfHealth(u *unit, node string) string {
	_, checks := u.Store().Read().NodeChecks(nil, node)
	for _, c := range checks {
		if c.CheckID == catalog.SerfHealth {
			return c.Status
		}
	}
	return ""
}
