package raftstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// slowDisk is a disk whose syncs of the log take a while, or are held up.
type slowDisk struct {
	sync    time.Duration
	full    atomic.Bool
	holding atomic.Pointer[chan struct{}] // syncs wait until it is closed, and fail if it is full then; nil for not
}

func (d *slowDisk) op(label string) error {
	if d.full.Load() && label == "wal:write" {
		return syscall.ENOSPC
	}
	if label != "wal:sync" {
		return nil
	}
	if held := d.holding.Load(); held != nil {
		<-*held
		if d.full.Load() {
			return syscall.ENOSPC
		}
	}
	time.Sleep(d.sync)
	return nil
}

func (d *slowDisk) hold() { held := make(chan struct{}); d.holding.Store(&held) }

func (d *slowDisk) release() { close(*d.holding.Swap(nil)) }

// withDisks is virtual with servers on disks whose syncs take a while.
func withDisks(t *testing.T, count int, sync time.Duration, f func(t *testing.T, net *pipes, nodes []*node, disks map[*node]*slowDisk)) {
	t.Helper()
	dir, disks := t.TempDir(), map[*node]*slowDisk{}
	virtualWith(t, count, func(n *node) {
		disks[n] = &slowDisk{sync: sync}
		n.opts.Dir, n.opts.FileOp, n.opts.SegmentBytes = filepath.Join(dir, n.id), disks[n].op, 1<<20
		n.opts.Witness = raftstore.NewWitness()
	}, func(t *testing.T, net *pipes, nodes []*node) {
		defer func() {
			for _, d := range disks {
				if d.holding.Load() != nil {
					d.release()
				}
			}
		}()
		f(t, net, nodes, disks)
	})
}

// TestAWriteTakesOneSync: the leader's, beside the followers'.
func TestAWriteTakesOneSync(t *testing.T) {
	const sync = 10 * time.Millisecond
	withDisks(t, 3, sync, func(t *testing.T, _ *pipes, nodes []*node, _ map[*node]*slowDisk) {
		leader := leaderOf(t, nodes)
		leader.apply(t, "first") // behind the start of the term
		for i := range 20 {
			begin := time.Now()
			leader.apply(t, fmt.Sprint("w", i))
			if took := time.Since(begin); took < sync || took > sync*3/2 {
				t.Errorf("write %d took %v, a sync %v", i, took, sync)
			}
		}
	})
}

// TestNothingIsKnownToBeCommittedThatTheLeaderHasNotSynced: raft counts the leader's own vote
// when it has sent an entry.
func TestNothingIsKnownToBeCommittedThatTheLeaderHasNotSynced(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, net *pipes, nodes []*node, disks map[*node]*slowDisk) {
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		leader.apply(t, "one")
		disks[leader].hold()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, _, err := leader.Apply(ctx, []byte("two")); !errors.Is(err, raftstore.ErrUncertain) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a write that the leader has not synced: %v", err)
		}
		if !leader.IsLeader() {
			t.Fatal("it leads no more")
		}
		index := leader.Raft().LastIndex()
		if leader.Committed() >= index {
			t.Error("the leader says that it is committed")
		}
		for _, n := range rest {
			if n.Raft().LastIndex() != index {
				t.Errorf("%s did not get it", n.id)
			}
			if n.Raft().CommitIndex() >= index {
				t.Errorf("%s was told that it is committed", n.id)
			}
			if _, mark := n.opts.Witness.Seen(leader.id); mark >= index {
				t.Errorf("%s takes it for being on the leader's disk", n.id)
			}
		}
		net.isolate(rest[0].address) // what it is sent then goes through no pipeline
		time.Sleep(100 * time.Millisecond)
		net.heal(rest[0].address)
		time.Sleep(2 * time.Second)
		if rest[0].Raft().CommitIndex() >= index {
			t.Errorf("%s was told that it is committed when it came back", rest[0].id)
		}
		must(t, sameEntries(nodes, "one"))
		disks[leader].release()
		leader.apply(t, "three")
		for _, n := range nodes {
			wantEntries(t, n, "one", "two", "three")
		}
	})
}

// pipeSender is senderStream in a bubble.
type pipeSender struct {
	senderStream
	dial func(context.Context, raftstore.Peer) (net.Conn, error)
}

func (s pipeSender) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.dial(ctx, raftstore.Peer{Address: string(to)})
}

// appendNothing asks a server, as the leader of the next term, whether its log agrees with ours
// up to an entry of this one.
func appendNothing(to *node, network *pipes, index uint64) error {
	term := to.Raft().CurrentTerm()
	return sendAsNew(to, network, &raft.AppendEntriesRequest{Term: term + 1, PrevLogEntry: index, PrevLogTerm: term})
}

// sendAsNew sends a server a message of a new leader, which it must like.
func sendAsNew(to *node, network *pipes, message *raft.AppendEntriesRequest) error {
	trans := raft.NewNetworkTransport(pipeSender{dial: network.dialFrom("new")}, 1, time.Minute, nil)
	defer func() { _ = trans.Close() }()
	message.RPCHeader = raft.RPCHeader{ProtocolVersion: 3, ID: []byte("new"), Addr: []byte("new")}
	//lint:ignore SA1019 as raft does
	message.Leader = []byte("new")
	var answer raft.AppendEntriesResponse
	if err := trans.AppendEntries(raft.ServerID(to.id), raft.ServerAddress(to.address), message, &answer); err != nil || !answer.Success {
		return fmt.Errorf("answer: %+v, %w", answer, err)
	}
	return nil
}

// TestALeaderThatIsReplacedAnswersOnceItHasSynced: the next one counts what is in the logs of
// both.
func TestALeaderThatIsReplacedAnswersOnceItHasSynced(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, net *pipes, nodes []*node, disks map[*node]*slowDisk) {
		old := leaderOf(t, nodes)
		old.apply(t, "one")
		disks[old].hold()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, _, _ = old.Apply(ctx, []byte("two"))
		index, answered := old.Raft().LastIndex(), make(chan error, 1)
		go func() { answered <- appendNothing(old, net, index) }()
		select {
		case err := <-answered:
			t.Fatalf("it answered (%v) whether it has entry %d before it had synced it", err, index)
		case <-time.After(5 * time.Second):
		}
		disks[old].release()
		if err := <-answered; err != nil {
			t.Error(err)
		}
		leaderOf(t, nodes).apply(t, "three")
		for _, n := range nodes {
			wantEntries(t, n, "one", "two", "three")
		}
	})
}

// TestALeaderWhoseDiskRefusesWhatItSentLeadsNoMore: it hears of that when raft has gone on.
func TestALeaderWhoseDiskRefusesWhatItSentLeadsNoMore(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, net *pipes, nodes []*node, disks map[*node]*slowDisk) {
		old, rest := splitOff(leaderOf(t, nodes), nodes)
		disks[old].full.Store(true)
		_, _, err := old.Apply(t.Context(), []byte("one"))
		if !errors.Is(err, raftstore.ErrUncertain) || !strings.Contains(err.Error(), "praetor help disk") {
			t.Fatalf("a write that the disk refused: %v", err)
		}
		leaderOf(t, rest).apply(t, "two")
		for _, n := range rest {
			wantEntries(t, n, "one", "two") // they had it
		}
		time.Sleep(5 * time.Second)
		must(t, sameEntries([]*node{old}))
		disks[old].full.Store(false)
		wantEntries(t, old, "one", "two")
	})
}

// TestALeaderWhoseDiskFailsAfterAWhileLeadsNoMore: raft itself waits when its queue for the
// machine is full, which waits for the disk.
func TestALeaderWhoseDiskFailsAfterAWhileLeadsNoMore(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, _ *pipes, nodes []*node, disks map[*node]*slowDisk) {
		old, rest := splitOff(leaderOf(t, nodes), nodes)
		disks[old].hold()
		var writers sync.WaitGroup
		for i := range 220 { // each is committed by itself
			writers.Go(func() {
				if _, _, err := old.Apply(t.Context(), fmt.Append(nil, i)); !errors.Is(err, raftstore.ErrUncertain) && fault.KindOf(err) != fault.NoLeader {
					t.Errorf("write %d: %v", i, err)
				}
			})
			time.Sleep(5 * time.Millisecond)
		}
		disks[old].full.Store(true)
		disks[old].release()
		writers.Wait()
		next := leaderOf(t, rest)
		next.apply(t, "next")
		disks[old].full.Store(false)
		wantEntries(t, old, next.machine.all()...)
	})
}

// TestWhatADiskRefusesOnceIsStoredAlsoWhileLeadershipIsHandedOver: raft takes nothing then.
func TestWhatADiskRefusesOnceIsStoredAlsoWhileLeadershipIsHandedOver(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, _ *pipes, nodes []*node, disks map[*node]*slowDisk) {
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		disks[leader].hold()
		disks[rest[0]].hold() // so that it cannot take over
		var calls sync.WaitGroup
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if _, _, err := leader.Apply(ctx, []byte("one")); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(10 * time.Millisecond)
		calls.Go(func() {
			if err := leader.TransferLeadershipTo(rest[0].id, rest[0].address); err == nil {
				t.Error("it handed leadership over")
			}
		})
		time.Sleep(10 * time.Millisecond)
		disks[leader].full.Store(true)
		disks[leader].release()
		time.Sleep(10 * time.Millisecond)
		disks[leader].full.Store(false)
		calls.Wait()
	})
}

// TestARestoreAndADiskThatFailsDoNotWaitForEachOther: raft does nothing else while the machine
// is to take the new state.
func TestARestoreAndADiskThatFailsDoNotWaitForEachOther(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, _ *pipes, nodes []*node, disks map[*node]*slowDisk) {
		old, _ := splitOff(leaderOf(t, nodes), nodes)
		old.apply(t, "one")
		disks[old].hold()
		var calls sync.WaitGroup
		calls.Go(func() { _, _, _ = old.Apply(t.Context(), []byte("two")) })
		time.Sleep(10 * time.Millisecond)
		state := saved(t, 1, "restored")
		calls.Go(func() {
			if err := old.Restore(1, int64(len(state)), bytes.NewReader(state)); err == nil {
				t.Error("restored, on a disk that refuses everything")
			}
		})
		time.Sleep(10 * time.Millisecond)
		disks[old].full.Store(true)
		disks[old].release()
		calls.Wait()
		disks[old].full.Store(false)
		leaderOf(t, nodes).restore(t, 1, state)
		leaderOf(t, nodes).apply(t, "three")
		for _, n := range nodes {
			wantEntries(t, n, "restored", "three")
		}
	})
}

// TestAWriteThatARestoreEndedIsUncertain: raft gives up what is under way before it knows
// whether it can restore anything.
func TestAWriteThatARestoreEndedIsUncertain(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, _ *pipes, nodes []*node, disks map[*node]*slowDisk) {
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		leader.apply(t, "one")
		for _, n := range rest {
			disks[n].hold()
		}
		var write sync.WaitGroup
		write.Go(func() {
			_, _, err := leader.Apply(t.Context(), []byte("two"))
			wantUncertain(t, err)
		})
		time.Sleep(10 * time.Millisecond)
		state := saved(t, 1, "restored")
		if err := leader.Restore(1, int64(len(state))+1, bytes.NewReader(state)); err == nil {
			t.Error("restored")
		}
		write.Wait()
		for _, n := range rest {
			disks[n].release()
		}
		leader.apply(t, "three")
		for _, n := range nodes {
			wantEntries(t, n, "one", "two", "three")
		}
	})
}

// TestALeaderThatDoesSomethingPlainlyStoresWhatComes: raft is told what the disk says of it.
func TestALeaderThatDoesSomethingPlainlyStoresWhatComes(t *testing.T) {
	log := raftstore.Unsynced(memoryLog{raft.NewInmemStore(), func() bool { return true }}, func() bool { return true })
	if err := log.Plainly(func() error { return log.StoreLog(&raft.Log{Index: 1}) }); err == nil {
		t.Error("it took an entry")
	}
	must(t, log.StoreLog(&raft.Log{Index: 1}))
	log.Close()
	if log.Plainly(func() error { t.Error("it did it, with an entry that waits"); return nil }) == nil {
		t.Error("it did not say why it could not")
	}
}

// memoryLog is a log in memory that refuses to store at times.
type memoryLog struct {
	*raft.InmemStore
	refuse func() bool
}

func (l memoryLog) StoreLogs(logs []*raft.Log) error {
	if l.refuse() {
		return errors.New("refused")
	}
	return l.InmemStore.StoreLogs(logs)
}

// TestUnsyncedEntriesAreInTheLog: whatever the disk does, raft finds what it stored, and what is
// called synced is below.
func TestUnsyncedEntriesAreInTheLog(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var refusing atomic.Bool
		below := memoryLog{raft.NewInmemStore(), refusing.Load}
		var leads bool
		log := raftstore.Unsynced(below, func() bool { return leads })
		var want []raft.Log // from index 1
		for step := range 60 {
			switch r.IntN(6) {
			case 0:
				leads = !leads
			case 1:
				refusing.Store(!refusing.Load())
			case 2: // a new leader's entries take the place of some
				if n := uint64(len(want)); !leads && n > 0 {
					from := 1 + r.Uint64N(n)
					if err := log.DeleteRange(from, n); err == nil {
						want = want[:from-1]
					}
				}
			default:
				var logs []*raft.Log
				for range 1 + r.IntN(3) {
					kind := raft.LogCommand
					if r.IntN(5) == 0 {
						kind = raft.LogConfiguration
					}
					logs = append(logs, &raft.Log{Index: uint64(len(want) + len(logs) + 1), Type: kind, Data: fmt.Append(nil, step, len(logs))})
				}
				if log.StoreLogs(logs) != nil {
					break
				}
				for _, l := range logs {
					want = append(want, *l)
				}
				if plain := slices.ContainsFunc(logs, func(l *raft.Log) bool { return l.Type != raft.LogCommand }); plain || !leads {
					if last, _ := below.LastIndex(); last != uint64(len(want)) {
						t.Fatalf("seed %d, step %d: %d entries are below, want %d", seed, step, last, len(want))
					}
				}
			}
			checkUnsynced(t, seed, log, below, want)
			if log.Settle() != nil && log.StoreLog(&raft.Log{Index: uint64(len(want) + 1)}) == nil {
				t.Fatalf("seed %d, step %d: it takes more, and could not store what it took", seed, step)
			}
		}
		refusing.Store(false)
		if err := log.Settle(); err != nil {
			t.Fatal(err)
		}
		log.Close()
		if last, _ := below.LastIndex(); last != uint64(len(want)) {
			t.Fatalf("seed %d: %d entries are below in the end, want %d", seed, last, len(want))
		}
	}
}

func checkUnsynced(t *testing.T, seed uint64, log *raftstore.UnsyncedLog, below memoryLog, want []raft.Log) {
	t.Helper()
	synced := log.Synced(uint64(len(want)))
	if last, _ := below.LastIndex(); last < synced {
		t.Fatalf("seed %d: all up to %d is called synced, the log below ends at %d", seed, synced, last)
	}
	first, err := log.FirstIndex()
	last, lerr := log.LastIndex()
	if err != nil || lerr != nil || last != uint64(len(want)) || first != min(1, last) {
		t.Fatalf("seed %d: the log holds %d to %d (%v, %v), want 1 to %d", seed, first, last, err, lerr, len(want))
	}
	for i := range want {
		var got raft.Log
		if err := log.GetLog(uint64(i+1), &got); err != nil || got.Index != want[i].Index || string(got.Data) != string(want[i].Data) {
			t.Fatalf("seed %d: entry %d: got %+v (%v), want %+v", seed, i+1, got, err, want[i])
		}
	}
}

// TestASlowServerThatIsNeededIsCaughtUpAtOnce: its disk stood still while the others went on.
func TestASlowServerThatIsNeededIsCaughtUpAtOnce(t *testing.T) {
	withDisks(t, 3, time.Millisecond, func(t *testing.T, net *pipes, nodes []*node, disks map[*node]*slowDisk) {
		leader, rest := splitOff(leaderOf(t, nodes), nodes)
		leader.apply(t, "one")
		defer load(t, leader)()
		time.Sleep(time.Second)
		disks[rest[0]].hold()
		time.Sleep(6 * time.Second)
		net.isolate(rest[1].address)
		disks[rest[0]].release()
		wantCaughtUp(t, leader, rest[0])
	})
}
