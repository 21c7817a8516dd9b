package testcluster_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	shortRun = 8 // seeds of a plain go test

	simGroups  = 2
	simClients = 3           // of each group
	simCalm    = time.Second // after a fault
	simRest    = time.Second // after an answer that did not come
	// simCheck is far more than the check of most histories takes.
	simCheck = 3 * time.Second
	// simStuck ends a run: time does not go on in a bubble whose goroutines wait for a mutex
	// that one of them holds asleep.
	simStuck = 3 * time.Minute
)

// TestSimulatedClustersKeepTheirPromises has seeds decide what a virtual cluster is, what
// its clients ask and what goes wrong, and holds everything they were told against models:
// keys, transactions, sessions and locks, blocking queries, catalog, health and DNS. It plays
// as many seeds at a time as there are processors.
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
	fmt.Printf("from seed %d, %d at a time\n", first, runtime.GOMAXPROCS(0))
	begin := time.Now()
	var mu sync.Mutex
	var sum simulated
	var next atomic.Uint64
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for n := next.Add(1) - 1; n < seeds && (until.IsZero() || time.Now().Before(until)); n = next.Add(1) - 1 {
				t.Run(fmt.Sprint(first+n), func(t *testing.T) {
					one := play(t, first+n)
					mu.Lock()
					defer mu.Unlock()
					fmt.Printf("seed %d: %s\n", first+n, one) // while it runs, not after all
					sum.add(one)
				})
			}
		})
	}
	players.Wait()
	sum.wall = time.Since(begin)
	fmt.Printf("%d seeds from %d: %s; faults: %v\n", sum.seeds, first, sum, sum.faults)
	if sum.undecided > 2+sum.histories/20 {
		t.Errorf("%d of %d histories were not decided", sum.undecided, sum.histories)
	}
}

// play plays a seed, and tells how to play it again should it fail.
func play(t *testing.T, seed uint64) simulated {
	again := fmt.Sprintf("make simulate SEED=%d SEEDS=1 plays this plan again:\n%s", seed, newPlan(seed))
	defer func() {
		if t.Failed() {
			t.Log(again)
		}
	}()
	defer time.AfterFunc(simStuck, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d is not over after %s; %s", seed, simStuck, again))
	}).Stop()
	return simulate(t, seed)
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
	judged               time.Duration // of wall, or of all processors: checking histories
	played               time.Duration // the rest
	answered, unknown    int64
	sights, reads        int // of blocking queries, of the catalog
	histories, undecided int
	shape                string
	faults               map[string]int
}

func (s *simulated) add(o simulated) {
	s.seeds++
	s.virtual, s.judged, s.played = s.virtual+o.virtual, s.judged+o.judged, s.played+o.played
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
	return strings.TrimSpace(fmt.Sprintf("%s %s simulated in %s: %.0fx; %.0f%% of it is checking; %d calls, %d without an outcome; %d answers to blocking queries, %d of catalog, health and DNS; %d histories, %d not decided",
		s.shape, s.virtual.Round(time.Second), s.wall.Round(10*time.Millisecond), s.virtual.Seconds()/s.wall.Seconds(), 100*s.judged.Seconds()/(s.judged+s.played).Seconds(), s.answered, s.unknown, s.sights, s.reads, s.histories, s.undecided))
}

// plan is what a seed decides.
type plan struct {
	seed    uint64
	clients int
	abroad  bool
	fourth  string // server, "" for none
	pace    int    // of who asks: 0 is a question each 50 ms, and each step halves that
	rounds  []planned
}

// What a fourth server may be.
const (
	fourthReplica = "a read replica"
	fourthGuest   = "one that comes and goes"
)

// planned is one round: a fault, and maybe others while it lasts.
type planned struct {
	fault       string
	calm, lasts time.Duration // before it, and from its begin
	also        []also        // in order
	dice        uint64        // who is hit, and how hard
}

// also is a fault that begins after another one.
type also struct {
	fault string
	after time.Duration
}

// newPlan draws a plan. Most are short and dense, since that is what finds most in a time;
// some go on until gossip and autopilot have given up on who is away.
func newPlan(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := plan{seed: seed, clients: r.IntN(3), abroad: r.IntN(3) == 0, pace: r.IntN(5)}
	if r.IntN(12) == 0 {
		p.clients = 3 + r.IntN(18)
	}
	switch r.IntN(6) {
	case 0:
		p.fourth = fourthReplica
	case 1:
		p.fourth = fourthGuest
	}
	var names, any []string // any: that may come with others
	for _, f := range simFaults {
		if f.client && p.clients == 0 || f.abroad && !p.abroad || f.name == faultGuest && p.fourth != fourthGuest {
			continue
		}
		times := 1
		if f.abroad {
			times = 3 // two plans of three have no second datacenter
		}
		for range times {
			if names = append(names, f.name); !f.alone {
				any = append(any, f.name)
			}
		}
	}
	rounds, longest, more := 1+r.IntN(2), 4*time.Second, 3
	if r.IntN(14) == 0 {
		rounds, longest, more = 3+r.IntN(5), 20*time.Second, 2
	}
	for i := range rounds {
		one := planned{
			fault: names[r.IntN(len(names))], calm: time.Duration(r.Int64N(int64(time.Second))), lasts: 200*time.Millisecond + time.Duration(r.Int64N(int64(longest))), dice: r.Uint64(),
		}
		if i == 0 && p.fourth == fourthGuest {
			one.fault = faultGuest
		}
		if slices.Contains(any, one.fault) {
			for range r.IntN(more) {
				one.also = append(one.also, also{any[r.IntN(len(any))], time.Duration(r.Int64N(int64(one.lasts)))})
			}
			slices.SortFunc(one.also, func(a, b also) int { return cmp.Compare(a.after, b.after) })
		}
		p.rounds = append(p.rounds, one)
	}
	return p
}

func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, each client asks every %d ms\n", p.shape(), 50<<p.pace)
	for i, r := range p.rounds {
		fmt.Fprintf(&b, "round %d: after %s %s for %s", i, r.calm.Round(time.Millisecond), r.fault, r.lasts.Round(time.Millisecond))
		for _, a := range r.also {
			fmt.Fprintf(&b, ", and after %s: %s", a.after.Round(time.Millisecond), a.fault)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (p plan) shape() string {
	text := fmt.Sprintf("3 servers, %d clients", p.clients)
	if p.fourth != "" {
		text += ", a fourth server, " + p.fourth
	}
	if p.abroad {
		text += ", dc2"
	}
	return text
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

// TestPlansHaveEveryFault: a run of CI plays each fault, and every kind of cluster.
func TestPlansHaveEveryFault(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(200) {
		p := newPlan(seed)
		count[p.fourth]++
		if p.clients > 10 {
			count["many clients"]++
		}
		if len(p.rounds) > 2 {
			count["long"]++
		}
		for _, r := range p.rounds {
			count[r.fault]++
			for _, a := range r.also {
				count[a.fault]++
			}
		}
	}
	wanted := []string{"", fourthReplica, fourthGuest, "many clients", "long"}
	for _, f := range simFaults {
		wanted = append(wanted, f.name)
	}
	for _, what := range wanted {
		if count[what] < 3 {
			t.Errorf("200 plans have %q %d times", what, count[what])
		}
	}
}

// simulation is a plan being played.
type simulation struct {
	testing.TB
	c     *testcluster.Cluster
	plan  plan
	begin time.Time
	ctx   context.Context // of those who watch and read

	home    []*machine // dc1, but for a guest: servers first
	servers []*machine // of them, that vote
	clients []*machine // of them
	guest   *machine   // a fourth server, nil for none
	abroad  []*machine
	moves   int // addresses that were given
	wholes  int // see waitWhole

	groups []*linear.Keys // of all rounds
	seers  *linear.Seers
	faults map[string]int
}

// simulate plays a seed, and judges what was seen.
func simulate(t *testing.T, seed uint64) simulated {
	s := &simulation{TB: t, plan: newPlan(seed), faults: map[string]int{}}
	var log tail
	defer func() { // a fault that is fatal ends the bubble, and this
		if t.Failed() {
			t.Logf("the end of the log:\n%s", log.String())
		}
	}()
	opts := testcluster.Options{
		Servers: 3, Clients: s.plan.clients, Log: &log, Lazy: true,
		Config: smallLog + "raft_snapshot_threshold = 100\nraft_snapshot_interval = \"5s\"\nraft_trailing_logs = 50\n",
	}
	if s.plan.fourth != "" {
		opts.Servers = 4
		opts.Expect = func(i int) int { return []int{3, 3, 3, 0}[i] }
	}
	if s.plan.abroad {
		opts.Abroad = []testcluster.Site{{Servers: 1}}
	}
	begin := time.Now()
	var virtual time.Duration
	testcluster.Virtual(t, opts, func(c *testcluster.Cluster) {
		s.begin, s.c = time.Now(), c
		c.Net().Seed(seed)
		s.run()
		virtual = time.Since(s.begin)
	})
	sum := simulated{virtual: virtual, shape: s.plan.shape() + ":", faults: s.faults}
	sum.played = time.Since(begin)
	s.judge(&sum) // outside the bubble, whose clock stands still while somebody computes
	sum.wall = time.Since(begin)
	sum.judged = sum.wall - sum.played
	return sum
}

// run is all that happens in the bubble.
func (s *simulation) run() {
	ctx, stop := context.WithCancel(context.Background())
	s.ctx = ctx
	var seers sync.WaitGroup
	defer func() {
		stop()
		for _, m := range s.all() {
			m.die()
		}
		seers.Wait()
	}()
	s.open()
	s.waitWhole()
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

// open starts everybody but the guest.
func (s *simulation) open() {
	for i, n := range s.c.Servers() {
		m := &machine{s: s, node: n, server: true}
		switch {
		case i < 3:
			s.servers = append(s.servers, m)
		case s.plan.fourth == fourthGuest:
			s.guest = m
			continue
		default:
			m.replica = true
		}
		s.home = append(s.home, m)
	}
	for _, n := range s.c.Clients() {
		s.clients = append(s.clients, &machine{s: s, node: n})
	}
	s.home = append(s.home, s.clients...)
	if s.plan.abroad {
		for _, n := range s.c.Abroad(0) {
			s.abroad = append(s.abroad, &machine{s: s, node: n, server: true})
		}
	}
	for _, m := range slices.Concat(s.home, s.abroad) {
		m.start()
	}
}

// all are all machines, whether they run or not.
func (s *simulation) all() []*machine {
	all := slices.Concat(s.home, s.abroad)
	if s.guest != nil {
		all = append(all, s.guest)
	}
	return all
}

// machine is an agent as its clients see it, whatever process runs there.
type machine struct {
	s      *simulation
	node   *testcluster.Node
	server bool
	// replica: it has no vote
	replica bool

	mu     sync.Mutex
	lives  int
	door   *testcluster.Door // nil: nobody is there
	ctx    context.Context   // of this life
	cancel context.CancelFunc
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

// start gives a machine that is down a good disk, with what was on its own.
func (m *machine) start() {
	if !m.up() {
		m.node.Trouble(testcluster.Trouble{})
		m.configure()
		m.node.Start()
		m.live()
	}
}

// configure names all servers, where they are now. One that lost its disk and knew but itself
// would wait for the others to look for it, which they do seldom where they are many.
func (m *machine) configure() {
	if m.s.isAbroad(m) {
		return
	}
	var addresses []string
	for _, one := range m.s.servers {
		addresses = append(addresses, strconv.Quote(one.node.IP()))
	}
	m.node.Config = fmt.Sprintf("retry_join = [%s]\n", strings.Join(addresses, ","))
	if m.replica {
		m.node.Config += "read_replica = true\n"
	}
}

// leave takes a machine out of its cluster.
func (m *machine) leave() {
	if m.up() {
		m.die()
		if err := m.node.Leave(); err != nil {
			m.s.Logf("%s leaves: %v", m.node.Name(), err)
			m.node.Crash()
		}
	}
}

func (m *machine) up() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.door != nil
}

// Ask makes a request of whatever process runs there.
func (m *machine) Ask(method, target, body string, patience time.Duration) linear.Answer {
	a, _ := m.AskLife(method, target, body, patience)
	return a
}

// AskLife also tells which life answered.
func (m *machine) AskLife(method, target, body string, patience time.Duration) (linear.Answer, int) {
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

// must asks until the answer is 200.
func (m *machine) must(s *simulation, method, target, body string) {
	s.c.WaitFor(method+" "+target+" at "+m.node.Name(), func() error {
		if a := m.Ask(method, target, body, 5*time.Second); a.Status != http.StatusOK {
			return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
		}
		return nil
	})
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
	time.Sleep(p.calm)
	ends := []func(){s.fault(p.fault, dice)}
	began := time.Now()
	for _, a := range p.also {
		time.Sleep(a.after - time.Since(began))
		ends = append(ends, s.fault(a.fault, dice))
	}
	time.Sleep(p.lasts - time.Since(began))
	for _, end := range slices.Backward(ends) {
		end()
	}
	time.Sleep(simCalm)
	close(stop)
	clients.Wait()
	s.mend()
	s.waitWhole()
	after := s.health()
	for i, g := range groups {
		s.settle(g, i, func(m *machine) bool { return m == s.guest || before[m] != after[m] })
	}
}

// load asks one thing after the other, each of any machine of dc1.
func (s *simulation) load(one *linear.Client, stop <-chan struct{}) {
	asked := s.home
	if s.guest != nil {
		asked = append(slices.Clone(asked), s.guest)
	}
	pace := time.NewTicker(time.Duration(50<<s.plan.pace) * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
			_, before := one.Keys.Calls()
			one.Ask(asked[one.Rand.IntN(len(asked))])
			if _, after := one.Keys.Calls(); after > before {
				// The orders to try grow with the calls whose outcome nobody knows.
				time.Sleep(simRest)
			}
		}
	}
}

// mend ends whatever still goes on.
func (s *simulation) mend() {
	s.set(s.pairs(func(_, _ *machine) bool { return true }), memnet.Way{})
	for _, m := range slices.Concat(s.home, s.abroad) {
		m.start()
		m.node.Trouble(testcluster.Trouble{})
	}
	if s.guest != nil {
		s.guest.leave()
	}
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
	if s.seers == nil || s.Failed() {
		return
	}
	sum.sights, sum.reads = s.seers.Seen()
	if err := s.seers.Check(); err != nil {
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
