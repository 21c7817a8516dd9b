package testcluster_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/testcluster"
)

// wantSession wants a session to be there or not, as a node sees it.
func wantSession(cl *api.Client, id string, want bool) error {
	s, _, err := cl.Session().Info(id, nil)
	switch {
	case err != nil:
		return err
	case (s != nil) != want:
		return fmt.Errorf("session %s is there: %v", id, s != nil)
	}
	return nil
}

func TestTheClientUsesSessions(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		n := c.Clients()[0]
		c.WaitFor("the client's health", func() error { return wantHealth(c, n.Name(), "passing") })
		cl, sessions := client(t, n), client(t, n).Session()
		plain, _, err := sessions.Create(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		full, _, err := sessions.Create(&api.SessionEntry{
			Name: "full", Behavior: api.SessionBehaviorDelete, TTL: "20s", LockDelay: time.Second,
			NodeChecks: []string{"serfHealth"}, ServiceChecks: []api.ServiceCheck{},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		bare, _, err := sessions.CreateNoChecks(&api.SessionEntry{Name: "bare", Node: c.Servers()[0].Name()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		one, meta, err := sessions.Info(full, nil)
		if err != nil || one == nil || one.Name != "full" || one.Node != n.Name() || one.LockDelay != time.Second || one.TTL != "20s" || one.Behavior != "delete" || len(one.NodeChecks) != 1 {
			t.Errorf("info: %+v, %v", one, err)
		}
		if meta.LastIndex == 0 || !meta.KnownLeader {
			t.Errorf("info says of itself %+v", meta)
		}
		if one, _, err = sessions.Info(plain, nil); err != nil || one.LockDelay != 15*time.Second || len(one.NodeChecks) != 1 || one.NodeChecks[0] != "serfHealth" {
			t.Errorf("defaults: %+v, %v", one, err)
		}
		if one, _, err = sessions.Info(bare, nil); err != nil || len(one.NodeChecks) != 0 || one.Node != "server-1" {
			t.Errorf("no checks: %+v, %v", one, err)
		}
		if list, _, err := sessions.Node(n.Name(), nil); err != nil || len(list) != 2 {
			t.Errorf("of the node: %v, %v; want two", list, err)
		}
		if list, _, err := sessions.List(&api.QueryOptions{AllowStale: true}); err != nil || len(list) != 3 {
			t.Errorf("list: %v, %v; want three", list, err)
		}
		if renewed, _, err := sessions.Renew(full, nil); err != nil || renewed == nil || renewed.ID != full {
			t.Errorf("renew: %+v, %v", renewed, err)
		}
		if renewed, _, err := sessions.Renew("nothing", nil); err != nil || renewed != nil {
			t.Errorf("renew what is not there: %+v, %v; want nothing", renewed, err)
		}
		pair := &api.KVPair{Key: "k", Value: []byte("v"), Session: full}
		if done, _, err := cl.KV().Acquire(pair, nil); err != nil || !done {
			t.Errorf("acquire: %v, %v", done, err)
		}
		if done, _, err := cl.KV().Release(pair, nil); err != nil || !done {
			t.Errorf("release: %v, %v", done, err)
		}
		if done, _, err := cl.KV().Acquire(pair, nil); err != nil || !done {
			t.Errorf("acquire again: %v, %v", done, err)
		}
		// Renewing keeps it for many TTLs; then it goes, and its key with it.
		stop, renewing := make(chan struct{}), make(chan error, 1)
		go func() { renewing <- sessions.RenewPeriodic("20s", full, nil, stop) }() // waited for below
		pass(5 * time.Minute)
		if err := wantSession(cl, full, true); err != nil {
			t.Error(err)
		}
		close(stop)
		if err := <-renewing; err != nil {
			t.Errorf("renewing: %v", err)
		}
		c.WaitFor("its end", func() error { return wantSession(cl, full, false) })
		if pair, _, err := cl.KV().Get("k", nil); err != nil || pair != nil {
			t.Errorf("its key: %+v, %v; want none", pair, err)
		}
		for range 2 {
			if _, err := sessions.Destroy(plain, nil); err != nil {
				t.Errorf("destroy: %v", err)
			}
		}
	})
}

// Many clients take turns with a lock and never hold it together, though leaders
// change and one of the holders dies.
func TestLockHasOneHolderAtATime(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 3}, func(c *testcluster.Cluster) {
		for _, n := range c.Clients() {
			c.WaitFor("health of "+n.Name(), func() error { return wantHealth(c, n.Name(), "passing") })
		}
		const rounds = 4
		var held holders
		var workers sync.WaitGroup
		for _, n := range c.Clients() {
			for range 2 {
				cl := client(t, n)
				workers.Go(func() {
					for range rounds {
						lock, err := cl.LockOpts(&api.LockOptions{
							Key: "turn", SessionTTL: "15s", MonitorRetries: 20, MonitorRetryTime: time.Second,
							SessionOpts: &api.SessionEntry{TTL: "15s", LockDelay: time.Second, NodeChecks: []string{"serfHealth"}, Behavior: "release"},
						})
						if err != nil {
							t.Error(err)
							return
						}
						held.take(t, lock)
					}
				})
			}
		}
		finished := make(chan struct{})
		go func() { // ends with the workers, who are waited for below
			workers.Wait()
			close(finished)
		}()
		old := c.Leader()
		old.Crash()
		c.Leader()
		old.Start()
		<-finished
		if want := rounds * 2 * len(c.Clients()); held.turns < want {
			t.Errorf("%d turns, want %d", held.turns, want)
		}
	})
}

// holders counts who holds a lock.
type holders struct {
	mu    sync.Mutex
	now   int
	most  int
	turns int
}

// take locks, holds for a while and unlocks, trying again where leaders changed.
func (h *holders) take(t *testing.T, lock *api.Lock) {
	for tries := 0; ; tries++ {
		lost, err := lock.Lock(nil)
		if err == nil && lost != nil {
			h.hold(t, lost, 1)
			if err = lock.Unlock(); err == nil || errors.Is(err, api.ErrLockNotHeld) {
				return
			}
		}
		if tries == 60 {
			t.Errorf("no lock: %v", err)
			return
		}
		<-time.After(time.Second)
	}
}

// hold is one turn of at most so many at once.
func (h *holders) hold(t *testing.T, lost <-chan struct{}, most int) {
	h.mu.Lock()
	h.now++
	h.turns++
	h.most = max(h.most, h.now)
	if h.now > most {
		t.Errorf("%d hold it at once, want at most %d", h.now, most)
	}
	h.mu.Unlock()
	select {
	case <-lost:
	case <-time.After(300 * time.Millisecond):
	}
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
}

func TestSemaphoreHasAsManyHoldersAsItAllows(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 2}, func(c *testcluster.Cluster) {
		for _, n := range c.Clients() {
			c.WaitFor("health of "+n.Name(), func() error { return wantHealth(c, n.Name(), "passing") })
		}
		var held holders
		var workers sync.WaitGroup
		for _, n := range c.Clients() {
			for range 3 {
				cl := client(t, n)
				workers.Go(func() {
					for range 3 {
						s, err := cl.SemaphoreOpts(&api.SemaphoreOptions{Prefix: "few", Limit: 2, SessionTTL: "15s"})
						if err != nil {
							t.Error(err)
							return
						}
						lost, err := s.Acquire(nil)
						if err != nil {
							t.Error(err)
							return
						}
						held.hold(t, lost, 2)
						if err := s.Release(); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		workers.Wait()
		if held.turns != 18 || held.most != 2 {
			t.Errorf("%d turns, at most %d at once; want 18 and 2", held.turns, held.most)
		}
	})
}

// A lock goes over to another client when its holder's node dies, but not before
// the lock-delay is over.
func TestLockOfADeadNodeIsFreedAfterItsDelay(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2}, func(c *testcluster.Cluster) {
		owner, heir := c.Clients()[0], client(t, c.Clients()[1])
		for _, n := range c.Clients() {
			c.WaitFor("health of "+n.Name(), func() error { return wantHealth(c, n.Name(), "passing") })
		}
		id, _, err := client(t, owner).Session().Create(&api.SessionEntry{LockDelay: 10 * time.Second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if done, _, err := client(t, owner).KV().Acquire(&api.KVPair{Key: "k", Session: id}, nil); err != nil || !done {
			t.Fatalf("acquire: %v, %v", done, err)
		}
		mine, _, err := heir.Session().Create(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		owner.Crash()
		c.WaitFor("the end of the session", func() error { return wantSession(heir, id, false) })
		ended := time.Now()
		c.WaitFor("the lock", func() error {
			done, _, err := heir.KV().Acquire(&api.KVPair{Key: "k", Session: mine}, nil)
			if err != nil || !done {
				return fmt.Errorf("%v, %v", done, err)
			}
			return nil
		})
		if took := time.Since(ended); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("locked again after %s, want 10 s", took)
		}
		owner.Start()
	})
}

func TestSessionSurvivesAChangeOfLeaders(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		first := c.Leader()
		stays := c.Servers()[0]
		if stays == first {
			stays = c.Servers()[1]
		}
		cl := client(t, stays)
		id, _, err := cl.Session().Create(&api.SessionEntry{TTL: "30s"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if done, _, err := cl.KV().Acquire(&api.KVPair{Key: "k", Session: id}, nil); err != nil || !done {
			t.Fatalf("acquire: %v, %v", done, err)
		}
		pass(50 * time.Second)
		first.Crash()
		c.Leader()
		pass(50 * time.Second)
		if err := wantSession(cl, id, true); err != nil {
			t.Error(err)
		}
		if s, _, err := cl.Session().Renew(id, nil); err != nil || s == nil {
			t.Errorf("renew under the new leader: %+v, %v", s, err)
		}
		pass(50 * time.Second)
		if pair, _, err := cl.KV().Get("k", nil); err != nil || pair == nil || pair.Session != id {
			t.Errorf("its key: %+v, %v; want it held", pair, err)
		}
		c.WaitFor("its end", func() error { return wantSession(cl, id, false) })
		first.Start()
	})
}
