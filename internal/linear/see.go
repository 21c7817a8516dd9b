package linear

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Place is an agent as Seers see it, whatever process runs there.
type Place interface {
	Server
	// AskLife is Ask, and counts the processes that ran there up to the one that answered.
	AskLife(method, target, body string, patience time.Duration) (Answer, int)
	// Resolve asks its DNS server. It is an error if none answered.
	Resolve(q *dns.Msg) (*dns.Msg, error)
}

// Seers write one key and a few instances of a service at places, wait for changes of
// the key at each of them, and read the service by health, prepared query and DNS. All they
// see is held against a Watch and a Registry. Make them with NewSeers.
type Seers struct {
	t        testing.TB
	seed     uint64
	watch    *Watch
	registry *Registry
	places   []Place
	watchers []watcher
	writers  []*registrar
	counter  counter
}

const (
	watchedKey   = "seen/watched"
	service      = "web"
	queryName    = "web-query"
	instances    = 3
	watchWait    = 5 * time.Minute // longer than faults: only a change ends a query
	seePace      = 500 * time.Millisecond
	seePatience  = 2 * time.Second
	criticalEach = 3 // of so many versions of an instance one is critical
)

// watcher waits at a place, in a mode.
type watcher struct {
	place Place
	mode  string
}

// watchedPlaces bounds at how many places somebody watches.
const watchedPlaces = 6

// NewSeers has watchers at the first places, which ask consistently, by default, and at servers
// in stale mode too: a client agent may ask one that knows older things.
func NewSeers(t testing.TB, begin time.Time, seed uint64, servers, clients []Place) *Seers {
	s := &Seers{t: t, seed: seed, watch: NewWatch(begin), registry: NewRegistry(begin)}
	s.counter = counter{s: s, dice: s.dice(100)}
	add := func(p Place, modes ...string) {
		s.places = append(s.places, p)
		for _, mode := range modes {
			if len(s.places) <= watchedPlaces {
				s.watchers = append(s.watchers, watcher{p, mode})
			}
		}
	}
	for _, p := range servers {
		add(p, "consistent", "", "stale")
	}
	for _, p := range clients {
		add(p, "consistent", "")
	}
	for i := range instances {
		s.writers = append(s.writers, &registrar{s: s, name: fmt.Sprint("i", i), dice: s.dice(uint64(i) + 300)})
	}
	return s
}

func (s *Seers) dice(n uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, n)) }

// Seen is how many answers there were to blocking queries, and of catalog, health, prepared
// query and DNS.
func (s *Seers) Seen() (sights, reads int) { return s.watch.Seen(), s.registry.Seen() }

// Check holds what the watchers saw against the model.
func (s *Seers) Check() error { return s.watch.Check(len(s.watchers)) }

// Prepare makes the prepared query that the service is read by; to be tried until there is no
// error.
func (s *Seers) Prepare(p Place) error {
	a := p.Ask(http.MethodGet, "/v1/query/"+queryName+"/execute", "", seePatience)
	if a.Err != nil || a.Status == http.StatusOK {
		return a.Err
	}
	made := p.Ask(http.MethodPost, "/v1/query", fmt.Sprintf(`{"Name":%q,"Service":{"Service":%q}}`, queryName, service), seePatience)
	return fmt.Errorf("no query yet: %d %s; %d %s %w", a.Status, a.Text, made.Status, made.Text, made.Err)
}

// Start has all of them begin. Those in all go on until ctx ends. Finish ends the others,
// makes the last changes, and wants everybody to see them, within prompt if that is not 0:
// wait tries a check until it succeeds.
func (s *Seers) Start(ctx context.Context, all *sync.WaitGroup) (finish func(prompt time.Duration, wait func(what string, check func() error))) {
	stop, pausing := make(chan struct{}), sync.WaitGroup{}
	again := func(pace time.Duration, do func()) { pausing.Go(func() { every(ctx, pace, stop, do) }) }
	again(seePace, func() { s.counter.write() })
	for n, w := range s.watchers {
		all.Go(func() { s.watchFrom(ctx, n, w) })
	}
	for i, r := range s.writers {
		readers := s.dice(uint64(i) + 200)
		again(2*seePace, r.write)
		again(seePace, func() { s.read(readers) })
	}
	return func(prompt time.Duration, wait func(string, func() error)) {
		close(stop)
		pausing.Wait()
		s.finish(prompt, wait)
	}
}

func (s *Seers) finish(prompt time.Duration, wait func(string, func() error)) {
	wait("the last value", func() error {
		if !s.counter.write() {
			return errors.New("it is not known to be written")
		}
		return nil
	})
	last, begin := s.watch.Now(), time.Now()
	wait("everybody to see the last value", s.Check)
	if took := time.Since(begin); prompt > 0 && took > prompt {
		s.t.Errorf("the value written at %s was seen by all only %s later", last, took)
	}
	for _, r := range s.writers {
		wait("the last version of "+r.name, func() error {
			if r.version++; statusOf(r.version) == "critical" {
				r.version++
			}
			if !r.try(r.version) {
				return errors.New("it is not known to be registered")
			}
			return nil
		})
	}
	for n, p := range s.places {
		wait(fmt.Sprint("the last versions in DNS of place ", n), func() error { return s.wantLast(p) })
	}
}

// wantLast wants a place's DNS to answer what was registered last.
func (s *Seers) wantLast(p Place) error {
	versions, err := s.resolve(p, service+".service.consul.")
	if err != nil {
		return err
	}
	for _, r := range s.writers {
		if versions[r.name] != r.version {
			return fmt.Errorf("%v, want %s in version %d", versions, r.name, r.version)
		}
	}
	return nil
}

// every does something again and again.
func every(ctx context.Context, pace time.Duration, stop <-chan struct{}, do func()) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

func (s *Seers) any(dice *rand.Rand) Place { return s.places[dice.IntN(len(s.places))] }

// counter counts the watched key up, by compare-and-set: a write whose outcome was not told
// is looked up, and tried again if it was not done, so that there is one order of values.
type counter struct {
	s     *Seers
	dice  *rand.Rand
	index uint64 // the key's
	value int    // written or to be written
	done  bool   // it is known to be written
}

// write writes the next value, or goes on with the one whose outcome is not known.
func (c *counter) write() bool {
	n := c.dice.IntN(len(c.s.places))
	p := c.s.places[n]
	if c.value == 0 || c.done {
		c.value, c.done = c.s.watch.Ask(), false
	}
	p.Ask(http.MethodPut, fmt.Sprintf("/v1/kv/%s?cas=%d", watchedKey, c.index), strconv.Itoa(c.value), seePatience)
	call := c.s.watch.Now()
	a, life := p.AskLife(http.MethodGet, "/v1/kv/"+watchedKey+"?consistent", "", seePatience)
	sight, ok := c.s.sight(a)
	if !ok {
		return false
	}
	sight.Watcher, sight.Life, sight.Call, sight.Return, sight.Strict = -1, life+1000*n, call, c.s.watch.Now(), true
	c.s.watch.See(sight)
	c.index, c.done = sight.Modify, sight.Value == c.value
	return c.done
}

// sight reads an answer about the watched key; false if there was none.
func (s *Seers) sight(a Answer) (sight Sight, ok bool) {
	if a.Err != nil || a.Status != http.StatusOK && a.Status != http.StatusNotFound {
		return sight, false
	}
	sight.Index, _ = strconv.ParseUint(a.Header.Get("X-Consul-Index"), 10, 64)
	if a.Status == http.StatusNotFound {
		return sight, true
	}
	var list []wireEntry
	if err := json.Unmarshal([]byte(a.Text), &list); err != nil || len(list) != 1 {
		s.t.Errorf("read of %s: %q %v", watchedKey, a.Text, err)
		return sight, false
	}
	sight.Modify = list[0].ModifyIndex
	sight.Value, _ = strconv.Atoi(string(list[0].Value))
	return sight, true
}

// watchFrom waits at one place for changes of the key, again and again.
func (s *Seers) watchFrom(ctx context.Context, n int, w watcher) {
	given := uint64(0)
	for ctx.Err() == nil {
		call := s.watch.Now()
		a, life := w.place.AskLife(http.MethodGet, fmt.Sprintf("/v1/kv/%s?index=%d&wait=%s&%s", watchedKey, given, watchWait, w.mode), "", watchWait+time.Minute)
		sight, ok := s.sight(a)
		if ok {
			if w.mode == "stale" {
				sight.Life = life
			}
			sight.Watcher, sight.Call, sight.Return, sight.Given, sight.Wait, sight.Strict = n, call, s.watch.Now(), given, watchWait, w.mode != "stale"
			s.watch.See(sight)
		}
		if given = sight.Index; given == 0 {
			<-time.After(seePace / 5)
		}
	}
}

// registrar registers one instance, one version after the other: its port.
type registrar struct {
	s       *Seers
	name    string
	dice    *rand.Rand
	version int
}

func (r *registrar) write() {
	if r.dice.IntN(4) > 0 {
		r.version++
		r.try(r.version)
	} else {
		r.try(0)
	}
}

// try writes a version, 0 to take the instance out; false if nobody knows whether it is.
func (r *registrar) try(version int) bool {
	target, body := "/v1/catalog/deregister", fmt.Sprintf(`{"Node":"n-%s","ServiceID":%q}`, r.name, r.name)
	if version > 0 {
		target, body = "/v1/catalog/register", fmt.Sprintf(`{"Node":"n-%s","Address":"10.9.0.1","Service":{"ID":%q,"Service":%q,"Port":%d},"Check":{"CheckID":"c-%s","Name":"c","Status":%q,"ServiceID":%q}}`,
			r.name, r.name, service, version, r.name, statusOf(version), r.name)
	}
	done := r.s.registry.Ask(r.name, version)
	if a := r.s.any(r.dice).Ask(http.MethodPut, target, body, seePatience); a.Err == nil && a.Status == http.StatusOK {
		done()
		return true
	}
	return false
}

func statusOf(version int) string {
	if version%criticalEach == 0 {
		return "critical"
	}
	return "passing"
}

// read reads the service at some place in some way.
func (s *Seers) read(dice *rand.Rand) {
	p, call := s.any(dice), s.registry.Now()
	health, query := "/v1/health/service/"+service, "/v1/query/"+queryName+"/execute"
	switch dice.IntN(7) {
	case 0:
		s.readList(p, health+"?consistent", call, true, false)
	case 1:
		s.readList(p, health, call, false, false)
	case 2:
		s.readList(p, health+"?stale&passing", call, false, true)
	case 3:
		s.readList(p, health+"?cached&passing", call, false, true)
	case 4:
		s.readList(p, query, call, false, true)
	case 5:
		s.readDNS(p, service+".service.consul.", call)
	case 6:
		s.readDNS(p, queryName+".query.consul.", call)
	}
}

// instance is one as health and prepared queries show it.
type instance struct {
	Service struct {
		ID   string
		Port int
	}
	Checks []struct{ Status string }
}

func (s *Seers) readList(p Place, target string, call time.Duration, strict, passing bool) {
	a := p.Ask(http.MethodGet, target, "", seePatience)
	if a.Err != nil || a.Status != http.StatusOK {
		return
	}
	var list []instance
	var err error
	if strings.HasPrefix(a.Text, "{") { // a prepared query's answer
		var answer struct{ Nodes []instance }
		err = json.Unmarshal([]byte(a.Text), &answer)
		list = answer.Nodes
	} else {
		err = json.Unmarshal([]byte(a.Text), &list)
	}
	if err != nil {
		s.t.Errorf("%s: %q %v", target, a.Text, err)
		return
	}
	versions := map[string]int{}
	for _, one := range list {
		versions[one.Service.ID] = one.Service.Port
		if want := statusOf(one.Service.Port); len(one.Checks) != 1 || one.Checks[0].Status != want {
			s.t.Errorf("%s: %s has %+v in version %d, want %s", target, one.Service.ID, one.Checks, one.Service.Port, want)
		}
	}
	s.see(target, versions, call, strict, passing)
}

func (s *Seers) readDNS(p Place, name string, call time.Duration) {
	if versions, err := s.resolve(p, name); err == nil {
		s.see("DNS of "+name, versions, call, false, true)
	}
}

// see holds what was read against the model.
func (s *Seers) see(what string, versions map[string]int, call time.Duration, strict, passing bool) {
	for name, version := range versions {
		if passing && statusOf(version) != "passing" {
			s.t.Errorf("%s shows %s in version %d, which is critical", what, name, version)
		}
	}
	if err := s.registry.See(versions, call, strict); err != nil {
		s.t.Errorf("%s: %v", what, err)
	}
}

// resolve asks for a name's addresses and ports. Which instance an answer is of its target
// tells, the node's name.
func (s *Seers) resolve(p Place, name string) (map[string]int, error) {
	reply, err := p.Resolve(new(dns.Msg).SetQuestion(name, dns.TypeSRV))
	if err != nil {
		return nil, err
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return nil, errors.New(dns.RcodeToString[reply.Rcode])
	}
	versions := map[string]int{}
	for _, rr := range reply.Answer {
		if srv, ok := rr.(*dns.SRV); ok {
			versions[strings.TrimPrefix(strings.SplitN(srv.Target, ".", 2)[0], "n-")] = int(srv.Port)
		}
	}
	return versions, nil
}
