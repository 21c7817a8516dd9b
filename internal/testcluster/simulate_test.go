package testcluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"praetor/dnsserver"
	"praetor/internal/linear"
	"praetor/internal/memnet"
	"praetor/internal/testcluster"
)

// What to simulate: `make simulate` and .ci/run set them.
const (
	envSeeds    = "PRAETOR_SEEDS"    // how many; default: a few
	envSeed     = "PRAETOR_SEED"     // the first one; default: 1, or a new one where envSeeds or envSimulate is set
	envSimulate = "PRAETOR_SIMULATE" // a duration: seeds are played until it is over
)

const (
	shortRun = 3 // seeds of a plain go test

	simGroups  = 2
	simClients = 3           // of each group
	simCalm    = time.Second // before a fault
	simRest    = time.Second // after an answer that did not come
	// simCheck is far more than the check of most histories takes.
	simCheck = 5 * time.Second
)

// TestSimulatedClustersKeepTheirPromises has seeds decide what a virtual cluster is, what
// its clients ask and what goes wrong, and holds everything they were told against models:
// keys, transactions, sessions and locks, blocking queries, catalog, health and DNS.
func TestSimulatedClustersKeepTheirPromises(t *testing.T) {
	seeds, first, until := uint64(shortRun), uint64(1), time.Time{}
	if os.Getenv(envSeeds)+os.Getenv(envSimulate) != "" {
		first = uint64(time.Now().UnixNano()) % 1e9
	}
	number := func(name string, n *uint64) {
		if text := os.Getenv(name); text != "" {
			var err error
			if *n, err = strconv.ParseUint(text, 10, 64); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	number(envSeeds, &seeds)
	number(envSeed, &first)
	if text := os.Getenv(envSimulate); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", envSimulate, err)
		}
		seeds, until = 1e9, time.Now().Add(d)
	}
	inMemory(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // there is more memory than time
	var sum simulated
	for seed := first; seed < first+seeds && (until.IsZero() || time.Now().Before(until)); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("make simulate SEED=%d SEEDS=1 plays this plan again:\n%s", seed, newPlan(seed))
				}
			}()
			one := simulate(t, seed)
			fmt.Printf("seed %d: %s\n", seed, one) // while it runs, not after all
			sum.add(one)
		})
	}
	fmt.Printf("%d seeds from %d: %s; faults: %v\n", sum.seeds, first, sum, sum.faults)
	if sum.undecided > 2+sum.histories/20 {
		t.Errorf("%d of %d histories were not decided", sum.undecided, sum.histories)
	}
}

// inMemory has data folders in memory, where there is such a place: kill -9 spares what was
// written, so nothing is learned from waiting for a disk.
func inMemory(t *testing.T) {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", shm)
	}
}

// simulated is what came of some seeds.
type simulated struct {
	seeds                int
	virtual, wall        time.Duration
	answered, unknown    int64
	sights, reads        int // of blocking queries, of the catalog
	histories, undecided int
	shape                string
	faults               map[string]int
}

func (s *simulated) add(o simulated) {
	s.seeds++
	s.virtual, s.wall = s.virtual+o.virtual, s.wall+o.wall
	s.answered, s.unknown, s.sights, s.reads = s.answered+o.answered, s.unknown+o.unknown, s.sights+o.sights, s.reads+o.reads
	s.histories, s.undecided = s.histories+o.histories, s.undecided+o.undecided
	if s.faults == nil {
		s.faults = map[string]int{}
	}
	for name, n := range o.faults {
		s.faults[name] += n
	}
}

func (s simulated) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s simulated in %s: %.0fx; %d calls, %d without an outcome; %d answers to blocking queries, %d of catalog, health and DNS; %d histories, %d not decided",
		s.shape, s.virtual.Round(time.Second), s.wall.Round(10*time.Millisecond), s.virtual.Seconds()/s.wall.Seconds(), s.answered, s.unknown, s.sights, s.reads, s.histories, s.undecided))
}

// plan is what a seed decides.
type plan struct {
	seed    uint64
	clients int
	abroad  bool
	pace    int // of who asks: 0 is a question each 50 ms, and each step halves that
	rounds  []planned
}

// planned is one round: a fault, and maybe another one while it lasts.
type planned struct {
	fault, second string // second: "" for none
	lasts, after  time.Duration
	dice          uint64 // who is hit, and how hard
}

func newPlan(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := plan{seed: seed, clients: r.IntN(4), abroad: r.IntN(3) == 0, pace: r.IntN(5)}
	if r.IntN(10) == 0 {
		p.clients = 4 + r.IntN(17)
	}
	var names []string
	for _, f := range simFaults {
		if (!f.client || p.clients > 0) && (!f.abroad || p.abroad) {
			names = append(names, f.name)
		}
	}
	for range 4 + r.IntN(5) {
		one := planned{fault: names[r.IntN(len(names))], lasts: time.Duration(200+r.IntN(20_000)) * time.Millisecond, dice: r.Uint64()}
		if r.IntN(3) == 0 {
			one.second, one.after = names[r.IntN(len(names))], time.Duration(r.Int64N(int64(one.lasts)))
		}
		if one.fault == faultReplaced || one.second == faultReplaced {
			// A disk is lost for good. With another server away, even one that will be
			// back, that may be a majority's: autopilot removes who is dead, so that
			// two of two are needed then.
			one.second = ""
		}
		p.rounds = append(p.rounds, one)
	}
	return p
}

func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d client agents, a second datacenter: %v, each client asks every %d ms\n", p.clients, p.abroad, 50<<p.pace)
	for i, r := range p.rounds {
		fmt.Fprintf(&b, "round %d: %s for %s", i, r.fault, r.lasts)
		if r.second != "" {
			fmt.Fprintf(&b, ", and after %s: %s", r.after.Round(time.Millisecond), r.second)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestASeedIsAPlan: the same seed makes the same plan, and another one another.
func TestASeedIsAPlan(t *testing.T) {
	if a, b := newPlan(7).String(), newPlan(7).String(); a != b {
		t.Errorf("one seed, two plans:\n%s%s", a, b)
	}
	if newPlan(7).String() == newPlan(8).String() {
		t.Error("two seeds, one plan")
	}
}

// simulation is a plan being played.
type simulation struct {
	testing.TB
	c     *testcluster.Cluster
	plan  plan
	begin time.Time
	ctx   context.Context // of those who watch and read

	home   []*machine // dc1: servers first
	abroad []*machine
	late   sync.WaitGroup

	groups   []*linear.Keys // of all rounds
	watch    *linear.Watch
	watchers int
	registry *linear.Registry
	faults   map[string]int
}

// simulate plays a seed, and judges what was seen.
func simulate(t *testing.T, seed uint64) simulated {
	s := &simulation{TB: t, plan: newPlan(seed), faults: map[string]int{}}
	var log tail
	opts := testcluster.Options{
		Servers: 3, Clients: s.plan.clients, Log: &log,
		Config: "raft_logstore { wal { segment_size_mb = 1 } }\nraft_snapshot_threshold = 100\nraft_snapshot_interval = \"5s\"\nraft_trailing_logs = 50\n",
	}
	shape := fmt.Sprintf("3 servers, %d clients,", s.plan.clients)
	if s.plan.abroad {
		opts.Abroad = []testcluster.Site{{Servers: 1}}
		shape = fmt.Sprintf("3 servers, %d clients, dc2,", s.plan.clients)
	}
	begin := time.Now()
	var virtual time.Duration
	testcluster.Virtual(t, opts, func(c *testcluster.Cluster) {
		s.begin, s.c = time.Now(), c
		c.Net().Seed(seed)
		s.run()
		virtual = time.Since(s.begin)
	})
	sum := simulated{virtual: virtual, shape: shape, faults: s.faults}
	s.judge(&sum) // outside the bubble, whose clock stands still while somebody computes
	sum.wall = time.Since(begin)
	if t.Failed() {
		t.Logf("the end of the log:\n%s", log.String())
	}
	return sum
}

// run is all that happens in the bubble.
func (s *simulation) run() {
	ctx, stop := context.WithCancel(context.Background())
	s.ctx = ctx
	var seers sync.WaitGroup
	defer func() {
		stop()
		for _, m := range slices.Concat(s.home, s.abroad) {
			m.die()
		}
		s.late.Wait()
		seers.Wait()
	}()
	for _, n := range append(slices.Clone(s.c.Servers()), s.c.Clients()...) {
		s.home = append(s.home, newMachine(s, n))
	}
	if s.plan.abroad {
		for _, n := range s.c.Abroad(0) {
			s.abroad = append(s.abroad, newMachine(s, n))
		}
	}
	s.waitWhole()
	s.watch, s.registry = linear.NewWatch(s.begin), linear.NewRegistry(s.begin)
	finish := s.see(&seers)
	for i, r := range s.plan.rounds {
		s.round(i, r)
		if s.Failed() {
			return
		}
	}
	for i, g := range s.groups { // later faults must not have undone anything
		s.settle(g, i, func(*machine) bool { return true })
	}
	finish()
}

// machine is an agent as its clients see it, whatever process runs there.
type machine struct {
	s      *simulation
	node   *testcluster.Node
	server bool

	mu     sync.Mutex
	lives  int
	door   *testcluster.Door // nil: nobody is there
	ctx    context.Context   // of this life
	cancel context.CancelFunc
}

func newMachine(s *simulation, n *testcluster.Node) *machine {
	m := &machine{s: s, node: n, server: n.Agent().Server() != nil}
	m.live()
	return m
}

func (m *machine) live() {
	m.mu.Lock()
	defer m.mu.Unlock()
	door := m.node.Door()
	m.lives, m.door = m.lives+1, &door
	m.ctx, m.cancel = context.WithCancel(context.Background())
}

// die has whoever waits for an answer lose its connection.
func (m *machine) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.door = nil
	m.cancel()
}

func (m *machine) kill() {
	if m.up() {
		m.die()
		m.node.Kill()
	}
}

func (m *machine) start() {
	if !m.up() {
		m.node.Start()
		m.live()
	}
}

func (m *machine) up() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.door != nil
}

// Ask makes a request of whatever process runs there.
func (m *machine) Ask(method, target, body string, patience time.Duration) linear.Answer {
	a, _ := m.ask(method, target, body, patience)
	return a
}

// ask also tells which life answered.
func (m *machine) ask(method, target, body string, patience time.Duration) (linear.Answer, int) {
	m.mu.Lock()
	door, life, lives := m.door, m.ctx, m.lives
	m.mu.Unlock()
	if door == nil {
		return linear.Answer{Unsent: true, Err: errGone}, 0
	}
	ctx, cancel := context.WithTimeout(life, patience)
	defer cancel()
	a := door.Ask(ctx, "", method, target, body)
	if err := ctx.Err(); err != nil {
		return linear.Answer{Err: err}, lives
	}
	return linear.Answer{Status: a.Status, Header: a.Header, Text: strings.TrimSpace(a.Body)}, lives
}

// dns is the machine's, nil if nobody is there.
func (m *machine) dns() *dnsserver.Server {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.door == nil {
		return nil
	}
	return m.door.DNS()
}

var errGone = errors.New("nobody is there")

// round plays faults under load, on keys of its own.
func (s *simulation) round(n int, p planned) {
	dice := rand.New(rand.NewPCG(p.dice, 0))
	var groups []*linear.Keys
	for g := range simGroups {
		groups = append(groups, linear.NewKeys(s.begin, fmt.Sprintf("sim/%d/%d/", n, g), ""))
	}
	if s.plan.abroad {
		groups = append(groups, linear.NewKeys(s.begin, fmt.Sprintf("sim/%d/there/", n), "dc2"))
	}
	s.groups = append(s.groups, groups...)
	before := s.health()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range len(groups) * simClients {
		one := &linear.Client{T: s.TB, Keys: groups[i%len(groups)], Number: i, Rand: rand.New(rand.NewPCG(dice.Uint64(), 0))}
		clients.Go(func() { s.load(one, stop) })
	}
	time.Sleep(simCalm)
	end := s.fault(p.fault, dice)
	if p.second == "" {
		time.Sleep(p.lasts)
	} else {
		time.Sleep(p.after)
		also := s.fault(p.second, dice)
		time.Sleep(p.lasts - p.after)
		also()
	}
	end()
	time.Sleep(simCalm)
	close(stop)
	clients.Wait()
	s.mend()
	s.waitWhole()
	after := s.health()
	for i, g := range groups {
		s.settle(g, i, func(m *machine) bool { return before[m] != after[m] })
	}
}

// load asks one thing after the other, each of any machine of dc1.
func (s *simulation) load(one *linear.Client, stop <-chan struct{}) {
	pace := time.NewTicker(time.Duration(50<<s.plan.pace) * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
			_, before := one.Keys.Calls()
			one.Ask(s.home[one.Rand.IntN(len(s.home))])
			if _, after := one.Keys.Calls(); after > before {
				// The orders to try grow with the calls whose outcome nobody knows.
				time.Sleep(simRest)
			}
		}
	}
}

// mend ends whatever still goes on.
func (s *simulation) mend() {
	for _, m := range slices.Concat(s.home, s.abroad) {
		m.start()
	}
	s.ways(func(_, _ *machine) bool { return true }, memnet.Way{})
}

// settle reads what is left of the keys and sessions of a group.
func (s *simulation) settle(g *linear.Keys, i int, failed func(*machine) bool) {
	one := &linear.Client{T: s.TB, Keys: g, Number: -1}
	for k := range linear.Size {
		by := s.home[(i+k)%len(s.home)]
		s.c.WaitFor("read of "+g.Path(k)+", all faults over", func() error {
			if !one.Get(by, k) {
				return fmt.Errorf("no answer from %s", by.node.Name())
			}
			return nil
		})
	}
	for i, session := range g.Sessions() {
		if session.Open() {
			s.c.WaitFor("session "+session.ID, func() error {
				return g.There(s.home[0], i+1, failed(session.Server.(*machine)))
			})
		}
	}
}

// judge holds the histories against their models.
func (s *simulation) judge(sum *simulated) {
	for _, g := range s.groups {
		answered, unknown := g.Calls()
		sum.answered, sum.unknown, sum.histories = sum.answered+answered, sum.unknown+unknown, sum.histories+1
		switch g.Check(simCheck) {
		case porcupine.Illegal:
			s.Errorf("%s: the answers fit no order of the calls; %s", g.Path(0), g.Explain(simCheck))
		case porcupine.Unknown:
			sum.undecided++
		}
		if err := g.CheckLoose(); err != nil {
			s.Errorf("%s: %v", g.Path(0), err)
		}
	}
	if s.watch == nil || s.Failed() {
		return
	}
	sum.sights, sum.reads = s.watch.Seen(), s.registry.Seen()
	if err := s.watch.Check(s.watchers); err != nil {
		s.Errorf("blocking queries: %v", err)
	}
}

// tail keeps the end of a log.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len() > 2*tailBytes {
		t.buf.Next(t.buf.Len() - tailBytes)
	}
	return t.buf.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
