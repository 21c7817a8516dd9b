package main_test

import (
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
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"praetor/internal/linear"
)

// How long a chaos run takes, and its seed: `make chaos` sets them.
const (
	envChaosMinutes = "PRAETOR_CHAOS_MINUTES" // default: a few rounds, about half a minute
	envChaosSeed    = "PRAETOR_CHAOS_SEED"    // default: a new one, which is printed
)

const (
	chaosGroups  = 3
	chaosClients = 3 // for each group
	chaosPace    = 10 * time.Millisecond
	chaosCalm    = 700 * time.Millisecond // before and after a fault
	// checkLimit is far more than most checks take.
	checkLimit = 20 * time.Second
)

// TestKVIsLinearizableThroughFaults has clients read, write, lock and transact on
// three servers while the leader is killed, paused and cut off, and wants one
// order of all calls that makes every answer right: no acknowledged write is
// lost, no ?consistent read is stale, no lock has two holders.
func TestKVIsLinearizableThroughFaults(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envChaosSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", envChaosSeed, err)
		}
	}
	t.Logf("seed %d (%s=%d plays the same faults and calls again, at other moments)", seed, envChaosSeed, seed)
	c := newChaos(t, seed)
	faults := c.faults()
	c.rand.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	if text := os.Getenv(envChaosMinutes); text != "" {
		minutes, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", envChaosMinutes, err)
		}
		for end := time.Now().Add(time.Duration(minutes * float64(time.Minute))); time.Now().Before(end) && !t.Failed(); {
			c.round(faults[c.rand.IntN(len(faults))])
		}
	} else {
		for _, f := range faults {
			if f.short && !t.Failed() {
				c.round(f)
			}
		}
	}
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
	t.Logf("%d rounds, %d calls answered, %d with an unknown outcome", len(c.rounds), answered, unknown)
}

// chaos is three servers joined by wires, and what clients saw of them.
type chaos struct {
	*testing.T
	rand   *rand.Rand // of the test's own goroutine
	begin  time.Time
	wires  *wires
	hosts  []*host
	rounds []*round

	checked, undecided int // histories

	http *http.Client
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{
		T: t, rand: rand.New(rand.NewPCG(seed, 0)), begin: time.Now(),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * chaosGroups * chaosClients}},
	}
	t.Cleanup(c.http.CloseIdleConnections)
	for i := 1; i <= 3; i++ {
		advertised := fmt.Sprintf("127.77.40.%d", i)
		args := []string{"-server", "-bootstrap-expect=3", "-advertise=" + advertised, "-serf-wan-port=-1"}
		for j := 1; j <= 3; j++ {
			args = append(args, fmt.Sprintf("-retry-join=127.77.40.%d", j))
		}
		c.hosts = append(c.hosts, &host{node: newNode(t, fmt.Sprintf("s%d", i), fmt.Sprintf("127.77.40.1%d", i), args...), advertised: advertised})
	}
	c.wires = newWires(t, c.hosts...)
	for _, h := range c.hosts {
		h.start()
	}
	c.waitWhole()
	return c
}

// start runs the server, and says which process it is.
func (h *host) start() {
	h.t.Helper()
	h.node.start()
	h.process.Store(int64(h.cmd.Process.Pid))
}

// waitWhole waits until every server answers and follows the leader.
func (c *chaos) waitWhole() {
	c.Helper()
	for _, h := range c.hosts {
		waitFor(c.T, "whole cluster at "+h.name, 60*time.Second, func() error { return wantWhole(h.node, len(c.hosts)) })
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
			i := slices.IndexFunc(c.hosts, func(h *host) bool { return address == h.advertised+":8300" })
			if i < 0 || found != nil && found != c.hosts[i] {
				found = nil
				return fmt.Errorf("%s says %q leads", h.name, address)
			}
			found = c.hosts[i]
		}
		return nil
	})
	return found
}

// chaosFault is something that goes wrong, and is put right again.
type chaosFault struct {
	name  string
	short bool // part of the short run
	lasts time.Duration
	begin func(leader, other *host)
	end   func(leader, other *host)
}

func (c *chaos) faults() []chaosFault {
	kill := func(hosts ...*host) {
		for _, h := range hosts {
			h.kill()
		}
	}
	start := func(hosts ...*host) {
		for _, h := range hosts {
			h.start()
		}
	}
	pause := func(h *host) { c.signal(h, syscall.SIGSTOP) }
	mend := func(_, _ *host) { c.wires.cut() }
	storm := func(w weather) func(_, _ *host) { return func(_, _ *host) { c.wires.turn(w) } }
	leave := func(h *host) {
		if _, _, err := h.request("PUT", "/v1/agent/leave", ""); err != nil {
			c.Errorf("%s: leave: %v", h.name, err)
		}
		<-h.done
	}
	return []chaosFault{
		{"the leader is killed", true, time.Second, func(l, _ *host) { kill(l) }, func(l, _ *host) { start(l) }},
		{"the leader is paused", true, 2 * time.Second, func(l, _ *host) { pause(l) }, func(l, _ *host) { c.wake(l) }},
		{"the leader is cut off", true, 2 * time.Second, func(l, _ *host) { c.wires.isolate(l) }, mend},
		{"all are killed", true, 200 * time.Millisecond, func(_, _ *host) { kill(c.hosts...) }, func(_, _ *host) { start(c.hosts...) }},
		{"the leader is killed for long", false, 15 * time.Second, func(l, _ *host) { kill(l) }, func(l, _ *host) { start(l) }},
		{"the leader is paused for a moment", false, 300 * time.Millisecond, func(l, _ *host) { pause(l) }, func(l, _ *host) { c.wake(l) }},
		{"the leader is cut off for long", false, 15 * time.Second, func(l, _ *host) { c.wires.isolate(l) }, mend},
		{"the leader is not heard", false, 3 * time.Second, func(l, o *host) { c.silence(l) }, mend},
		{"the leader does not hear", false, 3 * time.Second, func(l, o *host) { c.deafen(l) }, mend},
		{"the leader and a follower are apart", false, 3 * time.Second, func(l, o *host) { c.wires.cut(way{l, o}, way{o, l}) }, mend},
		{"a follower is killed", false, time.Second, func(_, o *host) { kill(o) }, func(_, o *host) { start(o) }},
		{"a follower is paused", false, 3 * time.Second, func(_, o *host) { pause(o) }, func(_, o *host) { c.wake(o) }},
		{"the network is slow", false, 4 * time.Second, storm(weather{delay: 40 * time.Millisecond}), storm(weather{})},
		{"the network loses packets and confuses their order", false, 6 * time.Second, storm(weather{delay: 100 * time.Millisecond, loss: 0.2}), storm(weather{})},
		{"a follower leaves and comes back", false, time.Second, func(_, o *host) { leave(o) }, func(_, o *host) { start(o) }},
		{"the leader leaves and comes back", false, time.Second, func(l, _ *host) { leave(l) }, func(l, _ *host) { start(l) }},
		{"all are restarted, one after the other", false, 0, func(_, _ *host) {
			for _, h := range c.hosts {
				h.node.signal(syscall.SIGTERM)
				start(h)
				c.waitWhole()
			}
		}, mend},
		{"the leader hands over", false, 0, func(l, _ *host) { c.handOver(l) }, mend},
	}
}

// handOver asks the leader to; it may have lost its place meanwhile.
func (c *chaos) handOver(leader *host) {
	status, text, err := leader.request("POST", "/v1/operator/raft/transfer-leader", "")
	if err == nil && status != http.StatusOK && status != http.StatusInternalServerError {
		c.Errorf("hand over: %d %s", status, text)
	}
}

// silence and deafen cut one direction.
func (c *chaos) silence(h *host) {
	var ways []way
	for _, other := range c.hosts {
		ways = append(ways, way{h, other})
	}
	c.wires.cut(ways...)
}

func (c *chaos) deafen(h *host) {
	var ways []way
	for _, other := range c.hosts {
		ways = append(ways, way{other, h})
	}
	c.wires.cut(ways...)
}

func (c *chaos) signal(h *host, s os.Signal) {
	if err := h.cmd.Process.Signal(s); err != nil {
		c.Errorf("%s: %v", h.name, err)
	}
}

// wake ends a pause. What was asked in the meantime waits at the server, and is
// answered by one that does not know yet what it missed.
func (c *chaos) wake(h *host) {
	r := c.rounds[len(c.rounds)-1]
	var asked sync.WaitGroup
	for i := range 10 * chaosGroups {
		asked.Add(1)
		r.late.Go(func() {
			asked.Done()
			one := &linear.Client{T: c, Keys: r.groups[i%chaosGroups], Number: 100 + i}
			one.Get(seenBy{c, h}, i/chaosGroups%linear.Size)
		})
	}
	asked.Wait()
	<-time.After(50 * time.Millisecond) // on their way; only how much is tried depends on it
	c.signal(h, syscall.SIGCONT)
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
	other := c.hosts[(slices.Index(c.hosts, leader)+1+c.rand.IntN(2))%3]
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
			var checks []struct {
				CheckID, Status string
				ModifyIndex     uint64
			}
			if err := c.hosts[0].get("/v1/health/node/"+h.name+"?consistent", &checks); err != nil {
				return err
			}
			for _, check := range checks {
				if check.CheckID == "serfHealth" && check.Status == "passing" {
					changed[h] = check.ModifyIndex
					return nil
				}
			}
			return fmt.Errorf("%+v", checks)
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
			if !one.Get(seenBy{c, c.hosts[k%3]}, k) {
				return fmt.Errorf("no answer from %s", c.hosts[k%3].name)
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

// wantSameEverywhere wants every server to hold the same keys.
func (c *chaos) wantSameEverywhere() {
	c.Helper()
	if err := c.hosts[0].put("/v1/kv/end", "here"); err != nil {
		c.Fatal(err)
	}
	var first string
	for _, h := range c.hosts {
		waitFor(c.T, "last write at "+h.name, 20*time.Second, func() error {
			status, text, err := h.request("GET", "/v1/kv/end?stale&raw", "")
			if err == nil && text != "here" {
				err = fmt.Errorf("%d %q", status, text)
			}
			return err
		})
		_, text, err := h.request("GET", "/v1/kv/?recurse&stale", "")
		switch {
		case err != nil:
			c.Errorf("%s: %v", h.name, err)
		case first == "":
			first = text
		case text != first:
			c.Errorf("%s and %s differ:\n%s\n%s", c.hosts[0].name, h.name, first, text)
		}
	}
}

// seenBy is a server as the clients see it.
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
	client := &http.Client{Transport: s.c.http.Transport, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		return linear.Answer{Err: err, Unsent: errors.As(err, &op) && op.Op == "dial"}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return linear.Answer{Status: res.StatusCode, Header: res.Header, Text: string(text), Err: err}
}
