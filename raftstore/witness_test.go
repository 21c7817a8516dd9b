package raftstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// speaking makes the servers of a test say what they have seen of each other when
// they open a connection, as the handshake of port 8300 does.
type speaking struct{ nodes atomic.Pointer[[]*node] }

func (s *speaking) between(n *node) func(*raftstore.Options) {
	return func(o *raftstore.Options) {
		o.Dial = func(ctx context.Context, to raftstore.Peer) (net.Conn, error) {
			for _, other := range *s.nodes.Load() {
				if other.id != to.ID {
					continue
				}
				conn, err := dialTCP(ctx, to)
				if err != nil {
					return nil, err
				}
				us, them := n.witness.Load(), other.witness.Load()
				term, index := us.Seen(to.ID)
				them.Told(o.ID, term, index)
				term, index = them.Seen(o.ID)
				us.Told(to.ID, term, index)
				return conn, nil
			}
			return nil, net.ErrClosed
		}
	}
}

// speakingCluster is cluster, of servers that say what they have seen.
func speakingCluster(t *testing.T, count int) []*node {
	t.Helper()
	s := &speaking{}
	s.nodes.Store(&[]*node{})
	dir := t.TempDir()
	var nodes []*node
	var peers []raftstore.Peer
	for _, id := range []string{"s1", "s2", "s3", "s4", "s5"}[:count] {
		n := newNode(t, id, filepath.Join(dir, id))
		s.between(n)(&n.opts)
		nodes = append(nodes, n)
		peers = append(peers, raftstore.Peer{ID: id, Address: n.address, Voter: true})
	}
	for _, n := range nodes {
		n.newWitness()
	}
	s.nodes.Store(&nodes)
	for _, n := range nodes {
		n.start(t)
		if err := n.Bootstrap(peers); err != nil {
			t.Fatal(err)
		}
	}
	leaderOf(t, nodes)
	return nodes
}

func (n *node) newWitness() {
	n.opts.Witness = raftstore.NewWitness()
	n.witness.Store(n.opts.Witness)
}

// again starts a stopped server as a process of its own.
func (n *node) again(t *testing.T) {
	t.Helper()
	n.newWitness()
	n.start(t)
}

// replaceDir puts a copy of from in place of to.
func replaceDir(t *testing.T, to, from string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if from == "" {
		return
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// split tells the leader from the others.
func split(t *testing.T, nodes []*node) (leader *node, others []*node) {
	t.Helper()
	leader = leaderOf(t, nodes)
	for _, n := range nodes {
		if n != leader {
			others = append(others, n)
		}
	}
	return leader, others
}

// TestServerWithAnOldDiskVotesOnlyOnceItHasCaughtUp: one server and a server whose disk
// went back are no quorum, whatever the disk was before.
func TestServerWithAnOldDiskVotesOnlyOnceItHasCaughtUp(t *testing.T) {
	for name, old := range map[string]bool{"an old copy": true, "an empty folder": false} {
		t.Run(name, func(t *testing.T) {
			nodes := speakingCluster(t, 3)
			leader, others := split(t, nodes)
			back, stays := others[0], others[1]
			leader.apply(t, "one")
			waitFor(t, "one on all", func() error { return sameEntries(nodes, "one") })
			copied := ""
			if old {
				copied = filepath.Join(t.TempDir(), "copy")
				replaceDir(t, copied, back.opts.Dir) // nothing is written meanwhile
			}
			stays.stop(t)
			leader.apply(t, "two") // on leader and back
			waitFor(t, "two on both", func() error { return sameEntries([]*node{leader, back}, "one", "two") })
			back.stop(t)
			leader.stop(t)

			replaceDir(t, back.opts.Dir, copied)
			leader.again(t)
			back.again(t)
			waitFor(t, "word of what it had", func() error { return lags(back, true) })
			waitFor(t, "a candidate", func() error { return campaigns(leader) })
			leader.stop(t)
			back.stop(t)

			stays.again(t) // who has "two" is away, or has lost it
			back.again(t)
			if err := lags(back, true); err != nil {
				t.Errorf("after a restart: %v", err)
			}
			waitFor(t, "a candidate", func() error { return campaigns(stays) })
			leader.again(t)
			if l := leaderOf(t, nodes); l != leader {
				t.Fatalf("%s leads, which does not have what was acknowledged", l.id)
			}
			waitFor(t, "what it lacked", func() error { return sameEntries(nodes, "one", "two") })
			waitFor(t, "its vote", func() error { return lags(back, false) })
			stays.stop(t)
			leader.apply(t, "three") // with its help
		})
	}
}

func lags(n *node, want bool) error {
	if had, by, is := n.opts.Witness.Lags(); is != want {
		return fmt.Errorf("%s lags: %v, %v by the word of %q", n.id, is, had, by)
	}
	return nil
}

func campaigns(n *node) error {
	if state := n.Raft().State(); state != raft.Candidate {
		return fmt.Errorf("%s is %v", n.id, state)
	}
	return nil
}

func sameEntries(nodes []*node, want ...string) error {
	for _, n := range nodes {
		if got := n.machine.all(); !slices.Equal(got, want) {
			return fmt.Errorf("%s has %q, want %q", n.id, got, want)
		}
	}
	return nil
}

// TestServerVotesOnceInATermThoughItForgotThat: what it lost may be a vote.
func TestServerVotesOnceInATermThoughItForgotThat(t *testing.T) {
	nodes := speakingCluster(t, 3)
	leader, others := split(t, nodes)
	leader.apply(t, "one")
	waitFor(t, "one on all", func() error { return sameEntries(nodes, "one") })
	told := others[0]
	term := told.Raft().CurrentTerm() + 2
	told.opts.Witness.Told(others[1].id, term, 0)
	if err := lags(told, true); err != nil {
		t.Fatal(err)
	}
	_, trans := raft.NewInmemTransport("")
	ask := func(by string, term uint64) bool {
		t.Helper()
		net, err := raft.NewTCPTransport("127.0.0.1:0", nil, 1, time.Second, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = net.Close() }()
		q := &raft.RequestVoteRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(by), Addr: trans.EncodePeer("", raft.ServerAddress(leader.address))},
			Term:      term, LastLogIndex: 1 << 40, LastLogTerm: term, LeadershipTransfer: true,
		}
		var a raft.RequestVoteResponse
		if err := net.RequestVote(raft.ServerID(told.id), raft.ServerAddress(told.address), q, &a); err != nil {
			t.Fatal(err)
		}
		return a.Granted
	}
	if ask("a stranger", term) || ask("a stranger", term+1) {
		t.Error("it votes while it lags")
	}
	for at := told.Raft().CurrentTerm(); at < term; at++ {
		leader, others = split(t, nodes)
		to := others[0]
		if to == told {
			to = others[1]
		}
		if err := leader.TransferLeadershipTo(to.id, to.address); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the next term", func() error {
			if now := told.Raft().CurrentTerm(); now <= at {
				return fmt.Errorf("it is in term %d", now)
			}
			return nil
		})
	}
	waitFor(t, "its vote", func() error { return lags(told, false) })
	if now := told.Raft().CurrentTerm(); now != term {
		t.Fatalf("it is in term %d, not %d", now, term)
	}
	if ask(leader.id, term) {
		t.Error("it votes a second time")
	}
}

// TestLeaderWhoseDiskWentBackStops: it would write other entries where it had some.
func TestLeaderWhoseDiskWentBackStops(t *testing.T) {
	nodes := speakingCluster(t, 3)
	leader, others := split(t, nodes)
	leader.apply(t, "one")
	leader.opts.Witness.Told(others[0].id, leader.Raft().CurrentTerm(), leader.LastIndex()+1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := leader.Watch(ctx); err == nil || !strings.Contains(err.Error(), "older than what it acknowledged") {
		t.Errorf("it goes on: %v", err)
	}
	if err := lags(leader, true); err != nil {
		t.Error(err)
	}
}

// TestWhatIsTrueMakesNobodyLag: no server is told more than it has.
func TestWhatIsTrueMakesNobodyLag(t *testing.T) {
	nodes := speakingCluster(t, 3)
	for range 3 {
		leader, others := split(t, nodes)
		for i := range 20 {
			leader.apply(t, fmt.Sprint(i))
		}
		for _, n := range nodes {
			n.Redial()
		}
		others[0].stop(t)
		leader, _ = split(t, []*node{leader, others[1]})
		leader.apply(t, "without")
		others[0].again(t)
		leader, _ = split(t, nodes)
		if err := leader.TransferLeadership(); err != nil {
			t.Fatal(err)
		}
	}
	leaderOf(t, nodes)
	for _, n := range nodes {
		if err := lags(n, false); err != nil {
			t.Error(err)
		}
	}
}

// TestDamagedNoteOfOthersProvesNothing.
func TestDamagedNoteOfOthersProvesNothing(t *testing.T) {
	nodes := speakingCluster(t, 3)
	leader, others := split(t, nodes)
	leader.apply(t, "one")
	leader.stop(t)
	path := filepath.Join(leader.opts.Dir, "seen")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), others[0].id) {
		t.Fatalf("%q, %v", text, err)
	}
	text[len(text)-4] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	leader.again(t)
	if term, _ := leader.opts.Witness.Seen(others[0].id); term > leader.Raft().CurrentTerm() {
		t.Errorf("it believes in term %d", term)
	}
	leaderOf(t, nodes)
}
