package testcluster_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/linear"
)

const (
	watched    = "sim/watched"
	service    = "web"
	query      = "find" // prepared, for it
	instances  = 3
	watchWait  = 5 * time.Minute // longer than all faults: only a change ends a query
	seePace    = 500 * time.Millisecond
	criticalAt = 3 // each third version of an instance is critical
)

// see starts who writes and who looks: those who wait for a key, and those who read the
// catalog. What it returns makes the last changes, and wants everybody to see them.
func (s *simulation) see(all *sync.WaitGroup) (finish func()) {
	stopped, pausing := make(chan struct{}), sync.WaitGroup{}
	counter := &counter{s: s, dice: rand.New(rand.NewPCG(s.plan.seed, 100))}
	pausing.Go(func() { s.every(seePace, stopped, func() { counter.write() }) })
	for _, m := range s.home[:min(len(s.home), 5)] {
		for _, mode := range []string{"consistent", "", "stale"} {
			if mode == "stale" && !m.server {
				continue // who asks any server may hear of older things
			}
			n := s.watchers
			s.watchers++
			all.Go(func() { s.watchFrom(m, n, mode) })
		}
	}
	var registrars []*registrar
	for i := range instances {
		r := &registrar{s: s, name: fmt.Sprint("i", i), dice: rand.New(rand.NewPCG(s.plan.seed, uint64(i)+300))}
		registrars = append(registrars, r)
		pausing.Go(func() { s.every(2*seePace, stopped, r.write) })
		readers := rand.New(rand.NewPCG(s.plan.seed, uint64(i)+200))
		pausing.Go(func() { s.every(seePace, stopped, func() { s.readCatalog(readers) }) })
	}
	return func() {
		close(stopped)
		pausing.Wait()
		s.c.WaitFor("the last value", func() error {
			if !counter.write() {
				return fmt.Errorf("it is not known to be written")
			}
			return nil
		})
		last, begin := s.watch.Now(), time.Now()
		s.c.WaitFor("everybody to see the last value", func() error { return s.watch.Check(s.watchers) })
		if took := time.Since(begin); took > time.Second {
			s.Errorf("the value written at %s was seen by all only %s later", last, took)
		}
		for _, r := range registrars {
			s.c.WaitFor("the last version", func() error {
				if r.version++; statusOf(r.version) == "critical" {
					r.version++
				}
				if !r.try(r.version) {
					return fmt.Errorf("it is not known to be registered")
				}
				return nil
			})
		}
		s.wantInDNS(registrars)
	}
}

// every does something again and again, until it is stopped or the simulation is over.
func (s *simulation) every(pace time.Duration, stop <-chan struct{}, do func()) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-s.ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// counter counts the watched key up, by compare-and-set: a write whose outcome was not told
// is looked up, and tried again if it was not done, so that there is one order of values.
type counter struct {
	s     *simulation
	dice  *rand.Rand
	index uint64 // the key's
	value int    // written or to be written
	done  bool   // it is known to be written
}

// write writes the next value, or goes on with the one whose outcome is not known.
func (c *counter) write() bool {
	m := c.s.home[c.dice.IntN(len(c.s.home))]
	if c.value == 0 || c.done {
		c.value, c.done = c.s.watch.Ask(), false
	}
	m.Ask(http.MethodPut, fmt.Sprintf("/v1/kv/%s?cas=%d", watched, c.index), strconv.Itoa(c.value), 2*time.Second)
	call := c.s.watch.Now()
	a, life := m.ask(http.MethodGet, "/v1/kv/"+watched+"?consistent", "", 2*time.Second)
	sight, ok := c.s.sight(a)
	if !ok {
		return false
	}
	sight.Watcher, sight.Life, sight.Call, sight.Return, sight.Strict = -1, life+1000*c.s.number(m), call, c.s.watch.Now(), true
	c.s.watch.See(sight)
	c.index, c.done = sight.Modify, sight.Value == c.value
	return c.done
}

func (s *simulation) number(m *machine) int {
	for i, one := range s.home {
		if one == m {
			return i
		}
	}
	return -1
}

// sight reads an answer about the watched key; false if there was none.
func (s *simulation) sight(a linear.Answer) (sight linear.Sight, ok bool) {
	if a.Err != nil || a.Status != http.StatusOK && a.Status != http.StatusNotFound {
		return sight, false
	}
	sight.Index, _ = strconv.ParseUint(a.Header.Get("X-Consul-Index"), 10, 64)
	if a.Status == http.StatusNotFound {
		return sight, true
	}
	var list []struct {
		Value       []byte
		ModifyIndex uint64
	}
	if err := json.Unmarshal([]byte(a.Text), &list); err != nil || len(list) != 1 {
		s.Errorf("read of %s: %q %v", watched, a.Text, err)
		return sight, false
	}
	sight.Modify = list[0].ModifyIndex
	sight.Value, _ = strconv.Atoi(string(list[0].Value))
	return sight, true
}

// watchFrom waits at one machine for changes of the key, again and again.
func (s *simulation) watchFrom(m *machine, n int, mode string) {
	given := uint64(0)
	for s.ctx.Err() == nil {
		call := s.watch.Now()
		a, life := m.ask(http.MethodGet, fmt.Sprintf("/v1/kv/%s?index=%d&wait=%s&%s", watched, given, watchWait, mode), "", watchWait+time.Minute)
		sight, ok := s.sight(a)
		if !ok {
			given = 0
			time.Sleep(seePace / 5)
			continue
		}
		if mode == "stale" {
			sight.Life = life
		}
		sight.Watcher, sight.Call, sight.Return, sight.Given, sight.Wait, sight.Strict = n, call, s.watch.Now(), given, watchWait, mode != "stale"
		s.watch.See(sight)
		if given = sight.Index; given == 0 {
			time.Sleep(seePace / 5)
		}
	}
}

// registrar registers one instance, one version after the other: its port.
type registrar struct {
	s       *simulation
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
	m := r.s.home[r.dice.IntN(len(r.s.home))]
	target, body := "/v1/catalog/deregister", fmt.Sprintf(`{"Node":"n-%s","ServiceID":%q}`, r.name, r.name)
	if version > 0 {
		target, body = "/v1/catalog/register", fmt.Sprintf(`{"Node":"n-%s","Address":"10.9.0.1","Service":{"ID":%q,"Service":%q,"Port":%d},"Check":{"CheckID":"c-%s","Name":"c","Status":%q,"ServiceID":%q}}`,
			r.name, r.name, service, version, r.name, statusOf(version), r.name)
	}
	done := r.s.registry.Ask(r.name, version)
	if a := m.Ask(http.MethodPut, target, body, 2*time.Second); a.Err == nil && a.Status == http.StatusOK {
		done()
		return true
	}
	return false
}

func statusOf(version int) string {
	if version%criticalAt == 0 {
		return "critical"
	}
	return "passing"
}

// readCatalog reads at some machine in some way.
func (s *simulation) readCatalog(dice *rand.Rand) {
	m := s.home[dice.IntN(len(s.home))]
	switch call := s.registry.Now(); dice.IntN(7) {
	case 0:
		s.readHealth(m, "?consistent", call, true)
	case 1:
		s.readHealth(m, "", call, false)
	case 2:
		s.readHealth(m, "?stale&passing", call, false)
	case 3:
		s.readHealth(m, "?cached&passing", call, false)
	case 4:
		if versions, err := s.askDNS(m, service+".service.consul."); err == nil {
			s.wantOfHistory(versions, call, false, "DNS")
		}
	case 5:
		if versions, err := s.askDNS(m, query+".query.consul."); err == nil {
			s.wantOfHistory(versions, call, false, "DNS of a prepared query")
		}
	case 6:
		s.execute(m, call)
	}
}

// execute has a machine execute the prepared query.
func (s *simulation) execute(m *machine, call time.Duration) {
	a := m.Ask(http.MethodGet, "/v1/query/"+query+"/execute", "", 2*time.Second)
	if a.Err != nil || a.Status != http.StatusOK {
		return
	}
	var found struct {
		Nodes []struct {
			Service struct {
				ID   string
				Port int
			}
		}
	}
	if err := json.Unmarshal([]byte(a.Text), &found); err != nil {
		s.Errorf("prepared query: %q %v", a.Text, err)
		return
	}
	versions := map[string]int{}
	for _, one := range found.Nodes {
		versions[one.Service.ID] = one.Service.Port
	}
	s.wantPassing(versions, "prepared query")
	s.wantOfHistory(versions, call, false, "prepared query")
}

func (s *simulation) readHealth(m *machine, query string, call time.Duration, strict bool) {
	a := m.Ask(http.MethodGet, "/v1/health/service/"+service+query, "", 2*time.Second)
	if a.Err != nil || a.Status != http.StatusOK {
		return
	}
	var list []struct {
		Service struct {
			ID   string
			Port int
		}
		Checks []struct{ Status string }
	}
	if err := json.Unmarshal([]byte(a.Text), &list); err != nil {
		s.Errorf("health %s: %q %v", query, a.Text, err)
		return
	}
	versions := map[string]int{}
	for _, one := range list {
		versions[one.Service.ID] = one.Service.Port
		if want := statusOf(one.Service.Port); len(one.Checks) != 1 || one.Checks[0].Status != want {
			s.Errorf("health %s: %s has %+v in version %d, want %s", query, one.Service.ID, one.Checks, one.Service.Port, want)
		}
	}
	if strings.Contains(query, "passing") {
		s.wantPassing(versions, "health "+query)
	}
	s.wantOfHistory(versions, call, strict, "health "+query)
}

func (s *simulation) wantPassing(versions map[string]int, what string) {
	for name, version := range versions {
		if statusOf(version) != "passing" {
			s.Errorf("%s shows %s in version %d, which is critical", what, name, version)
		}
	}
}

func (s *simulation) wantOfHistory(versions map[string]int, call time.Duration, strict bool, what string) {
	if err := s.registry.See(versions, call, strict); err != nil {
		s.Errorf("%s: %v", what, err)
	}
}

// askDNS asks a machine for the service's addresses and ports. Which instance an answer is of
// its target tells, the node's name.
func (s *simulation) askDNS(m *machine, name string) (map[string]int, error) {
	server := m.dns()
	if server == nil {
		return nil, errGone
	}
	var q dns.Msg
	q.SetQuestion(name, dns.TypeSRV)
	query, err := q.Pack()
	if err != nil {
		return nil, err
	}
	var reply dns.Msg
	if err := reply.Unpack(server.Answer(s.ctx, nil, query, netip.MustParseAddrPort("127.0.0.1:5353"), true)); err != nil {
		return nil, err
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("%s", dns.RcodeToString[reply.Rcode])
	}
	versions := map[string]int{}
	for _, rr := range reply.Answer {
		if srv, ok := rr.(*dns.SRV); ok {
			versions[strings.TrimPrefix(strings.SplitN(srv.Target, ".", 2)[0], "n-")] = int(srv.Port)
		}
	}
	s.wantPassing(versions, "DNS")
	return versions, nil
}

// wantInDNS wants every machine's DNS to answer what was registered last.
func (s *simulation) wantInDNS(registrars []*registrar) {
	for _, m := range s.home {
		s.c.WaitFor("the last versions in DNS of "+m.node.Name(), func() error {
			versions, err := s.askDNS(m, service+".service.consul.")
			if err != nil {
				return err
			}
			for _, r := range registrars {
				if versions[r.name] != r.version {
					return fmt.Errorf("%v, want %s in version %d", versions, r.name, r.version)
				}
			}
			return nil
		})
	}
}
