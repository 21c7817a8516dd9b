package raftstore_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// pipes is a network inside a test, for synctest bubbles.
type pipes struct {
	mu sync.Mutex

	listeners map[string]*pipeListener
	cut       map[string]bool // addresses nobody reaches, and who reach nobody
	conns     map[string][]net.Conn
}

type pipeListener struct {
	net     *pipes
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newPipes() *pipes {
	return &pipes{listeners: map[string]*pipeListener{}, cut: map[string]bool{}, conns: map[string][]net.Conn{}}
}

func (p *pipes) listen(address string) *pipeListener {
	l := &pipeListener{net: p, address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners[address] = l
	return l
}

func (p *pipes) dialFrom(from string) func(context.Context, raftstore.Peer) (net.Conn, error) {
	return func(ctx context.Context, peer raftstore.Peer) (net.Conn, error) {
		to := peer.Address
		p.mu.Lock()
		l := p.listeners[to]
		if l == nil || p.cut[from] || p.cut[to] {
			p.mu.Unlock()
			return nil, fmt.Errorf("dial %s: no route", to)
		}
		here, there := net.Pipe()
		p.conns[from] = append(p.conns[from], here, there)
		p.conns[to] = append(p.conns[to], here, there)
		p.mu.Unlock()
		select {
		case l.conns <- there:
			return here, nil
		case <-l.closed:
		case <-ctx.Done():
		}
		_ = here.Close()
		return nil, fmt.Errorf("dial %s: refused", to)
	}
}

// isolate cuts a server off and breaks its connections.
func (p *pipes) isolate(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut[address] = true
	for _, c := range p.conns[address] {
		_ = c.Close()
	}
}

func (p *pipes) heal(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cut, address)
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: l.address} }

// virtual runs f in a bubble with count servers in memory that bootstrapped.
func virtual(t *testing.T, count int, f func(t *testing.T, net *pipes, nodes []*node)) {
	t.Helper()
	virtualWith(t, count, func(*node) {}, f)
}

// virtualWith is virtual with servers that are changed before they start.
func virtualWith(t *testing.T, count int, prepare func(*node), f func(t *testing.T, net *pipes, nodes []*node)) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		var nodes []*node
		var peers []raftstore.Peer
		for i := range count {
			n := virtualNode(network, fmt.Sprintf("s%d", i+1))
			prepare(n)
			nodes = append(nodes, n)
			peers = append(peers, raftstore.Peer{ID: n.id, Address: n.address, Voter: true})
		}
		for _, n := range nodes {
			n.start(t)
			if err := n.Bootstrap(peers); err != nil {
				t.Fatal(err)
			}
		}
		leaderOf(t, nodes)
		f(t, network, nodes)
		for _, n := range nodes {
			n.stop(t)
		}
		time.Sleep(time.Second) // raft does not wait for each of its goroutines
	})
}

func virtualNode(network *pipes, id string) *node {
	n := &node{id: id, address: id + ":8300"}
	begin := time.Now()
	n.opts = raftstore.Options{
		ID: id, Address: n.address, Clock: func() time.Duration { return time.Since(begin) },
		Listener: network.listen(n.address), Dial: network.dialFrom(n.address),
	}
	return n
}

func TestIsolatedLeaderStepsDownAndIsReplaced(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		old := leaderOf(t, nodes)
		old.apply(t, "one")
		var rest []*node
		for _, n := range nodes {
			if n != old {
				rest = append(rest, n)
			}
		}
		changed := rest[0].LeaderChanged()
		begin := time.Now()
		net.isolate(old.address)
		next := leaderOf(t, rest)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("a new leader took %v", took)
		}
		<-changed
		next.apply(t, "two")
		if err := old.VerifyLeader(t.Context()); err == nil {
			t.Error("the old leader was confirmed")
		}
		net.heal(old.address)
		leaderOf(t, nodes)
		for _, n := range nodes {
			wantEntries(t, n, "one", "two")
		}
	})
}

// TestTimeoutsFollowTheRole: a leader that was replaced is as quick to miss the next one
// as any follower, and the new one is heard as seldom as the old.
func TestTimeoutsFollowTheRole(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		for range 3 {
			leader := leaderOf(t, nodes)
			synctest.Wait()
			for _, n := range nodes {
				got, want := n.Raft().ReloadableConfig().HeartbeatTimeout.Round(time.Millisecond), 400*time.Millisecond
				if n == leader {
					want = 700 * time.Millisecond
				}
				if got != want {
					t.Errorf("%s, led by %s: heartbeat timeout %v, want %v", n.id, leader.id, got, want)
				}
			}
			must(t, leader.TransferLeadership())
			time.Sleep(time.Second)
		}
	})
}

// TestDeadLeaderIsReplacedWithinASecond: raft alone takes up to 1.2 s. It counts until the
// next write is acknowledged.
func TestDeadLeaderIsReplacedWithinASecond(t *testing.T) {
	const rounds = 50
	for _, servers := range []int{3, 5} {
		var took []time.Duration
		for range rounds {
			virtual(t, servers, func(t *testing.T, net *pipes, nodes []*node) {
				time.Sleep(time.Second)
				leader, rest := splitOff(leaderOf(t, nodes), nodes)
				begin := time.Now()
				net.isolate(leader.address)
				leaderOf(t, rest).apply(t, "next")
				took = append(took, time.Since(begin))
			})
		}
		slices.Sort(took)
		median, worst := took[rounds/2], took[rounds-1]
		t.Logf("%d servers, %d dead leaders: until the next write %v (median), %v at most", servers, rounds, median, worst)
		if median > 600*time.Millisecond || worst > time.Second {
			t.Errorf("%d servers: a leader was replaced after %v (median), %v at most", servers, median, worst)
		}
	}
}

func splitOff(one *node, all []*node) (*node, []*node) {
	return one, slices.DeleteFunc(slices.Clone(all), func(n *node) bool { return n == one })
}

// TestAFlappingLinkEndsNoTerm: a server that is cut off again and again, for longer than it
// takes to miss the leader and for shorter, asks whether it would be voted for before it
// stands. The others say no while they hear the leader, and nobody's term ends.
func TestAFlappingLinkEndsNoTerm(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		time.Sleep(time.Second)
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		term := leader.Raft().CurrentTerm()
		for i := range 60 {
			net.isolate(rest[0].address)
			time.Sleep(time.Duration(i%6+1) * 300 * time.Millisecond)
			net.heal(rest[0].address)
			time.Sleep(time.Duration(i%4+1) * 200 * time.Millisecond)
			leader.apply(t, fmt.Sprint("write ", i))
		}
		time.Sleep(5 * time.Second)
		for _, n := range nodes {
			if got := n.Raft().CurrentTerm(); got != term {
				t.Errorf("%s is in term %d, and was in %d", n.id, got, term)
			}
			if got := len(n.machine.all()); got != 60 {
				t.Errorf("%s has %d of 60 writes", n.id, got)
			}
		}
		if !leader.IsLeader() {
			t.Error("the leader leads no more")
		}
	})
}

func TestReloadChangesTheTimeouts(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		for _, n := range nodes {
			must(t, n.Reload(raftstore.Options{Multiplier: 10, SnapshotThreshold: 7, TrailingLogs: 3}))
		}
		leads := leaderOf(t, nodes)
		for _, n := range nodes {
			want := raft.ReloadableConfig{
				HeartbeatTimeout: 4 * time.Second, ElectionTimeout: 4 * time.Second,
				SnapshotThreshold: 7, SnapshotInterval: 30 * time.Second, TrailingLogs: 3,
			}
			if n == leads { // it is heard less often than those who stand in for it are patient
				want.HeartbeatTimeout, want.ElectionTimeout = 7*time.Second, 7*time.Second
			}
			if conf := n.Raft().ReloadableConfig(); conf != want {
				t.Errorf("%s: got %+v, want %+v", n.id, conf, want)
			}
		}
		if err := nodes[0].Reload(raftstore.Options{Multiplier: 11}); err == nil {
			t.Error("a multiplier of 11 was taken")
		}
		time.Sleep(10 * time.Second)
		leader := leaderOf(t, nodes)
		var rest []*node
		for _, n := range nodes {
			if n != leader {
				rest = append(rest, n)
			}
		}
		begin := time.Now()
		net.isolate(leader.address)
		leaderOf(t, rest)
		if took := time.Since(begin); took < 3*time.Second || took > 9*time.Second {
			t.Errorf("replaced after %v, want 4 s and more", took)
		}
	})
}

func TestLeadershipAlternates(t *testing.T) {
	virtual(t, 3, func(t *testing.T, _ *pipes, nodes []*node) {
		for range 4 {
			leader := leaderOf(t, nodes)
			if lead := <-leader.Leadership(); !lead {
				t.Fatal("the leader was told false first")
			}
			if err := leader.TransferLeadership(); err != nil {
				t.Fatal(err)
			}
			if lead := <-leader.Leadership(); lead {
				t.Fatal("the old leader was told true twice")
			}
		}
	})
}

func TestLeadershipGoesToTheServerNamed(t *testing.T) {
	virtual(t, 3, func(t *testing.T, _ *pipes, nodes []*node) {
		for _, heir := range nodes {
			leader := leaderOf(t, nodes)
			if leader == heir {
				continue
			}
			if err := leader.TransferLeadershipTo(string(heir.id), heir.address); err != nil {
				t.Fatal(err)
			}
			if got := leaderOf(t, nodes); got != heir {
				t.Errorf("%s leads, want %s", got.address, heir.address)
			}
		}
	})
}

// TestLostLeadershipIsUncertain isolates a leader with a write under way: it
// must not look as if it could safely be sent again.
func TestLostLeadershipIsUncertain(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		net.isolate(leader.address)
		_, _, err := leader.Apply(t.Context(), []byte("x"))
		wantUncertain(t, err)
		if err.Error() != "leadership lost while committing log" {
			t.Errorf("text %q", err)
		}
	})
}

func TestApplyGivesUpWithItsContext(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		net.isolate(leader.address)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, _, err := leader.Apply(ctx, []byte("x"))
		wantUncertain(t, err)
		if took := time.Since(begin); took != 10*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestRemovedAndAddedServers(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		gone := nodes[0]
		if gone == leader {
			gone = nodes[1]
		}
		must(t, leader.RemovePeer(gone.id))
		fresh := virtualNode(net, "s4").start(t)
		must(t, leader.AddNonvoter(fresh.id, fresh.address))
		leader.apply(t, "one")
		wantEntries(t, fresh, "one")
		peers, err := leader.Peers()
		must(t, err)
		var got []string
		for _, p := range peers {
			got = append(got, fmt.Sprint(p.ID, " ", p.Voter))
		}
		if len(got) != 3 || got[2] != "s4 false" {
			t.Errorf("peers %q", got)
		}
		if d := fresh.LastContact(); d < 0 || d > time.Second {
			t.Errorf("last contact %v", d)
		}
		fresh.stop(t)
	})
}

func TestIdleClusterKeepsItsLeader(t *testing.T) {
	virtual(t, 3, func(t *testing.T, _ *pipes, nodes []*node) {
		before := leaderOf(t, nodes).Stats()["term"]
		time.Sleep(10 * time.Minute)
		if after := leaderOf(t, nodes).Stats()["term"]; after != before {
			t.Errorf("term went from %s to %s", before, after)
		}
	})
}

// TestFollowersLearnOfCommitsAtOnce: raft alone tells them after 100 to 200 ms.
func TestFollowersLearnOfCommitsAtOnce(t *testing.T) {
	virtual(t, 3, func(t *testing.T, _ *pipes, nodes []*node) {
		leader := leaderOf(t, nodes)
		for i := range 50 {
			leader.apply(t, fmt.Sprint(i))
			committed := leader.Raft().CommitIndex()
			time.Sleep(10 * time.Millisecond)
			for _, n := range nodes {
				if got := n.Raft().AppliedIndex(); got < committed {
					t.Errorf("%s has applied %d after 10 ms, of %d", n.id, got, committed)
				}
			}
		}
	})
}

// TestAServerThatComesBackUnderLoadIsCaughtUpAtOnce: as soon as it hears the leader again the
// other follower is lost, so that all writes wait for this one, which lacks thousands.
func TestAServerThatComesBackUnderLoadIsCaughtUpAtOnce(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		time.Sleep(time.Second)
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		back, other := rest[0], rest[1]
		defer load(t, leader)()
		net.isolate(back.address)
		time.Sleep(6 * time.Second)
		net.heal(back.address)
		for back.LastContact() > 100*time.Millisecond {
			time.Sleep(time.Millisecond)
		}
		net.isolate(other.address)
		wantCaughtUp(t, leader, back)
	})
}

// load has a server write until the function that it returns is called.
func load(t *testing.T, leader *node) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				_, _, _ = leader.Apply(ctx, []byte("load")) // fails when ctx ends
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	return func() { stop(); writers.Wait() }
}

// wantCaughtUp has a leader write what it cannot without a server that lacks thousands.
func wantCaughtUp(t *testing.T, leader, needed *node) {
	t.Helper()
	lacks, begin := leader.Raft().LastIndex()-needed.Raft().LastIndex(), time.Now()
	leader.apply(t, "next")
	if took := time.Since(begin); lacks < 2000 || took > 3*time.Second {
		t.Errorf("the next write took %v, with a server that lacked %d entries; want it within 3s, with 2,000 at least", took, lacks)
	}
}

// TestAServerThatWasAwayForLongIsSentEntriesAtOnce: raft alone lets up to 10 s pass, and a
// write that needs this server waits as long.
func TestAServerThatWasAwayForLongIsSentEntriesAtOnce(t *testing.T) {
	t.Run("entries", func(t *testing.T) {
		virtual(t, 3, needsWhoWasAway)
	})
	t.Run("snapshot", func(t *testing.T) {
		virtualWith(t, 3, func(n *node) {
			n.opts.SnapshotThreshold, n.opts.SnapshotInterval, n.opts.TrailingLogs = 1, 100*time.Millisecond, 1
		}, needsWhoWasAway)
	})
}

func needsWhoWasAway(t *testing.T, net *pipes, nodes []*node) {
	leader, rest := splitOff(leaderOf(t, nodes), nodes)
	leader.apply(t, "one")
	for _, away := range []time.Duration{2 * time.Second, 17 * time.Second, 5 * time.Minute} {
		net.isolate(rest[0].address)
		leader.apply(t, fmt.Sprint("while it is away for ", away))
		time.Sleep(away)
		net.heal(rest[0].address)
		time.Sleep(500 * time.Millisecond)
		net.isolate(rest[1].address)
		begin := time.Now()
		leader.apply(t, fmt.Sprint("after ", away))
		if took := time.Since(begin); took > 500*time.Millisecond {
			t.Errorf("away for %v: the next write that needs it took %v", away, took)
		}
		net.heal(rest[1].address)
		time.Sleep(2 * time.Second)
	}
	if now := leaderOf(t, nodes); now != leader {
		t.Errorf("%s leads, no more %s", now.id, leader.id)
	}
}

// TestATransferToAServerThatIsAwayEnds: raft takes no writes before.
func TestATransferToAServerThatIsAwayEnds(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		leader.apply(t, "one")
		net.isolate(rest[0].address)
		leader.apply(t, "two")
		for _, away := range []time.Duration{0, 20 * time.Second, time.Minute} {
			time.Sleep(away)
			for range 2 {
				if err := leader.TransferLeadershipTo(rest[0].id, rest[0].address); err == nil {
					t.Fatal("a server that is away took over")
				}
			}
			begin := time.Now()
			for {
				_, _, err := leader.Apply(t.Context(), []byte("after"))
				if err == nil {
					break
				}
				if time.Since(begin) > 30*time.Second {
					t.Fatalf("away for %v: %v since two transfers, %v ago", away, err, time.Since(begin))
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	})
}

// TestALeaderThatIsReplacedWritesNothingInTheNextTerm: a heartbeat of the next leader does not
// go through raft's own goroutine, which waits meanwhile for the next command, as a leader.
// Entries of one term and index are the same for all servers.
func TestALeaderThatIsReplacedWritesNothingInTheNextTerm(t *testing.T) {
	virtual(t, 3, func(t *testing.T, net *pipes, nodes []*node) {
		old, rest := splitOff(leaderOf(t, nodes), nodes)
		old.apply(t, "one")
		time.Sleep(time.Second)
		term := old.Raft().CurrentTerm()
		for _, n := range rest { // they know nothing of the next term yet
			net.isolate(n.address)
		}
		must(t, sendAsNew(old, net, &raft.AppendEntriesRequest{Term: term + 1}))
		if _, _, err := old.Apply(t.Context(), []byte("two")); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("a write: %v", err)
		}
		if at := old.LastTerm(); at != term {
			t.Errorf("it wrote an entry in term %d, and led in term %d", at, term)
		}
		for _, n := range rest {
			net.heal(n.address)
		}
	})
}
