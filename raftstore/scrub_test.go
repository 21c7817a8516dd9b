package raftstore_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// said collects lines of logs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *said) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: s, Level: hclog.Debug})
}

// pair is the log of a leader and that of a follower, which gets copies.
type pair struct {
	t                *testing.T
	leader, follower raftstore.Scrubbed
	disk             *raft.InmemStore // the follower's
	next             uint64
	lines            said
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, disk: raft.NewInmemStore(), next: 1}
	p.leader = raftstore.NewScrubbed(raft.NewInmemStore(), raftstore.Options{Logger: hclog.NewNullLogger()}, true)
	p.restart()
	return p
}

// restart makes the follower forget what it wrote.
func (p *pair) restart() {
	p.follower = raftstore.NewScrubbed(p.disk, raftstore.Options{Logger: p.lines.logger()}, false)
}

// write writes an entry; onTheWay changes what the follower gets.
func (p *pair) write(kind raft.LogType, data string, onTheWay ...func(*raft.Log)) {
	p.t.Helper()
	e := raft.Log{Index: p.next, Term: 1, Type: kind, Data: []byte(data)}
	p.next++
	if err := p.leader.StoreLog(&e); err != nil {
		p.t.Fatal(err)
	}
	for _, change := range onTheWay {
		change(&e)
	}
	if err := p.follower.StoreLog(&e); err != nil {
		p.t.Fatal(err)
	}
}

// checkpoint ends a range and returns what the follower says of it.
func (p *pair) checkpoint() string {
	p.t.Helper()
	p.leader.Want()
	p.write(raft.LogBarrier, "")
	p.lines.mu.Lock()
	p.lines.text.Reset()
	p.lines.mu.Unlock()
	p.follower.Check()
	return p.lines.String()
}

func TestFollowersFindWhatDiffersFromTheLeadersLog(t *testing.T) {
	const ok, inFlight, onDisk, gone = "verification checksum OK", "[ERROR] logstore: verification checksum FAILED: in-flight corruption", "[ERROR] logstore: verification checksum FAILED: storage corruption", "passed over"
	for _, c := range []struct {
		name, want string
		do         func(*pair)
	}{
		{"whole", ok, func(p *pair) {}},
		{"a barrier that is no checkpoint", ok, func(p *pair) { p.write(raft.LogBarrier, "") }},
		{"changed on its way", inFlight, func(p *pair) { p.write(raft.LogCommand, "b", func(e *raft.Log) { e.Data = []byte("c") }) }},
		{"changed on the disk", onDisk, func(p *pair) { p.disk.StoreLog(&raft.Log{Index: 4, Term: 1, Data: []byte("x")}) }},
		{"after a restart", ok, func(p *pair) { p.restart(); p.write(raft.LogCommand, "b") }},
		{"changed on its way, before a restart", onDisk, func(p *pair) {
			p.write(raft.LogCommand, "b", func(e *raft.Log) { e.Data = []byte("c") })
			p.restart()
			p.write(raft.LogCommand, "d")
		}},
		{"replaced, as another leader had it", ok, func(p *pair) {
			wrong := raft.Log{Index: p.next, Term: 1, Data: []byte("of a leader that is gone")}
			if p.follower.StoreLog(&wrong) != nil || p.follower.DeleteRange(p.next, p.next) != nil {
				p.t.Error("not replaced")
			}
			p.write(raft.LogCommand, "b")
		}},
		{"gone behind a snapshot", gone, func(p *pair) { p.disk.DeleteRange(1, 4) }},
	} {
		p := newPair(t)
		p.write(raft.LogConfiguration, "everybody's own")
		p.write(raft.LogCommand, "a")
		if got := p.checkpoint(); !strings.Contains(got, ok) {
			t.Errorf("%s: at first %q", c.name, got)
		}
		p.write(raft.LogCommand, "a")
		c.do(p)
		if got := p.checkpoint(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		p.write(raft.LogCommand, "after")
		if got := p.checkpoint(); !strings.Contains(got, ok) {
			t.Errorf("%s: afterwards %q", c.name, got)
		}
	}
}

// TestServersCheckTheirLogsByThemselves, on disks and over the network.
func TestServersCheckTheirLogsByThemselves(t *testing.T) {
	t.Parallel()
	var lines said
	nodes := cluster(t, 3, func(o *raftstore.Options) {
		o.VerifyInterval, o.Logger = 10*time.Millisecond, lines.logger().Named(o.ID)
	})
	leaderOf(t, nodes).apply(t, "a")
	waitFor(t, "a check on each server", func() error {
		for _, n := range nodes {
			if id := n.opts.ID; !strings.Contains(lines.String(), id+".logstore: verification checksum OK") {
				return fmt.Errorf("none on %s", id)
			}
		}
		return nil
	})
	if got := lines.String(); strings.Contains(got, "FAILED") {
		t.Error(got)
	}
}
