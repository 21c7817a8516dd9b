package raftstore_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// TestNonvotersDoNotConfirmALeader leaves a leader with a server that has no
// vote: the others may have made another leader.
func TestNonvotersDoNotConfirmALeader(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		for _, n := range nodes {
			if n == leader {
				continue
			}
			must(t, leader.RemovePeer(n.id))
			must(t, leader.AddNonvoter(n.id, n.address))
			break
		}
		must(t, leader.VerifyLeader(t.Context()))
		peers, err := leader.Peers()
		must(t, err)
		for _, p := range peers {
			if p.Voter && p.ID != leader.id {
				net.isolate(p.Address)
			}
		}
		if err := leader.VerifyLeader(t.Context()); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("a leader without its only other voter was confirmed: %v", err)
		}
	})
}

// TestOldAnswersDoNotConfirmALeader keeps the answers to heartbeats from a
// leader, lets nothing more of it out, and only then asks it: what comes in
// afterwards was said before. So it is with a process that was stopped for a
// while, with its answers waiting in the sockets.
func TestOldAnswersDoNotConfirmALeader(t *testing.T) {
	valves := map[string]*valve{}
	prepare := func(n *node) {
		v := &valve{open: make(chan struct{})}
		close(v.open)
		valves[n.id] = v
		n.opts.Dial = v.around(n.opts.Dial)
	}
	virtualWith(t, 3, prepare, func(t *testing.T, _ *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		must(t, leader.VerifyLeader(t.Context()))
		v := valves[leader.id]
		v.hold()
		time.Sleep(100 * time.Millisecond) // a heartbeat, and shorter than the lease
		v.drop()
		done := make(chan error)
		go func() { done <- leader.VerifyLeader(t.Context()) }() // received below
		synctest.Wait()
		v.release()
		if err := <-done; fault.KindOf(err) != fault.NoLeader {
			t.Errorf("a leader that nobody heard was confirmed: %v", err)
		}
		v.undrop()
	})
}

// TestLeaderIsConfirmedByAnyQuorum kills one follower, whichever.
func TestLeaderIsConfirmedByAnyQuorum(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		for _, n := range nodes {
			leader := leaderOf(t, nodes)
			if n == leader {
				continue
			}
			must(t, leader.VerifyLeader(t.Context()))
			net.isolate(n.address)
			for range 3 {
				begin := time.Now()
				must(t, leader.VerifyLeader(t.Context()))
				if took := time.Since(begin); took > 100*time.Millisecond {
					t.Errorf("confirmed after %v", took)
				}
			}
			net.heal(n.address)
			time.Sleep(time.Second)
		}
	})
}

// valve is on all connections that a server makes.
type valve struct {
	mu   sync.Mutex
	open chan struct{} // closed: what was received may be read
	shut bool          // what is sent is lost
}

func (v *valve) hold() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = make(chan struct{})
}

func (v *valve) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.open)
}

func (v *valve) drop()   { v.setShut(true) }
func (v *valve) undrop() { v.setShut(false) }

func (v *valve) setShut(shut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = shut
}

func (v *valve) state() (open <-chan struct{}, shut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open, v.shut
}

func (v *valve) around(dial func(context.Context, raftstore.Peer) (net.Conn, error)) func(context.Context, raftstore.Peer) (net.Conn, error) {
	return func(ctx context.Context, to raftstore.Peer) (net.Conn, error) {
		c, err := dial(ctx, to)
		if err != nil {
			return nil, err
		}
		return valvedConn{c, v}, nil
	}
}

type valvedConn struct {
	net.Conn
	valve *valve
}

func (c valvedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	open, _ := c.valve.state()
	<-open
	return n, err
}

func (c valvedConn) Write(b []byte) (int, error) {
	if _, shut := c.valve.state(); shut {
		return len(b), nil
	}
	return c.Conn.Write(b)
}
