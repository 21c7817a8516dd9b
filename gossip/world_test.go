package gossip_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/gossip"
	"praetor/internal/memnet"
)

// pass lets virtual time go by.
func pass(d time.Duration) { time.Sleep(d) }

// virtual runs a test in a bubble and lets memberlist's last probes end there.
func virtual(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New(), members: make(map[string]*member)}
		defer time.Sleep(30 * time.Second)
		defer w.closeAll()
		test(t, w)
	})
}

type world struct {
	t       *testing.T
	net     *memnet.Network
	members map[string]*member
}

type member struct {
	*gossip.Pool
	t      *testing.T
	ip     string
	cancel context.CancelFunc
	ran    chan error

	mu     sync.Mutex
	events []gossip.Event
}

func ip(i int) string { return fmt.Sprintf("10.0.0.%d", i) }

// options places a member at 10.0.0.i.
func (w *world) options(name string, i int) gossip.Options {
	transport, err := w.net.Host(ip(i)).Gossip(8301)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.optionsAt(name, transport)
}

func (w *world) optionsAt(name string, transport memberlist.Transport) gossip.Options {
	return gossip.Options{
		Name: name, Transport: transport, BindPort: 8301,
		Tags:                  gossip.ClientTags{ID: "id-" + name, Datacenter: "dc1"}.Map(),
		EncryptVerifyIncoming: true, EncryptVerifyOutgoing: true,
		Admit: gossip.AdmitLAN(name, "dc1", "id-"+name, ""),
	}
}

func (w *world) open(i int, opts gossip.Options) *member {
	w.t.Helper()
	p, err := gossip.Open(opts)
	if err != nil {
		w.t.Fatalf("open %s: %v", opts.Name, err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	m := &member{Pool: p, t: w.t, ip: ip(i), cancel: cancel, ran: make(chan error, 1)}
	go func() { m.ran <- p.Run(ctx, m.handle) }() // close waits for it
	w.members[opts.Name] = m
	return m
}

// start opens n members m1 … mn, all joined to m1.
func (w *world) start(n int) []*member {
	w.t.Helper()
	var all []*member
	for i := 1; i <= n; i++ {
		m := w.open(i, w.options(fmt.Sprintf("m%d", i), i))
		if i > 1 {
			if _, err := m.Join([]string{ip(1)}); err != nil {
				w.t.Fatalf("join: %v", err)
			}
		}
		all = append(all, m)
	}
	for _, m := range all {
		m.waitFor(fmt.Sprintf("%d alive", n), time.Minute, func() error { return m.alive(n) })
	}
	return all
}

func (w *world) closeAll() {
	for name, m := range w.members {
		delete(w.members, name)
		m.close()
	}
}

func (m *member) close() {
	m.t.Helper()
	m.cancel()
	if err := <-m.ran; err != nil {
		m.t.Errorf("run: %v", err)
	}
	if err := m.Close(); err != nil {
		m.t.Errorf("close: %v", err)
	}
}

// crash kills a member without a word.
func (w *world) crash(name string) {
	m := w.members[name]
	delete(w.members, name)
	w.net.Crash(m.ip)
	m.close()
}

func (m *member) handle(e gossip.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
}

// saw lists event kinds about one member, in order.
func (m *member) saw(name string) (kinds []gossip.EventType) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		for _, about := range e.Members {
			if about.Name == name {
				kinds = append(kinds, e.Type)
			}
		}
	}
	return kinds
}

// users lists the user events handled, as "name=payload".
func (m *member) users() (texts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Type == gossip.User {
			texts = append(texts, e.User.Name+"="+string(e.User.Payload))
		}
	}
	return texts
}

func (m *member) find(name string) (gossip.Member, bool) {
	for _, one := range m.Members() {
		if one.Name == name {
			return one, true
		}
	}
	return gossip.Member{}, false
}

func (m *member) status(name string, want gossip.Status) error {
	one, ok := m.find(name)
	if !ok || one.Status != want {
		return fmt.Errorf("%s is %v (known: %v), want %v", name, one.Status, ok, want)
	}
	return nil
}

func (m *member) alive(want int) error {
	got := 0
	for _, one := range m.Members() {
		if one.Status == gossip.Alive {
			got++
		}
	}
	if got != want || m.NumMembers() != want {
		return fmt.Errorf("%d members alive, NumMembers %d, want %d", got, m.NumMembers(), want)
	}
	return nil
}

// waitFor polls in virtual time and returns how long it took.
func (m *member) waitFor(what string, limit time.Duration, check func() error) time.Duration {
	m.t.Helper()
	start := time.Now()
	for {
		err := check()
		if err == nil {
			synctest.Wait() // let events catch up with what Members tells
			return time.Since(start)
		}
		if time.Since(start) > limit {
			m.t.Fatalf("%s: no %s after %v: %v", m.Local().Name, what, limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (m *member) waitStatus(name string, want gossip.Status, limit time.Duration) time.Duration {
	m.t.Helper()
	return m.waitFor(name+" "+want.String(), limit, func() error { return m.status(name, want) })
}

// lockedBuffer is a log a test can read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*lockedBuffer)(nil)
