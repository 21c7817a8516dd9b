package main_test

import (
	"encoding/json"
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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
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

	// A write may hang on a server that is cut off; who gives up on it never
	// learns its outcome. A read costs nothing to wait for, and those that wait
	// at a paused server are the ones most likely to be answered with old news.
	writePatience = 2 * time.Second
	readPatience  = 6 * time.Second
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
	t.Logf("%d rounds, %d calls answered, %d with an unknown outcome", len(c.rounds), c.answered.Load(), c.unknown.Load())
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

	values   atomic.Int64 // the last one written
	answered atomic.Int64
	unknown  atomic.Int64
	http     *http.Client
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
		waitFor(c.T, "whole cluster at "+h.name, 60*time.Second, func() error {
			if status, text, err := h.request("PUT", "/v1/kv/whole", h.name); err != nil || status != http.StatusOK {
				return fmt.Errorf("write: %d %s %v", status, text, err)
			}
			var state struct {
				Healthy bool
				Servers []struct {
					Healthy bool
					Voter   bool
				}
			}
			status, text, err := h.request("GET", "/v1/operator/autopilot/health", "")
			if err == nil {
				err = json.Unmarshal([]byte(text), &state)
			}
			if err != nil || !state.Healthy || len(state.Servers) != len(c.hosts) {
				return fmt.Errorf("health: %d %s %v", status, text, err)
			}
			return nil
		})
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
		{"the leader hands over", false, 0, func(l, _ *host) { _, _, _ = l.request("PUT", "/v1/operator/raft/transfer-leader", "") }, mend},
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
			one := &chaosClient{c: c, g: r.groups[i%chaosGroups], number: 100 + i, rand: rand.New(rand.NewPCG(uint64(i), 0))}
			one.get(h, i/chaosGroups%groupKeys)
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
	groups []*keys
	late   sync.WaitGroup
}

// keys are the keys of one history.
type keys struct {
	*history
	prefix string

	mu       sync.Mutex
	sessions []sessionOf
}

// sessionOf is a session of a node. It ends when somebody ends it, or with the
// node's health.
type sessionOf struct {
	id   string // "" if it is not known to exist
	node *host
	from int64 // when it was asked for
	gone bool
}

func (k *keys) path(i int) string { return fmt.Sprintf("%s%d", k.prefix, i) }

// number names a session by its ID, 0 for none and -1 for one of nobody here.
func (k *keys) number(id string) int {
	if id == "" {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.sessions, func(s sessionOf) bool { return s.id == id })
	if i < 0 {
		return -1
	}
	return i + 1
}

// round plays one fault and checks what was seen.
func (c *chaos) round(f chaosFault) {
	c.Helper()
	n := len(c.rounds)
	r := &round{name: f.name}
	for g := range chaosGroups {
		r.groups = append(r.groups, &keys{history: &history{begin: c.begin}, prefix: fmt.Sprintf("chaos/%d/%d/", n, g)})
	}
	c.rounds = append(c.rounds, r)
	before := c.health()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range chaosGroups * chaosClients {
		one := &chaosClient{c: c, g: r.groups[i%chaosGroups], number: i, rand: rand.New(rand.NewPCG(c.rand.Uint64(), 0))}
		clients.Go(func() { one.run(stop) })
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

// settle reads what is left of the keys and sessions.
func (c *chaos) settle(g *keys, failed func(*host) bool) {
	c.Helper()
	one := &chaosClient{c: c, g: g, number: -1}
	for k := range groupKeys {
		waitFor(c.T, "read of "+g.path(k)+", all faults over", 30*time.Second, func() error {
			if !one.get(c.hosts[k%3], k) {
				return fmt.Errorf("no answer from %s", c.hosts[k%3].name)
			}
			return nil
		})
	}
	for i := range g.sessions {
		s := &g.sessions[i]
		if s.id == "" || s.gone {
			continue
		}
		var list []any
		waitFor(c.T, "session "+s.id, 30*time.Second, func() error {
			return c.hosts[0].get("/v1/session/info/"+s.id+"?consistent", &list)
		})
		if s.gone = len(list) == 0; s.gone && failed(s.node) {
			g.addEnd(i+1, s.from, g.now())
		}
	}
}

func (c *chaos) wantLinearizable(r *round) {
	c.Helper()
	for i, g := range r.groups {
		c.checked++
		switch g.check(checkLimit) {
		case porcupine.Illegal:
			c.Errorf("round with %q, group %d: the answers fit no order of the calls; %s", r.name, i, g.explain(checkLimit))
		case porcupine.Unknown:
			c.undecided++
			c.Logf("round with %q, group %d: not decided in %s", r.name, i, checkLimit)
		}
		if err := g.checkLoose(); err != nil {
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

// chaosClient asks one thing after the other, each at any server.
type chaosClient struct {
	c      *chaos
	g      *keys
	number int
	rand   *rand.Rand

	seen    [groupKeys]seenRow // read last
	session int                // 0: none
}

func (one *chaosClient) run(stop <-chan struct{}) {
	pace := time.NewTicker(chaosPace)
	defer pace.Stop()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
			one.ask(one.c.hosts[one.rand.IntN(len(one.c.hosts))])
		}
	}
}

// ask asks one thing at random.
func (one *chaosClient) ask(h *host) {
	key := one.rand.IntN(groupKeys)
	seen := one.seen[key]
	q := question{key: key, index: seen.index, seen: seen.value, session: one.session}
	switch n := one.rand.IntN(100); {
	case n < 30:
		one.get(h, key)
		return
	case n < 35:
		one.getLoosely(h, key)
		return
	case n < 45:
		q.verb = verbSet
	case n < 60:
		q.verb = verbCAS
	case n < 64:
		q.verb = verbDelete
	case n < 68:
		q.verb = verbDeleteCAS
	case n < 85:
		q.verb, q.steps = verbTxn, one.steps(q)
	case one.session == 0:
		one.newSession(h)
		return
	case n < 93:
		q.verb = verbLock
	case n < 98:
		q.verb = verbUnlock
	default:
		q.verb, one.session = verbEnd, 0
	}
	one.write(h, q)
}

// steps makes up a transaction.
func (one *chaosClient) steps(q question) []question {
	other := (q.key + 1 + one.rand.IntN(groupKeys-1)) % groupKeys
	value := func(verb verb, key int) question { return question{verb: verb, key: key, value: one.value()} }
	guard := q
	guard.verb = verbCheckIndex
	if q.index == 0 {
		guard.verb = verbCheckAbsent
	}
	switch n := one.rand.IntN(10); {
	case n < 3:
		return []question{guard, value(verbSet, q.key), value(verbSet, other)}
	case n < 5:
		return []question{value(verbSet, q.key), {verb: verbDelete, key: other}}
	case n < 6 && q.session != 0:
		lock := value(verbLock, q.key)
		lock.session = q.session
		return []question{lock, value(verbSet, other)}
	case n < 7:
		return []question{guard, {verb: verbDelete, key: other}, {verb: verbGet, key: other}}
	}
	return []question{{verb: verbGet, key: 0}, {verb: verbGet, key: 1}, {verb: verbGet, key: 2}}
}

func (one *chaosClient) value() int { return int(one.c.values.Add(1)) }

// get reads a key consistently; false if there was no answer.
func (one *chaosClient) get(h *host, key int) bool {
	call := one.g.now()
	row, ok := one.read(h, key, "?consistent")
	if !ok {
		return false
	}
	one.seen[key] = row
	one.g.add(one.number, question{verb: verbGet, key: key}, call, reply{done: true, rows: []seenRow{row}}, one.g.now())
	return true
}

// getLoosely reads in the default mode (reference/http-api.md §6): the leader answers
// by its lease, so one that was stopped and replaced may answer for a moment yet,
// with what was true.
func (one *chaosClient) getLoosely(h *host, key int) {
	if row, ok := one.read(h, key, ""); ok {
		one.g.addLoose(row)
	}
}

func (one *chaosClient) read(h *host, key int, query string) (seenRow, bool) {
	a := one.c.send(h, "GET", "/v1/kv/"+one.g.path(key)+query, "", readPatience)
	row := seenRow{key: key, hasValue: true}
	switch {
	case a.status == http.StatusOK:
		var list []wireEntry
		if err := json.Unmarshal([]byte(a.text), &list); err != nil || len(list) != 1 {
			one.c.Errorf("read of %s: %q %v", one.g.path(key), a.text, err)
			return row, false
		}
		return one.g.row(key, list[0], true), true
	case a.status != http.StatusNotFound:
		return row, false
	}
	return row, true
}

// wireEntry is a key as HTTP shows it.
type wireEntry struct {
	Key         string
	Value       []byte
	ModifyIndex uint64
	LockIndex   uint64
	Session     string
}

func (k *keys) row(key int, e wireEntry, hasValue bool) seenRow {
	row := seenRow{key: key, hasValue: hasValue, index: e.ModifyIndex, locks: e.LockIndex, session: k.number(e.Session)}
	if hasValue {
		if row.value, _ = strconv.Atoi(string(e.Value)); row.value == 0 && e.ModifyIndex != 0 {
			row.value = -1 // nobody wrote that
		}
	}
	return row
}

// write asks for a change and notes the outcome.
func (one *chaosClient) write(h *host, q question) {
	q.value = one.value()
	method, path, body := "PUT", "/v1/kv/"+one.g.path(q.key), strconv.Itoa(q.value)
	switch q.verb {
	case verbCAS:
		path += fmt.Sprintf("?cas=%d", q.index)
	case verbDelete:
		method, body = "DELETE", ""
	case verbDeleteCAS:
		method, path, body = "DELETE", path+fmt.Sprintf("?cas=%d", q.index), ""
	case verbLock:
		path += "?acquire=" + one.g.sessionID(q.session)
	case verbUnlock:
		path += "?release=" + one.g.sessionID(q.session)
	case verbEnd:
		path, body = "/v1/session/destroy/"+one.g.sessionID(q.session), ""
	case verbTxn:
		path, body = "/v1/txn", one.g.txn(q.steps)
		if q.readsOnly() {
			path += "?consistent"
		}
	}
	call := one.g.now()
	a := one.c.send(h, method, path, body, writePatience)
	ret := one.g.now()
	r, ok := one.reply(q, a)
	if !ok {
		return // certainly not done
	}
	one.g.add(one.number, q, call, r, ret)
	if r.refused {
		one.session = 0
	}
	for _, row := range r.rows {
		if row.hasValue {
			one.seen[row.key] = row
		}
	}
}

// reply reads an answer; false if it says that nothing was done.
func (one *chaosClient) reply(q question, a answer) (r reply, ok bool) {
	switch {
	case a.unsent, a.status == http.StatusInternalServerError && (a.text == "No cluster leader" || strings.HasPrefix(a.text, "cannot reach server ")):
		return r, false
	case a.err != nil || a.status == http.StatusInternalServerError && !strings.Contains(a.text, "invalid session"):
		one.c.unknown.Add(1)
		return reply{unknown: true}, true
	case q.verb == verbTxn && a.status == http.StatusOK:
		r.done = true
		r.rows = one.g.results(q.steps, a.text)
	case q.verb == verbTxn && a.status == http.StatusConflict:
	case a.status == http.StatusInternalServerError:
		r.refused = true
	case a.status == http.StatusOK && strings.TrimSpace(a.text) == "true":
		r.done = true
	case a.status == http.StatusOK && strings.TrimSpace(a.text) == "false":
	default:
		one.c.Errorf("%+v: unexpected answer %d %q", q, a.status, a.text)
		return r, false
	}
	return r, true
}

// newSession makes a session. Its number says what it does with its locks.
func (one *chaosClient) newSession(h *host) {
	number, ok := one.g.reserve()
	if !ok {
		return
	}
	behavior := "release"
	if deletesLocks(number) {
		behavior = "delete"
	}
	a := one.c.send(h, "PUT", "/v1/session/create", `{"LockDelay":"300ms","Behavior":"`+behavior+`"}`, writePatience)
	var made struct{ ID string }
	if a.status != http.StatusOK || json.Unmarshal([]byte(a.text), &made) != nil {
		return // the node may be critical
	}
	one.g.mu.Lock()
	defer one.g.mu.Unlock()
	one.g.sessions[number-1].id, one.g.sessions[number-1].node = made.ID, h
	one.session = number
}

// reserve gives out the number of a session that is to be made; the model has a
// bit for each.
func (k *keys) reserve() (number int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.sessions) == maxSessions {
		return 0, false
	}
	k.sessions = append(k.sessions, sessionOf{from: k.now()})
	return len(k.sessions), true
}

func (k *keys) sessionID(number int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sessions[number-1].id
}

// txn encodes the body of a transaction.
func (k *keys) txn(steps []question) string {
	type kv struct {
		Verb, Key string
		Value     []byte `json:",omitempty"`
		Index     uint64 `json:",omitempty"`
		Session   string `json:",omitempty"`
	}
	var ops []map[string]kv
	for _, s := range steps {
		op := kv{Verb: string(s.verb), Key: k.path(s.key), Index: s.index}
		switch s.verb {
		case verbGet:
			op.Verb = "get-or-empty"
		case verbLock:
			op.Session = k.sessionID(s.session)
		}
		if s.value != 0 {
			op.Value = []byte(strconv.Itoa(s.value))
		}
		ops = append(ops, map[string]kv{"KV": op})
	}
	text, _ := json.Marshal(ops) // strings and numbers
	return string(text)
}

// results reads what the steps of a transaction yielded.
func (k *keys) results(steps []question, text string) (rows []seenRow) {
	var body struct{ Results []struct{ KV wireEntry } }
	if json.Unmarshal([]byte(text), &body) != nil {
		return nil
	}
	for _, s := range steps {
		if s.yields() && len(rows) < len(body.Results) {
			rows = append(rows, k.row(s.key, body.Results[len(rows)].KV, s.verb == verbGet))
		}
	}
	return rows
}

// answer is what came back over HTTP.
type answer struct {
	status int
	text   string
	err    error
	unsent bool // nobody was there to hear it
}

func (c *chaos) send(h *host, method, path, body string, patience time.Duration) answer {
	req, err := http.NewRequestWithContext(c.Context(), method, "http://"+h.ip+":8500"+path, strings.NewReader(body))
	if err != nil {
		return answer{err: err, unsent: true}
	}
	client := &http.Client{Transport: c.http.Transport, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		return answer{err: err, unsent: errors.As(err, &op) && op.Op == "dial"}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil {
		c.answered.Add(1)
	}
	return answer{status: res.StatusCode, text: string(text), err: err}
}
