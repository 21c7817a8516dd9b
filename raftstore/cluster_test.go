package raftstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/raftstore"
)

// journal is a Machine that keeps every command, in order.
type journal struct {
	mu sync.Mutex

	entries  [][]byte
	last     uint64
	batches  []int
	restores int
	forget   bool   // keep only a count, for benchmarks
	lacks    string // a command that it cannot apply, "" for none

	gate <-chan struct{} // nothing is applied until it is closed; nil for at once
}

func (j *journal) Apply(entries []raftstore.Entry) ([]any, error) {
	if j.gate != nil {
		<-j.gate
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.forget {
		j.batches = append(j.batches, len(entries))
	}
	results := make([]any, len(entries))
	for i, e := range entries {
		if e.Index <= j.last {
			panic(fmt.Sprintf("entry %d after %d", e.Index, j.last))
		}
		if j.lacks != "" && string(e.Data) == j.lacks {
			return results[:i], fmt.Errorf("entry %d: no idea what %q is", e.Index, e.Data)
		}
		j.last = e.Index
		if j.forget {
			continue
		}
		j.entries = append(j.entries, e.Data)
		results[i] = len(j.entries)
		if bytes.HasPrefix(e.Data, []byte("error ")) {
			results[i] = errors.New(string(e.Data[6:]))
		}
	}
	return results, nil
}

type journalSnapshot struct {
	entries [][]byte
	last    uint64
}

func (j *journal) Snapshot() (raftstore.Snapshot, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return journalSnapshot{j.entries[:len(j.entries):len(j.entries)], j.last}, nil
}

func (s journalSnapshot) Write(w io.Writer) error {
	b := binary.BigEndian.AppendUint64(nil, s.last)
	for _, e := range s.entries {
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	_, err := w.Write(b)
	return err
}

func (j *journal) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.restores++
	j.last, j.entries = binary.BigEndian.Uint64(b), nil
	for b = b[8:]; len(b) > 0; {
		n := binary.BigEndian.Uint32(b)
		j.entries = append(j.entries, b[4:4+n])
		b = b[4+n:]
	}
	return nil
}

// Check refuses what Restore cannot read.
func (j *journal) Check(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil || len(b) < 8 {
		return errors.Join(errors.New("no journal"), err)
	}
	if binary.BigEndian.Uint64(b) == 0 && len(b) > 8 {
		return errors.New("entries, but none applied")
	}
	return nil
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []string
	for _, e := range j.entries {
		all = append(all, string(e))
	}
	return all
}

// node is one server of a test.
type node struct {
	witness atomic.Pointer[raftstore.Witness] // opts.Witness, for those who dial
	*raftstore.Store
	id, address string
	opts        raftstore.Options
	machine     *journal
	lacks       string          // journal.lacks of the next start
	gate        <-chan struct{} // journal.gate of it
}

func dialTCP(ctx context.Context, to raftstore.Peer) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", to.Address)
}

func testLogger(t testing.TB) hclog.Logger {
	if !testing.Verbose() {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: t.Output()})
}

// newNode says how a server is to be; start runs it.
func newNode(t testing.TB, id, dir string, change ...func(*raftstore.Options)) *node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{id: id, address: l.Addr().String()}
	n.opts = raftstore.Options{ID: id, Address: n.address, Dir: dir, Listener: l, Dial: dialTCP, Logger: testLogger(t)}
	for _, f := range change {
		f(&n.opts)
	}
	t.Cleanup(func() { _ = l.Close() })
	return n
}

func (n *node) start(t testing.TB) *node {
	t.Helper()
	if n.Store != nil { // again: the listener went with the first store
		n.opts.Listener = listenAgain(t, n.address)
	}
	n.machine = &journal{lacks: n.lacks, gate: n.gate}
	n.opts.Machine = n.machine
	s, err := raftstore.Open(n.opts)
	if err != nil {
		t.Fatal(err)
	}
	n.Store = s
	t.Cleanup(func() { _ = s.Close() })
	return n
}

func listenAgain(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (n *node) stop(t testing.TB) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("close %s: %v", n.id, err)
	}
}

func (n *node) apply(t testing.TB, cmd string) {
	t.Helper()
	if _, _, err := n.Apply(context.Background(), []byte(cmd)); err != nil {
		t.Fatalf("apply %q on %s: %v", cmd, n.id, err)
	}
}

// cluster starts servers that bootstrap together and waits for a leader.
func cluster(t testing.TB, count int, change ...func(*raftstore.Options)) []*node {
	t.Helper()
	dir := t.TempDir()
	var nodes []*node
	var peers []raftstore.Peer
	for i := range count {
		id := fmt.Sprintf("s%d", i+1)
		n := newNode(t, id, filepath.Join(dir, id), change...)
		nodes = append(nodes, n)
		peers = append(peers, raftstore.Peer{ID: id, Address: n.address, Voter: true})
	}
	for _, n := range nodes {
		n.start(t)
		if err := n.Bootstrap(peers); err != nil {
			t.Fatal(err)
		}
	}
	leaderOf(t, nodes)
	return nodes
}

// leaderOf waits until one of the nodes leads and all know it.
func leaderOf(t testing.TB, nodes []*node) *node {
	t.Helper()
	var leader *node
	waitFor(t, "a leader all agree on", func() error {
		leader = nil
		for _, n := range nodes {
			id, _ := n.Leader()
			if n.IsLeader() {
				leader = n
			}
			if id == "" {
				return fmt.Errorf("%s knows no leader", n.id)
			}
		}
		if leader == nil {
			return errors.New("nobody leads")
		}
		for _, n := range nodes {
			if id, _ := n.Leader(); id != leader.id {
				return fmt.Errorf("%s follows %s, not %s", n.id, id, leader.id)
			}
		}
		return nil
	})
	return leader
}

// waitFor polls a condition for up to ten seconds.
func waitFor(t testing.TB, what string, cond func() error) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	err := cond()
	for err != nil {
		select {
		case <-tick.C:
			err = cond()
		case <-deadline:
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

func wantEntries(t testing.TB, n *node, want ...string) {
	t.Helper()
	waitFor(t, n.id+"'s entries", func() error {
		if got := n.machine.all(); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("got %.200q, want %.200q", got, want)
		}
		return nil
	})
}
