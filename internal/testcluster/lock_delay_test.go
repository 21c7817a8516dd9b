package testcluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

// delayed is a key whose next holder waits for its lock-delay.
type delayed struct {
	t     *testing.T
	c     *testcluster.Cluster
	delay time.Duration
	ended time.Time // when the session of the first holder ended
	heir  string    // the session that wants the lock
}

func createSession(t *testing.T, by *testcluster.Node, s catalog.Session) string {
	t.Helper()
	if s.Node == "" {
		s.Node = by.Name()
	}
	made, err := ops.SessionCreate.Call(context.Background(), by.Agent().Router(), &ops.SessionCreateRequest{Session: s})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func destroySession(t *testing.T, by *testcluster.Node, id string) {
	t.Helper()
	if _, err := ops.SessionDestroy.Call(context.Background(), by.Agent().Router(), &ops.SessionDestroyRequest{ID: id}); err != nil {
		t.Fatal(err)
	}
}

func tryLock(by *testcluster.Node, session string) error {
	rep, err := ops.KVApply.Call(context.Background(), by.Agent().Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "lock", Session: session}},
	})
	if err == nil && !rep.Done {
		err = fmt.Errorf("the lock was refused")
	}
	return err
}

// hold gives the lock to a session of the first holder.
func hold(t *testing.T, by *testcluster.Node, s catalog.Session) string {
	t.Helper()
	id := createSession(t, by, s)
	if err := tryLock(by, id); err != nil {
		t.Fatal(err)
	}
	return id
}

// wantDelayed wants the lock to be refused until the delay is over, as by sees it.
func (d *delayed) wantDelayed(by func() *testcluster.Node) {
	d.t.Helper()
	d.c.WaitFor("the lock", func() error { return tryLock(by(), d.heir) })
	if took := time.Since(d.ended); took < d.delay-time.Second || took > d.delay+2*time.Second {
		d.t.Errorf("locked again after %s, want %s", took, d.delay)
	}
}

// follower is a running server that does not lead.
func follower(c *testcluster.Cluster) *testcluster.Node {
	leader := c.Leader()
	for _, n := range c.Servers() {
		if n != leader && n.Agent() != nil {
			return n
		}
	}
	return nil
}

func transfer(t *testing.T, c *testcluster.Cluster, to *testcluster.Node) {
	t.Helper()
	c.WaitFor("leadership of "+to.Name(), func() error {
		leader := c.Leader()
		if leader == to {
			return nil
		}
		_, err := ops.OperatorTransferLeader.Call(context.Background(), leader.Agent().Router(), &ops.OperatorTransferLeaderRequest{ID: to.Agent().ID()})
		if err == nil {
			err = fmt.Errorf("%s does not lead", to.Name())
		}
		return err
	})
}

// Whoever leads next knows how long a key may not be locked: the holder whose
// session ended may have been cut off together with the old leader.
func TestLockDelayOutlivesTheLeader(t *testing.T) {
	const delay = 20 * time.Second
	end := func(change func(*delayed)) func(*testing.T) {
		return func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
				by := follower(c)
				d := &delayed{t: t, c: c, delay: delay, heir: createSession(t, by, catalog.Session{})}
				id := hold(t, by, catalog.Session{LockDelay: delay})
				destroySession(t, by, id)
				d.ended = time.Now()
				change(d)
			})
		}
	}
	leader := func(d *delayed) func() *testcluster.Node { return func() *testcluster.Node { return d.c.Leader() } }
	t.Run("transferred", end(func(d *delayed) {
		transfer(t, d.c, follower(d.c))
		d.wantDelayed(leader(d))
	}))
	t.Run("killed", end(func(d *delayed) {
		old := d.c.Leader()
		old.Crash()
		d.wantDelayed(leader(d))
		old.Start()
	}))
	t.Run("cut off", end(func(d *delayed) {
		d.c.Cut(d.c.Leader())
		d.wantDelayed(leader(d))
	}))
	t.Run("twice", end(func(d *delayed) {
		transfer(t, d.c, follower(d.c))
		pass(5 * time.Second)
		transfer(t, d.c, follower(d.c))
		d.wantDelayed(leader(d))
	}))
	t.Run("over before", end(func(d *delayed) {
		pass(delay)
		transfer(t, d.c, follower(d.c))
		d.wantDelayed(leader(d))
	}))
}

func TestLockDelayOfADeadNodeOutlivesTheLeaderThatDiedWithIt(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		owner := c.Clients()[0]
		c.WaitFor("health of "+owner.Name(), func() error { return wantHealth(c, owner.Name(), "passing") })
		by := follower(c)
		d := &delayed{t: t, c: c, delay: 10 * time.Second, heir: createSession(t, by, catalog.Session{NodeChecks: []string{}})}
		id := hold(t, owner, catalog.Session{LockDelay: d.delay, NodeChecks: []string{"serfHealth"}})
		old := c.Leader()
		owner.Crash()
		old.Crash()
		c.WaitFor("the end of the session", func() error { return wantSession(client(t, by), id, false) })
		d.ended = time.Now()
		transfer(t, c, follower(c))
		d.wantDelayed(func() *testcluster.Node { return c.Leader() })
		old.Start()
		owner.Start()
	})
}

func TestLockDelayOfAnExpiredSessionOutlivesTheLeader(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		by := follower(c)
		d := &delayed{t: t, c: c, delay: 15 * time.Second, heir: createSession(t, by, catalog.Session{})}
		id := hold(t, by, catalog.Session{LockDelay: d.delay, TTL: "10s"})
		c.WaitFor("the end of the session", func() error { return wantSession(client(t, by), id, false) })
		d.ended = time.Now()
		old := c.Leader()
		old.Crash()
		d.wantDelayed(func() *testcluster.Node { return c.Leader() })
		old.Start()
	})
}

// The log, read again at the start, does not begin a delay anew: what is left
// of it counts from when the session ended.
func TestLockDelayIsNotBegunAnewByARestart(t *testing.T) {
	for _, down := range []time.Duration{time.Second, 30 * time.Second} {
		t.Run(down.String(), func(t *testing.T) {
			testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
				by := follower(c)
				d := &delayed{t: t, c: c, delay: 15 * time.Second, heir: createSession(t, by, catalog.Session{NodeChecks: []string{}})}
				id := hold(t, by, catalog.Session{LockDelay: d.delay, NodeChecks: []string{}})
				destroySession(t, by, id)
				d.ended = time.Now()
				for _, n := range c.Servers() {
					n.Crash()
				}
				pass(down)
				for _, n := range c.Servers() {
					n.Start()
				}
				c.Leader()
				if down > d.delay {
					if err := tryLock(c.Leader(), d.heir); err != nil {
						t.Errorf("after the delay: %v", err)
					}
					return
				}
				d.wantDelayed(func() *testcluster.Node { return c.Leader() })
			})
		})
	}
}

// A server that was away when the session ended delays from when it learned of
// that: never shorter than asked, and no longer than one more delay.
func TestLockDelayIsKeptByALeaderThatLagged(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		by, lagging := c.Leader(), follower(c)
		d := &delayed{t: t, c: c, delay: 15 * time.Second, heir: createSession(t, by, catalog.Session{NodeChecks: []string{}})}
		id := hold(t, by, catalog.Session{LockDelay: d.delay, NodeChecks: []string{}})
		c.Cut(lagging)
		destroySession(t, by, id)
		d.ended = time.Now()
		pass(2 * time.Second)
		c.Heal(lagging)
		transfer(t, c, lagging)
		d.c.WaitFor("the lock", func() error { return tryLock(c.Leader(), d.heir) })
		if took := time.Since(d.ended); took < d.delay-time.Second || took > d.delay+5*time.Second {
			t.Errorf("locked again after %s, want 15 to 20 s", took)
		}
	})
}
