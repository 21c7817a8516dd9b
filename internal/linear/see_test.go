package linear

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// TestSeersFindTheFaultsOfAPlace: what they write and read is enough to tell an agent that
// keeps its word from one that breaks one rule.
func TestSeersFindTheFaultsOfAPlace(t *testing.T) {
	for _, row := range []struct{ fault, want string }{
		{"", ""},
		{"a change is told before its time", "grow together"},
		{"changes are not told", "everybody to see the last value"},
		{"an old value comes back", ": after {"}, // lost, or an index went back: as the watcher asked that met it
		{"instances stay that were taken out", "/v1/health/service/web?consistent: "},
		{"health shows who is critical as passing", "?cached&passing shows i"},
		{"a prepared query shows who is critical", "/v1/query/web-query/execute shows i"},
		{"DNS shows who is critical", "DNS of web.service.consul. shows i"},
		{"DNS stays as it was", "the last versions in DNS"},
		{"a check is not what was registered", "want "},
	} {
		t.Run(row.fault, func(t *testing.T) {
			var said []string
			synctest.Test(t, func(t *testing.T) { said = lookAt(t, &market{fault: row.fault}) })
			all := strings.Join(said, "\n")
			if (row.want == "") != (all == "") || !strings.Contains(all, row.want) {
				t.Errorf("want %q, got:\n%s", row.want, all)
			}
		})
	}
}

// lookAt has a place seen for a while, and returns what was complained of.
func lookAt(t *testing.T, m *market) (said []string) {
	m.index, m.changed, m.ports = 1, make(chan struct{}), map[string]int{}
	teller := &telling{TB: t}
	s := NewSeers(teller, time.Now(), 7, []Place{m}, []Place{m})
	for range 2 {
		if err := s.Prepare(m); (err == nil) != m.prepared {
			t.Errorf("prepared %v: %v", m.prepared, err)
		}
		m.prepared = true
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	finish := s.Start(ctx, &all)
	time.Sleep(time.Minute)
	finish(0, func(what string, check func() error) {
		err := check()
		for i := 0; err != nil && i < 60; i++ {
			time.Sleep(time.Second)
			err = check()
		}
		if err != nil {
			teller.Errorf("no %s: %v", what, err)
		}
	})
	if sights, reads := s.Seen(); sights < 100 || reads < 100 {
		t.Errorf("%d answers to blocking queries, %d reads in a minute", sights, reads)
	}
	stop()
	m.change(func() { m.closed = true })
	all.Wait()
	return teller.said
}

// telling keeps what a test is told.
type telling struct {
	testing.TB

	mu   sync.Mutex
	said []string
}

func (t *telling) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

// market is a place that nothing happens to, but for a fault that a test gives it.
type market struct {
	fault    string
	prepared bool

	mu      sync.Mutex
	index   uint64
	written []uint64       // the index of each value of the watched key, from 1
	again   bool           // an old value came back
	ports   map[string]int // of the instances, 0 for one that is out
	changed chan struct{}  // closed at each change
	closed  bool
}

func (m *market) change(how func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.index++
	how()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *market) Ask(method, target, body string, patience time.Duration) Answer {
	a, _ := m.AskLife(method, target, body, patience)
	return a
}

func (m *market) AskLife(method, target, body string, patience time.Duration) (Answer, int) {
	path, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query)
	switch {
	case path == "/v1/kv/"+watchedKey && method == http.MethodPut:
		m.change(func() {
			value, modify := m.last()
			if values.Get("cas") == fmt.Sprint(modify) && body == strconv.Itoa(value+1) {
				m.written = append(m.written, m.index)
			}
		})
	case path == "/v1/kv/"+watchedKey:
		return m.watch(values, patience), 1
	case path == "/v1/catalog/register":
		var r struct{ Service struct{ ID, Port any } }
		_ = json.Unmarshal([]byte(body), &r)
		m.change(func() { m.ports[r.Service.ID.(string)] = int(r.Service.Port.(float64)) })
	case path == "/v1/catalog/deregister":
		var r struct{ ServiceID string }
		_ = json.Unmarshal([]byte(body), &r)
		if m.fault != "instances stay that were taken out" {
			m.change(func() { m.ports[r.ServiceID] = 0 })
		}
	case path == "/v1/health/service/"+service:
		all := !values.Has("passing") || m.fault == "health shows who is critical as passing"
		return m.list("%s", all), 1
	case path == "/v1/query/"+queryName+"/execute" && m.prepared:
		return m.list(`{"Nodes":%s}`, m.fault == "a prepared query shows who is critical"), 1
	case path == "/v1/query/"+queryName+"/execute":
		return Answer{Status: http.StatusNotFound}, 1
	}
	return Answer{Status: http.StatusOK, Text: "true"}, 1
}

// last is the watched key: 0 and 0 for none.
func (m *market) last() (value int, modify uint64) {
	if value = len(m.written); value > 0 {
		modify = m.written[value-1]
	}
	return value, modify
}

func (m *market) watch(values url.Values, patience time.Duration) Answer {
	given, _ := strconv.ParseUint(values.Get("index"), 10, 64)
	for {
		m.mu.Lock()
		value, modify := m.last()
		changed, closed := m.changed, m.closed
		tenth := given > 0 && value > 0 && value%10 == 0
		again := m.fault == "an old value comes back" && tenth && !m.again
		if again {
			m.again, value, modify = true, value-3, m.written[value-4]
		}
		m.mu.Unlock()
		switch {
		case closed:
			return Answer{Err: context.Canceled}
		case modify == 0 && given == 0:
			return Answer{Status: http.StatusNotFound, Header: http.Header{"X-Consul-Index": {"1"}}}
		case given == 0, modify > given && m.fault != "changes are not told", again:
			if m.fault == "a change is told before its time" && tenth {
				value--
			}
			return Answer{
				Status: http.StatusOK, Header: http.Header{"X-Consul-Index": {fmt.Sprint(modify)}},
				Text: marshal([]wireEntry{{Key: watchedKey, Value: []byte(strconv.Itoa(value)), ModifyIndex: modify}}),
			}
		}
		select {
		case <-changed:
		case <-time.After(patience):
			return Answer{Err: context.DeadlineExceeded}
		}
	}
}

func marshal(v any) string {
	text, _ := json.Marshal(v) // texts and numbers
	return string(text)
}

func (m *market) list(form string, all bool) Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []instance{}
	for id, port := range m.ports {
		if port == 0 || !all && statusOf(port) != "passing" {
			continue
		}
		var one instance
		one.Service.ID, one.Service.Port = id, port
		status := statusOf(port)
		if m.fault == "a check is not what was registered" {
			status = "warning"
		}
		one.Checks = []struct{ Status string }{{status}}
		list = append(list, one)
	}
	return Answer{Status: http.StatusOK, Text: fmt.Sprintf(form, marshal(list))}
}

func (m *market) Resolve(q *dns.Msg) (*dns.Msg, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	reply := new(dns.Msg).SetReply(q)
	for id, port := range m.ports {
		if port == 0 || m.fault == "DNS stays as it was" || statusOf(port) != "passing" && m.fault != "DNS shows who is critical" {
			continue
		}
		reply.Answer = append(reply.Answer, &dns.SRV{Hdr: dns.RR_Header{Rrtype: dns.TypeSRV}, Port: uint16(port), Target: "n-" + id + ".node.dc1.consul."})
	}
	return reply, nil
}
