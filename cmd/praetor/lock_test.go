package main_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// newTrio starts three servers on 127.77.SUBNET.1 to .3.
func newTrio(t *testing.T, subnet int) []*node {
	t.Helper()
	args := []string{"-server", "-bootstrap-expect=3"}
	for i := 1; i <= 3; i++ {
		args = append(args, fmt.Sprintf("-retry-join=127.77.%d.%d", subnet, i))
	}
	var trio []*node
	for i := 1; i <= 3; i++ {
		trio = append(trio, newNode(t, fmt.Sprintf("s%d", i), fmt.Sprintf("127.77.%d.%d", subnet, i), args...))
	}
	for _, n := range trio {
		n.start()
	}
	for _, n := range trio {
		waitFor(t, "own node", 30*time.Second, func() error { return wantSerfHealth(n, n.name, "passing") })
	}
	return trio
}

// clientOf is the client that people really use, at one agent.
func clientOf(t *testing.T, n *node) *api.Client {
	t.Helper()
	// Connections of its own: those of an agent that was killed go with it.
	cl, err := api.NewClient(&api.Config{Address: n.ip + ":8500", Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// holdable is a Lock or a Semaphore.
type holdable struct {
	take func(stop <-chan struct{}) (<-chan struct{}, error) // the channel closes when it is lost
	give func() error
}

// Patience of a holder that hears no leader: longer than it takes to get a new
// one, shorter than the lock-delay that keeps others out.
const (
	monitorRetries = 20
	monitorPause   = 200 * time.Millisecond
	patientDelay   = 10 * time.Second
)

func lockAt(t *testing.T, n *node, key string, delay time.Duration) holdable {
	t.Helper()
	l, err := clientOf(t, n).LockOpts(&api.LockOptions{
		Key: key, SessionTTL: "10s", LockDelay: delay, LockWaitTime: 2 * time.Second,
		MonitorRetries: monitorRetries, MonitorRetryTime: monitorPause,
	})
	if err != nil {
		t.Fatal(err)
	}
	return holdable{l.Lock, l.Unlock}
}

func semaphoreAt(t *testing.T, n *node, prefix string, limit int) holdable {
	t.Helper()
	s, err := clientOf(t, n).SemaphoreOpts(&api.SemaphoreOptions{
		Prefix: prefix, Limit: limit, SessionTTL: "10s", SemaphoreWaitTime: 2 * time.Second,
		MonitorRetries: monitorRetries, MonitorRetryTime: monitorPause,
	})
	if err != nil {
		t.Fatal(err)
	}
	return holdable{s.Acquire, s.Release}
}

// taken takes it, trying again when there is no leader or no agent.
func taken(t *testing.T, h holdable, stop <-chan struct{}) <-chan struct{} {
	t.Helper()
	limit := time.After(90 * time.Second)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		lost, err := h.take(stop)
		if err == nil {
			return lost // nil if stopped
		}
		select {
		case <-again.C:
		case <-stop:
			return nil
		case <-limit:
			t.Errorf("not taken in 90 s: %v", err)
			return nil
		}
	}
}

func isLost(lost <-chan struct{}) bool {
	select {
	case <-lost:
		return true
	default:
		return false
	}
}

// wantLost waits until a holder is told.
func wantLost(t *testing.T, what string, lost <-chan struct{}) {
	t.Helper()
	waitFor(t, "word that "+what+" is lost", 30*time.Second, func() error {
		if !isLost(lost) {
			return errors.New("still held")
		}
		return nil
	})
}

// failover kills the leader, waits for the next, and starts the old one again.
func failover(t *testing.T, trio []*node) {
	t.Helper()
	old := leaderOf(t, trio)
	old.kill()
	i := slices.Index(trio, old)
	rest := slices.Concat(trio[:i], trio[i+1:])
	waitFor(t, "write without the old leader", 30*time.Second, func() error { return rest[0].put("/v1/kv/failover", "x") })
	old.start()
	waitFor(t, "HTTP at the old leader", 30*time.Second, old.hasLeader)
}

func TestTheRealClientsLocksSurviveTheLossOfTheLeader(t *testing.T) {
	t.Parallel()
	trio := newTrio(t, 41)
	t.Run("a lock that is held stays held", func(t *testing.T) {
		leader := leaderOf(t, trio)
		holder := trio[(slices.Index(trio, leader)+1)%3]
		other := trio[(slices.Index(trio, leader)+2)%3]
		mine, yours := lockAt(t, holder, "held/lock", patientDelay), lockAt(t, other, "held/lock", patientDelay)
		slot, third := semaphoreAt(t, holder, "held/semaphore", 1), semaphoreAt(t, other, "held/semaphore", 1)
		lost, slotLost := taken(t, mine, nil), taken(t, slot, nil)
		got := make(chan string, 2)
		var waiting sync.WaitGroup
		waiting.Go(func() { taken(t, yours, nil); got <- "lock" })
		waiting.Go(func() { taken(t, third, nil); got <- "semaphore" })
		failover(t, trio)
		select {
		case what := <-got:
			t.Errorf("another got the %s while it was held", what)
		default:
		}
		if isLost(lost) || isLost(slotLost) {
			t.Errorf("lost with the leader: lock %v, semaphore %v", isLost(lost), isLost(slotLost))
		}
		for what, give := range map[string]func() error{"lock": mine.give, "semaphore": slot.give} {
			if err := give(); err != nil {
				t.Errorf("give back the %s: %v", what, err)
			}
		}
		waiting.Wait()
		for what, give := range map[string]func() error{"lock": yours.give, "semaphore": third.give} {
			if err := give(); err != nil {
				t.Errorf("give back the %s the second time: %v", what, err)
			}
		}
	})
	t.Run("a lock has one holder", func(t *testing.T) {
		c := contest{T: t, trio: trio, limit: 1, counter: "contest/count"}
		c.run(func(n *node) holdable { return lockAt(t, n, "contest/lock", patientDelay) })
	})
	t.Run("a semaphore has no more holders than its limit", func(t *testing.T) {
		c := contest{T: t, trio: trio, limit: 2}
		c.run(func(n *node) holdable { return semaphoreAt(t, n, "contest/semaphore", 2) })
	})
}

// contest has many want the same thing again and again, while the leader is lost.
type contest struct {
	*testing.T
	trio    []*node
	limit   int64
	counter string // a key that holders count up by reading and writing it; "" for none

	inside, most  atomic.Int64 // holders now, and at most at one time
	turns, unsure atomic.Int64 // unsure: lost before it was known whether it counted
}

const (
	contenders = 6
	contestLen = 6 // turns of each
)

func (c *contest) run(prepare func(*node) holdable) {
	var work sync.WaitGroup
	for i := range contenders {
		n := c.trio[i%len(c.trio)]
		h := prepare(n)
		work.Go(func() {
			for range contestLen {
				c.turn(n, h)
			}
		})
	}
	waitFor(c.T, "first turns", 60*time.Second, func() error {
		if n := c.turns.Load(); n < contenders {
			return fmt.Errorf("%d turns", n)
		}
		return nil
	})
	failover(c.T, c.trio)
	work.Wait()
	if most := c.most.Load(); most > c.limit {
		c.Errorf("%d held at one time, want at most %d", most, c.limit)
	}
	if c.counter == "" {
		return
	}
	turns, unsure := int(c.turns.Load()), int(c.unsure.Load())
	if got, err := count(c.trio[0], c.counter); err != nil || got < turns || got > turns+unsure {
		c.Errorf("counted up to %d (%v) in %d turns and %d unsure ones: two held the lock at one time", got, err, turns, unsure)
	}
}

// turn takes the thing, does something with it, and gives it back.
func (c *contest) turn(n *node, h holdable) {
	lost := taken(c.T, h, nil)
	if lost == nil {
		return
	}
	now := c.inside.Add(1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.counter == "" || c.countUp(n, lost) {
		c.turns.Add(1)
	}
	c.inside.Add(-1)
	_ = h.give() // what cannot be given back ends with its session
}

// countUp adds one to the counter; false if the lock was lost before.
func (c *contest) countUp(n *node, lost <-chan struct{}) bool {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	next := -1
	for !isLost(lost) {
		if next < 0 {
			if was, err := count(n, c.counter); err == nil {
				next = was + 1
			}
		}
		// The same value again does no harm while the lock is held.
		if next >= 0 && n.put("/v1/kv/"+c.counter, strconv.Itoa(next)) == nil {
			return true
		}
		<-again.C
	}
	c.unsure.Add(1)
	return false
}

func count(n *node, key string) (int, error) {
	status, text, err := n.request("GET", "/v1/kv/"+key+"?raw&consistent", "")
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusNotFound:
		return 0, nil
	case status != http.StatusOK:
		return 0, fmt.Errorf("%d %s", status, text)
	}
	return strconv.Atoi(text)
}

// TestTheRealClientsLocksAreLostWithTheirSession ends sessions under their
// holders: they are told, and others get what they held, a lock not before its
// lock-delay is over.
func TestTheRealClientsLocksAreLostWithTheirSession(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	server := newNode(t, "server", "127.77.42.1", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, server.hasLeader)
	client := newNode(t, "client", "127.77.42.2", "-retry-join=127.77.42.1").start()
	waitFor(t, "client in the catalog", 30*time.Second, func() error { return wantSerfHealth(server, "client", "passing") })
	for _, row := range []struct {
		name  string
		limit int
		make  func(n *node) holdable
		delay time.Duration
	}{
		{"lock", 1, func(n *node) holdable { return lockAt(t, n, "lost/lock", delay) }, delay},
		{"semaphore", 2, func(n *node) holdable { return semaphoreAt(t, n, "lost/semaphore", 2) }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			lost := taken(t, row.make(client), nil)
			if row.limit == 2 { // the other place is taken
				second := row.make(server)
				taken(t, second, nil)
				defer func() { _ = second.give() }()
			}
			next := row.make(server)
			got := make(chan (<-chan struct{}), 1)
			go func() { got <- taken(t, next, nil) }() // received below

			began := time.Now()
			endSessionsOf(t, server, "client")
			wantLost(t, "the "+row.name, lost)
			nextLost := <-got
			if took := time.Since(began); took < row.delay {
				t.Errorf("another got it after %s, with a lock-delay of %s", took, row.delay)
			}
			if nextLost == nil || isLost(nextLost) {
				t.Errorf("the next holder lost the %s at once", row.name)
			}
			if err := next.give(); err != nil {
				t.Errorf("give it back: %v", err)
			}
		})
	}
	t.Run("lock of an agent that dies", func(t *testing.T) {
		taken(t, lockAt(t, client, "lost/dies", delay), nil)
		next := lockAt(t, server, "lost/dies", delay)
		client.kill()
		if lost := taken(t, next, nil); lost == nil || isLost(lost) {
			t.Error("nobody got the lock of the dead agent")
		}
		if err := wantSerfHealth(server, "client", "critical"); err != nil {
			t.Errorf("the lock was given to another while its holder's agent was not known to be dead: %v", err)
		}
	})
}

// endSessionsOf ends all sessions of a node.
func endSessionsOf(t *testing.T, n *node, of string) {
	t.Helper()
	var sessions []struct{ ID string }
	if err := n.get("/v1/session/node/"+of+"?consistent", &sessions); err != nil {
		t.Fatal(err)
	}
	if len(sessions) == 0 {
		t.Fatalf("%s has no session", of)
	}
	for _, s := range sessions {
		if err := n.put("/v1/session/destroy/"+s.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
}
