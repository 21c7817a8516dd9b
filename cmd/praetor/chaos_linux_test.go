package main_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/miekg/dns"

	"praetor/internal/linear"
)

// How long a chaos run takes, its seed, and what it plays: `make chaos` sets the first.
// With envPrevious the version before takes part too: the run begins with it.
const (
	envChaosMinutes = "PRAETOR_CHAOS_MINUTES" // default: a few rounds, about half a minute
	envChaosSeed    = "PRAETOR_CHAOS_SEED"    // default: a new one, which is printed
	envChaosFaults  = "PRAETOR_CHAOS_FAULTS"  // only faults whose name has this; default: all
	envChaosProgram = "PRAETOR_CHAOS_PROGRAM" // the program built with -tags faults: disks are slow and fail too
	envChaosWires   = "PRAETOR_CHAOS_WIRES"   // not empty: on wires, also where hosts of their own are allowed
)

// envDiskFaults names the file that says what is wrong with an agent's disk (internal/durable).
const envDiskFaults = "PRAETOR_DISK_FAULTS"

const (
	chaosServers = 3
	chaosGroups  = 3
	chaosClients = 3 // for each group
	chaosPace    = 10 * time.Millisecond
	chaosCalm    = 700 * time.Millisecond // before and after a fault
	// checkLimit is far more than most checks take.
	checkLimit = 20 * time.Second
)

// TestKVIsLinearizableThroughFaults has clients read, write, lock and transact on
// three servers and a client agent while those are killed, paused, cut off and worse, and
// wants one order of all calls that makes every answer right: no acknowledged write is
// lost, no ?consistent read is stale, no lock has two holders.
func TestKVIsLinearizableThroughFaults(t *testing.T) {
	c := newChaos(t, os.Getenv(envChaosWires) == "")
	faults := slices.DeleteFunc(c.faults(), func(f chaosFault) bool { return !strings.Contains(f.name, os.Getenv(envChaosFaults)) })
	c.rand.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	if text := os.Getenv(envChaosMinutes); text != "" {
		minutes, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", envChaosMinutes, err)
		}
		for end := c.begin.Add(time.Duration(minutes * float64(time.Minute))); time.Now().Before(end) && !t.Failed(); {
			c.round(faults[c.rand.IntN(len(faults))])
		}
	} else {
		for _, f := range faults {
			if f.short && !t.Failed() {
				c.round(f)
			}
		}
	}
	c.finish()
}

// TestKVIsLinearizableOnWires plays one fault where no hosts of their own are needed.
func TestKVIsLinearizableOnWires(t *testing.T) {
	c := newChaos(t, false)
	for _, f := range c.faults() {
		if f.name == "the leader is cut off" {
			c.round(f)
		}
	}
	c.finish()
}

// chaos is three servers and a client agent, joined by links, and what clients saw of them.
type chaos struct {
	*testing.T
	rand    *rand.Rand // of the test's own goroutine
	begin   time.Time
	links   *links
	lan     *lan // nil: the links are wires
	servers []*host
	client  *host   // a client agent
	hosts   []*host // all of these
	spare   *host   // a server that takes another one's place now and then
	program string  // that all run
	rounds  []*round
	seers   *linear.Seers
	allSeen func() // wants the seers to see all to the last

	checked, undecided int // histories
}

// chaosConfig has logs and snapshots turn over often.
const chaosConfig = `raft_logstore { wal { segment_size_mb = 1 } } raft_snapshot_threshold = 500 raft_snapshot_interval = "5s" raft_trailing_logs = 200`

// newChaos starts the agents: on hosts of their own, if wanted and where that is allowed.
func newChaos(t *testing.T, ownHosts bool) *chaos {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envChaosSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", envChaosSeed, err)
		}
	}
	t.Logf("seed %d (%s=%d plays the same faults and calls again, at other moments)", seed, envChaosSeed, seed)
	// A cluster of the version before may go to this one and back; one of this may use what that lacks.
	c := &chaos{T: t, program: cmp.Or(os.Getenv(envPrevious), os.Getenv(envChaosProgram)), rand: rand.New(rand.NewPCG(seed, 0)), begin: time.Now()}
	if ownHosts {
		c.agents(nodeAt, "10.77.40.%d", "10.77.40.%d")
		var err error
		if c.lan, err = joinLAN(t, c.links, seed); err != nil {
			t.Logf("no hosts of their own here (%v): on wires, and with fewer faults", err)
		}
	}
	if c.lan == nil {
		c.agents(newNode, "127.77.40.1%d", "127.77.40.%d")
		layWires(t, c.links)
	}
	for _, h := range c.links.hosts {
		h.client = &http.Client{Timeout: httpClient.Timeout, Transport: &http.Transport{DialContext: h.dial, MaxIdleConnsPerHost: 2 * chaosGroups * chaosClients}}
		t.Cleanup(h.client.CloseIdleConnections)
	}
	for _, h := range c.hosts {
		h.start()
	}
	c.waitWhole()
	c.see(seed)
	return c
}

// see has some wait for a key and read a service, all through the run.
func (c *chaos) see(seed uint64) {
	var servers []linear.Place
	for _, h := range c.servers {
		servers = append(servers, seenBy{c, h})
	}
	c.seers = linear.NewSeers(c, c.begin, seed, servers, []linear.Place{seenBy{c, c.client}})
	waitFor(c.T, "a prepared query", 20*time.Second, func() error { return c.seers.Prepare(servers[0]) })
	var all sync.WaitGroup
	finish := c.seers.Start(c.Context(), &all)
	c.Cleanup(all.Wait)
	c.allSeen = func() {
		finish(0, func(what string, check func() error) { waitFor(c.T, what, 60*time.Second, check) })
	}
}

// agents prepares them at addresses of a form, with another one to advertise.
func (c *chaos) agents(make func(t *testing.T, name, ip string, args ...string) *node, ip, advertised string) {
	agent := func(i int, name string, args ...string) *host {
		h := &host{advertised: fmt.Sprintf(advertised, i)}
		args = append(args, "-advertise="+h.advertised, "-hcl="+chaosConfig)
		for j := range chaosServers + 1 {
			args = append(args, "-retry-join="+fmt.Sprintf(advertised, j+1))
		}
		h.node = make(c.T, name, fmt.Sprintf(ip, i), args...)
		h.program, h.env = c.program, []string{envDiskFaults + "=" + h.diskFaults()}
		return h
	}
	c.servers = nil
	for i := range chaosServers {
		c.servers = append(c.servers, agent(i+1, fmt.Sprint("s", i+1), "-server", "-bootstrap-expect=3", "-serf-wan-port=-1"))
	}
	c.spare = agent(chaosServers+1, "spare", "-server", "-serf-wan-port=-1")
	c.client = agent(chaosServers+2, "c1")
	c.hosts = append(slices.Clone(c.servers), c.client)
	c.links = newLinks(append(slices.Clone(c.hosts), c.spare)...)
}

// finish judges what is only seen at the end.
func (c *chaos) finish() {
	c.Helper()
	c.allSeen()
	c.wantAllToLast()
	c.wantSameEverywhere()
	c.wantDecided()
	answered, unknown := int64(0), int64(0)
	for _, r := range c.rounds {
		for _, g := range r.groups {
			a, u := g.Calls()
			answered, unknown = answered+a, unknown+u
		}
	}
	sights, reads := c.seers.Seen()
	c.Logf("%d rounds; %d calls answered, %d with an unknown outcome; %d answers to blocking queries, %d of health, prepared queries and DNS", len(c.rounds), answered, unknown, sights, reads)
}

// waitWhole waits until every agent answers, and all servers follow the leader.
func (c *chaos) waitWhole() { c.Helper(); c.waitServers(chaosServers, c.hosts...) }

func (c *chaos) waitServers(n int, hosts ...*host) {
	c.Helper()
	for _, h := range hosts {
		waitFor(c.T, "whole cluster at "+h.name, 60*time.Second, func() error { return wantWhole(h.node, n) })
	}
}

// leader is the server that leads, as most say.
func (c *chaos) leader() *host {
	c.Helper()
	var found *host
	waitFor(c.T, "leader", 30*time.Second, func() error {
		for _, h := range c.hosts {
			var address string
			if err := h.get("/v1/status/leader", &address); err != nil {
				return err
			}
			i := slices.IndexFunc(c.servers, func(h *host) bool { return address == h.advertised+":8300" })
			if i < 0 || found != nil && found != c.servers[i] {
				found = nil
				return fmt.Errorf("%s says %q leads", h.name, address)
			}
			found = c.servers[i]
		}
		return nil
	})
	return found
}

// round is one fault under load, on keys of its own: a history stays short
// enough to be checked, and the calls without an outcome few.
type round struct {
	name   string
	groups []*linear.Keys
	late   sync.WaitGroup
}

// round plays one fault and checks what was seen.
func (c *chaos) round(f chaosFault) {
	c.Helper()
	n := len(c.rounds)
	r := &round{name: f.name}
	for g := range chaosGroups {
		r.groups = append(r.groups, linear.NewKeys(c.begin, fmt.Sprintf("chaos/%d/%d/", n, g), ""))
	}
	c.rounds = append(c.rounds, r)
	before := c.health()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range chaosGroups * chaosClients {
		one := &linear.Client{T: c, Keys: r.groups[i%chaosGroups], Number: i, Rand: rand.New(rand.NewPCG(c.rand.Uint64(), 0))}
		clients.Go(func() { c.load(one, stop) })
	}
	leader := c.leader()
	other := c.servers[(slices.Index(c.servers, leader)+1+c.rand.IntN(chaosServers-1))%chaosServers]
	c.Logf("%s round %d: %s (leader %s, other %s)", time.Since(c.begin).Round(time.Millisecond), n, f.name, leader.name, other.name)
	<-time.After(chaosCalm)
	f.begin(leader, other)
	<-time.After(f.lasts)
	f.end(leader, other)
	<-time.After(chaosCalm)
	close(stop)
	clients.Wait()
	r.late.Wait()
	c.waitWhole()
	after := c.health()
	for _, g := range r.groups {
		c.settle(g, func(h *host) bool { return before[h] != after[h] })
	}
	c.wantLinearizable(r)
}

// health tells for each node when its health changed last. Nothing else ends
// sessions by itself here.
func (c *chaos) health() map[*host]uint64 {
	c.Helper()
	changed := map[*host]uint64{}
	for _, h := range c.hosts {
		waitFor(c.T, "passing "+h.name, 60*time.Second, func() error {
			var checks linear.NodeChecks
			err := c.hosts[0].get("/v1/health/node/"+h.name+"?consistent", &checks)
			if err == nil {
				changed[h], err = checks.Alive()
			}
			return err
		})
	}
	return changed
}

// load asks one thing after the other, each at any server.
func (c *chaos) load(one *linear.Client, stop <-chan struct{}) {
	pace := time.NewTicker(chaosPace)
	defer pace.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
			one.Ask(seenBy{c, c.hosts[one.Rand.IntN(len(c.hosts))]})
		}
	}
}

// settle reads what is left of the keys and sessions.
func (c *chaos) settle(g *linear.Keys, failed func(*host) bool) {
	c.Helper()
	one := &linear.Client{T: c, Keys: g, Number: -1}
	for k := range linear.Size {
		waitFor(c.T, "read of "+g.Path(k)+", all faults over", 30*time.Second, func() error {
			if !one.Get(seenBy{c, c.hosts[k%len(c.hosts)]}, k) {
				return fmt.Errorf("no answer from %s", c.hosts[k%len(c.hosts)].name)
			}
			return nil
		})
	}
	for i, s := range g.Sessions() {
		if s.Open() {
			waitFor(c.T, "session "+s.ID, 30*time.Second, func() error {
				return g.There(seenBy{c, c.hosts[0]}, i+1, failed(s.Server.(seenBy).host))
			})
		}
	}
}

func (c *chaos) wantLinearizable(r *round) {
	c.Helper()
	for i, g := range r.groups {
		c.checked++
		switch g.Check(checkLimit) {
		case porcupine.Illegal:
			c.Errorf("round with %q, group %d: the answers fit no order of the calls; %s", r.name, i, g.Explain(checkLimit))
		case porcupine.Unknown:
			c.undecided++
			c.Logf("round with %q, group %d: not decided in %s", r.name, i, checkLimit)
		}
		if err := g.CheckLoose(); err != nil {
			c.Errorf("round with %q, group %d: %v", r.name, i, err)
		}
	}
}

// wantDecided allows for a few histories with so many calls of unknown outcome
// that their orders are too many to try.
func (c *chaos) wantDecided() {
	c.Helper()
	if c.undecided > c.checked/10 {
		c.Errorf("%d of %d histories were not decided", c.undecided, c.checked)
	}
}

// wantAllToLast reads the keys of all rounds again: later faults must not have
// undone anything.
func (c *chaos) wantAllToLast() {
	c.Helper()
	for _, r := range c.rounds {
		for _, g := range r.groups {
			c.settle(g, func(*host) bool { return true })
		}
		c.wantLinearizable(r)
	}
}

// wantSameEverywhere wants every server to hold the same.
func (c *chaos) wantSameEverywhere() {
	c.Helper()
	for _, target := range []string{"/v1/kv/?recurse", "/v1/session/list?", "/v1/catalog/nodes?", "/v1/health/state/any?"} {
		waitFor(c.T, "one answer to "+target+" of all servers", 20*time.Second, func() error {
			first, err := c.held(c.servers[0], target)
			for _, h := range c.servers[1:] {
				text, also := c.held(h, target)
				if err = errors.Join(err, also); err == nil && text != first {
					err = fmt.Errorf("%s and %s differ:\n%s\n%s", c.servers[0].name, h.name, first, text)
				}
			}
			return err
		})
	}
}

// held is what a server holds itself.
func (c *chaos) held(h *host, target string) (string, error) {
	status, text, err := h.request("GET", target+"&stale", "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", h.name, status, text)
	}
	return text, err
}

// seenBy is an agent as the clients see it.
type seenBy struct {
	c *chaos
	*host
}

// Ask makes a request over HTTP.
func (s seenBy) Ask(method, target, body string, patience time.Duration) linear.Answer {
	req, err := http.NewRequestWithContext(s.c.Context(), method, "http://"+s.ip+":8500"+target, strings.NewReader(body))
	if err != nil {
		return linear.Answer{Err: err, Unsent: true}
	}
	client := &http.Client{Transport: s.client.Transport, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		return linear.Answer{Err: err, Unsent: errors.As(err, &op) && op.Op == "dial"}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return linear.Answer{Status: res.StatusCode, Header: res.Header, Text: string(text), Err: err}
}

// AskLife also tells which of the agent's processes answered.
func (s seenBy) AskLife(method, target, body string, patience time.Duration) (linear.Answer, int) {
	life := s.lives.Load()
	a := s.Ask(method, target, body, patience)
	if s.lives.Load() != life {
		a.Err = errors.New("another process runs there now")
	}
	return a, int(life)
}

// Resolve asks its DNS.
func (s seenBy) Resolve(q *dns.Msg) (*dns.Msg, error) { return s.resolve("udp", q) }
