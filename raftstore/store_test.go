package raftstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
	"praetor/raftstore"
)

func lonePeers(n *node) []raftstore.Peer {
	return []raftstore.Peer{{ID: n.id, Address: n.address, Voter: true}}
}

func TestLoneServerKeepsItsEntriesAcrossRestarts(t *testing.T) {
	for _, backend := range []string{"wal", "boltdb"} {
		t.Run(backend, func(t *testing.T) {
			n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) { o.Backend = backend })
			n.start(t)
			if n.HasState() {
				t.Error("a new server has state")
			}
			if err := n.Bootstrap(lonePeers(n)); err != nil {
				t.Fatal(err)
			}
			leaderOf(t, []*node{n})
			n.apply(t, "one")
			n.apply(t, "two")
			n.stop(t)

			n.start(t)
			if !n.HasState() {
				t.Error("no state after a restart")
			}
			if err := n.Bootstrap(lonePeers(n)); fault.KindOf(err) != fault.Conflict {
				t.Errorf("second bootstrap: %v, want a conflict", err)
			}
			leaderOf(t, []*node{n})
			n.apply(t, "three")
			wantEntries(t, n, "one", "two", "three")
		})
	}
}

// TestAServerHasNotCaughtUpBeforeItHasWhatItHad: raft counts entries as applied when they
// are queued for the machine.
func TestAServerHasNotCaughtUpBeforeItHasWhatItHad(t *testing.T) {
	for name, snapshot := range map[string]bool{"log": false, "snapshot and nothing after it": true} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"))
			n.start(t)
			if n.CaughtUp() {
				t.Error("an empty server has caught up with a cluster that it never heard of")
			}
			must(t, n.Bootstrap(lonePeers(n)))
			leaderOf(t, []*node{n})
			n.apply(t, "one")
			n.apply(t, "two")
			if !n.CaughtUp() {
				t.Error("a server that applied all has not caught up")
			}
			read := 4 // the servers, a leader's first, and two commands
			if snapshot {
				must(t, n.Raft().Snapshot().Error())
				read = 0
			}
			n.stop(t)

			gate := make(chan struct{})
			n.gate = gate
			n.start(t)
			leaderOf(t, []*node{n})
			waitFor(t, "raft takes the log for applied", func() error {
				if done, all := n.AppliedIndex(), n.Raft().CommitIndex(); all == 0 || done < all {
					return fmt.Errorf("%d of %d", done, all)
				}
				return nil
			})
			if got := n.CaughtUp(); got != snapshot {
				t.Errorf("before the machine has its entries: caught up %v, want %v", got, snapshot)
			}
			if got := n.ReadAtStart(); got != read {
				t.Errorf("%d entries of the log are in memory, want %d", got, read)
			}
			close(gate)
			waitFor(t, "the machine has all", func() error {
				if !n.CaughtUp() {
					return errors.New("not caught up")
				}
				return nil
			})
			wantEntries(t, n, "one", "two")
			n.apply(t, "three")
			if got := n.ReadAtStart(); got != 0 {
				t.Errorf("%d entries of the log that were applied are in memory", got)
			}
		})
	}
}

func TestLoneServerLeadsAtOnce(t *testing.T) {
	n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"))
	begin := time.Now()
	n.start(t)
	opened := time.Since(begin)
	if err := n.Bootstrap(lonePeers(n)); err != nil {
		t.Fatal(err)
	}
	leaderOf(t, []*node{n})
	t.Logf("open %v, leader after %v", opened, time.Since(begin))
	n.apply(t, "one")
	n.stop(t)

	// Restarted, it must not wait for the heartbeat timeout (400 to 800 ms).
	n.opts.HeartbeatTimeout, n.opts.ElectionTimeout = time.Hour, time.Hour
	begin = time.Now()
	n.start(t)
	leaderOf(t, []*node{n})
	t.Logf("restarted: leader after %v", time.Since(begin))
}

func TestThreeServersReplicateAndReplaceALostLeader(t *testing.T) {
	nodes := cluster(t, 3)
	leader := leaderOf(t, nodes)
	leader.apply(t, "one")
	for _, n := range nodes {
		wantEntries(t, n, "one")
	}
	var rest []*node
	for _, n := range nodes {
		if n != leader {
			rest = append(rest, n)
		}
	}
	begin := time.Now()
	leader.stop(t)
	next := leaderOf(t, rest)
	t.Logf("leader replaced after %v", time.Since(begin))
	next.apply(t, "two")
	for _, n := range rest {
		wantEntries(t, n, "one", "two")
	}
	leader.start(t)
	wantEntries(t, leader, "one", "two")
}

func TestApplyOnAFollowerIsCertainNotToHappen(t *testing.T) {
	nodes := cluster(t, 3)
	leader := leaderOf(t, nodes)
	for _, n := range nodes {
		if n == leader {
			continue
		}
		_, _, err := n.Apply(context.Background(), []byte("x"))
		if fault.KindOf(err) != fault.NoLeader || err.Error() != "No cluster leader" || errors.Is(err, raftstore.ErrUncertain) {
			t.Errorf("apply on a follower: %v", err)
		}
		if err := n.VerifyLeader(context.Background()); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("verify on a follower: %v", err)
		}
	}
	if err := leader.VerifyLeader(context.Background()); err != nil {
		t.Errorf("verify on the leader: %v", err)
	}
}

// TestCommandsOfAnImpatientCallerAreAppliedAnyway cancels while they are under way.
func TestCommandsOfAnImpatientCallerAreAppliedAnyway(t *testing.T) {
	n := cluster(t, 1)[0]
	cmds := make([][]byte, 50)
	for i := range cmds {
		cmds[i] = fmt.Append(nil, i)
	}
	for range 40 {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { // waited for below
			results, err := n.ApplyAll(ctx, cmds, nil)
			if err == nil && len(results) != len(cmds) {
				err = fmt.Errorf("%d results", len(results))
			}
			ended <- err
		}()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if results, err := n.ApplyAll(context.Background(), cmds, nil); err != nil || len(results) != len(cmds) {
		t.Errorf("the next caller gets %d results, %v", len(results), err)
	}
}

func TestErrorResultsPassThrough(t *testing.T) {
	n := cluster(t, 1)[0]
	result, index, err := n.Apply(context.Background(), []byte("error boom"))
	if err != nil || index == 0 {
		t.Fatalf("apply: index %d, %v", index, err)
	}
	if got, ok := result.(error); !ok || got.Error() != "boom" {
		t.Errorf("result %v, want the error boom", result)
	}
}

func TestSecondOpenOfAFolderFailsAtOnce(t *testing.T) {
	n := cluster(t, 1)[0]
	other := newNode(t, "s2", n.opts.Dir)
	other.opts.Machine = &journal{}
	begin := time.Now()
	_, err := raftstore.Open(other.opts)
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("second open: %v, want a conflict", err)
	}
	want := fmt.Sprintf("open raft folder: %s is in use by another process (stop that agent, or give this one another data_dir)",
		filepath.Join(n.opts.Dir, "stable.db"))
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

func wantUncertain(t testing.TB, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) == fault.NoLeader || !errors.Is(err, raftstore.ErrUncertain) {
		t.Errorf("error %v of kind %v, want an uncertain one", err, fault.KindOf(err))
	}
}

func TestManyWritersShareBatchesInOrder(t *testing.T) {
	n := cluster(t, 1)[0]
	const writers, each = 32, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			lastIndex := uint64(0)
			for i := range each {
				result, index, err := n.Apply(context.Background(), []byte(fmt.Sprint(w, " ", i)))
				if err != nil {
					t.Error(err)
					return
				}
				if index <= lastIndex || result.(int) < 1 {
					t.Errorf("writer %d: index %d after %d, result %v", w, index, lastIndex, result)
				}
				lastIndex = index
			}
		})
	}
	wg.Wait()
	next := make([]int, writers)
	for _, e := range n.machine.all() {
		var w, i int
		if _, err := fmt.Sscan(e, &w, &i); err != nil {
			t.Fatal(err)
		}
		if next[w] != i {
			t.Fatalf("writer %d: entry %d applied where %d was due", w, i, next[w])
		}
		next[w]++
	}
	if batches := len(n.machine.batches); batches > writers*each/2 {
		t.Errorf("%d entries came in %d batches", writers*each, batches)
	}
}

// TestSnapshotBringsANewServerUp cuts the log behind a snapshot; a server that
// joins later gets the snapshot and what came after it.
func TestSnapshotBringsANewServerUp(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			n := cluster(t, 1, func(o *raftstore.Options) {
				o.Backend, o.TrailingLogs, o.SegmentBytes = backend, 5, 4096
			})[0]
			var want []string
			for i := range 100 {
				want = append(want, fmt.Sprint("entry ", i))
				n.apply(t, want[i])
			}
			if err := n.Raft().Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
			want = append(want, "after")
			n.apply(t, "after")

			fresh := newNode(t, "s2", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) { o.Backend = backend }).start(t)
			if err := n.AddNonvoter(fresh.id, fresh.address); err != nil {
				t.Fatal(err)
			}
			wantEntries(t, fresh, want...)
			if fresh.machine.restores != 1 {
				t.Errorf("%d restores, want 1", fresh.machine.restores)
			}
			for _, m := range []*node{n, fresh} {
				m.stop(t)
				m.start(t)
			}
			wantEntries(t, n, want...)
			wantEntries(t, fresh, want...)
			if got := n.Stats()["last_snapshot_index"]; got != "102" {
				t.Errorf("last_snapshot_index %s, want 102", got)
			}
		})
	}
}

func TestInMemoryServerNeedsNoFolder(t *testing.T) {
	n := newNode(t, "s1", "").start(t)
	if err := n.Bootstrap(lonePeers(n)); err != nil {
		t.Fatal(err)
	}
	leaderOf(t, []*node{n})
	n.apply(t, "one")
	if err := n.Raft().Snapshot().Error(); err != nil {
		t.Error(err)
	}
	wantEntries(t, n, "one")
}

// TestCallersShareOneConfirmation holds a confirmation up: all who come
// meanwhile get one together, a new one.
func TestCallersShareOneConfirmation(t *testing.T) {
	virtual(t, 1, func(t *testing.T, _ *pipes, nodes []*node) {
		n, answer, count := nodes[0], make(chan struct{}), 0
		n.ConfirmWith(func(ask func() error) error {
			count++
			<-answer
			return ask()
		})
		var wg sync.WaitGroup
		verify := func(callers int) {
			for range callers {
				wg.Go(func() {
					if err := n.VerifyLeader(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
		}
		verify(1)
		verify(20)
		if count != 1 {
			t.Errorf("%d confirmations began while one was under way", count)
		}
		answer <- struct{}{}
		synctest.Wait()
		if count != 2 {
			t.Errorf("%d confirmations after the first was over, want a second", count)
		}
		close(answer)
		wg.Wait()
		if count != 2 {
			t.Errorf("%d confirmations for 21 callers, want 2", count)
		}
	})
}

func TestStatsHasTheKeysOfInfo(t *testing.T) {
	n := cluster(t, 1)[0]
	n.apply(t, "one")
	waitFor(t, "the applied index to follow the answer", func() error {
		if n.AppliedIndex() != 3 {
			return fmt.Errorf("applied index %d", n.AppliedIndex())
		}
		return nil
	})
	stats := n.Stats()
	want := map[string]string{
		"state": "Leader", "term": "2", "last_contact": "0", "num_peers": "0", "fsm_pending": "0",
		"last_log_index": "3", "last_log_term": "2", "commit_index": "3", "applied_index": "3",
		"last_snapshot_index": "0", "last_snapshot_term": "0",
		"protocol_version": "3", "protocol_version_min": "0", "protocol_version_max": "3",
		"snapshot_version_min": "0", "snapshot_version_max": "1",
		"latest_configuration_index": "0",
		"latest_configuration":       "[{Suffrage:Voter ID:s1 Address:" + n.address + "}]",
	}
	for key, value := range want {
		if stats[key] != value {
			t.Errorf("%s is %q, want %q", key, stats[key], value)
		}
	}
	if len(stats) != len(want) {
		t.Errorf("%d keys, want %d: %v", len(stats), len(want), stats)
	}
	if n.LastTerm() != 2 || n.LastIndex() != 3 || n.AppliedIndex() != 3 || n.LastContact() != 0 {
		t.Errorf("term %d, index %d, applied %d, contact %v", n.LastTerm(), n.LastIndex(), n.AppliedIndex(), n.LastContact())
	}
}

func TestStoppedServersRefuse(t *testing.T) {
	n := cluster(t, 1)[0]
	n.stop(t)
	if err := n.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, _, err := n.Apply(context.Background(), []byte("x"))
	if fault.KindOf(err) != fault.NoLeader || errors.Is(err, raftstore.ErrUncertain) {
		t.Errorf("apply: %v", err)
	}
	if err := n.VerifyLeader(context.Background()); fault.KindOf(err) != fault.NoLeader {
		t.Errorf("verify: %v", err)
	}
	if err := n.Barrier(context.Background()); fault.KindOf(err) != fault.NoLeader {
		t.Errorf("barrier: %v", err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*raftstore.Options){
		"no ID":      func(o *raftstore.Options) { o.ID = "" },
		"no address": func(o *raftstore.Options) { o.Address = "" },
		"no machine": func(o *raftstore.Options) { o.Machine = nil },
		"multiplier": func(o *raftstore.Options) { o.Multiplier = 11 },
		"backend":    func(o *raftstore.Options) { o.Backend = "leveldb" },
	} {
		n := newNode(t, "s1", "")
		n.opts.Machine = &journal{}
		change(&n.opts)
		if _, err := raftstore.Open(n.opts); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBootstrapRefusesListsThatCannotWork(t *testing.T) {
	n := newNode(t, "s1", "").start(t)
	for name, peers := range map[string][]raftstore.Peer{
		"empty":    nil,
		"no voter": {{ID: "s1", Address: n.address}},
		"twice":    {{ID: "s1", Address: n.address, Voter: true}, {ID: "s1", Address: "b:1", Voter: true}},
		"not us":   {{ID: "s2", Address: "b:1", Voter: true}},
		"no place": {{ID: "s1", Voter: true}},
		"no ID":    {{ID: "s1", Address: n.address, Voter: true}, {Address: "b:1"}},
	} {
		if err := n.Bootstrap(peers); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n.HasState() {
		t.Error("a refused list left state")
	}
}

func TestBootstrapThatWasCutBeginsAgain(t *testing.T) {
	for term, state := range map[uint64]bool{1: false, 2: true} { // the term of an election is somebody's vote
		n := newNode(t, "s1", t.TempDir())
		n.opts.Machine = &journal{}
		if err := raftstore.SetTerm(n.opts, term); err != nil {
			t.Fatal(err)
		}
		n.start(t)
		if n.HasState() != state {
			t.Errorf("term %d alone: has state %t, want %t", term, n.HasState(), state)
		}
		if state {
			continue
		}
		if err := n.Bootstrap([]raftstore.Peer{{ID: "s1", Address: n.address, Voter: true}}); err != nil {
			t.Errorf("term %d alone: %v", term, err)
		}
	}
}

func TestTurnsAlternateAndAreFew(t *testing.T) {
	for _, tc := range []struct{ changes, want []bool }{
		{[]bool{true}, []bool{true}},
		{[]bool{true, false}, []bool{true, false}},
		{[]bool{true, false, true}, []bool{true}},
		{[]bool{false, true}, []bool{false, true}},
		{[]bool{false, true, false}, []bool{false}},
		{[]bool{false, true, false, true}, []bool{false, true}},
	} {
		if got := raftstore.Turns(tc.changes...); fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%v: got %v, want %v", tc.changes, got, tc.want)
		}
	}
}
