package raftstore_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"praetor/raftstore"
)

// saved is a journal's snapshot of some commands, at an index.
func saved(t testing.TB, index uint64, cmds ...string) []byte {
	t.Helper()
	s := journalSnapshot{last: index}
	for _, c := range cmds {
		s.entries = append(s.entries, []byte(c))
	}
	var b bytes.Buffer
	must(t, s.Write(&b))
	return b.Bytes()
}

func (n *node) restore(t testing.TB, index uint64, state []byte) {
	t.Helper()
	if err := n.Restore(index, int64(len(state)), bytes.NewReader(state)); err != nil {
		t.Fatalf("restore on %s: %v", n.id, err)
	}
}

func TestRestoreReplacesTheStateOfAllServersAndLasts(t *testing.T) {
	for _, backend := range backends {
		for _, index := range []uint64{1, 1000} { // behind the log, and past it
			t.Run(fmt.Sprint(backend, index), func(t *testing.T) {
				nodes := cluster(t, 3, func(o *raftstore.Options) { o.Backend = backend })
				leader := leaderOf(t, nodes)
				leader.apply(t, "old")
				leader.restore(t, index, saved(t, index, "a", "b"))
				leader.apply(t, "new")
				for _, n := range nodes {
					wantEntries(t, n, "a", "b", "new")
				}
				for _, n := range nodes {
					n.stop(t)
				}
				for _, n := range nodes {
					n.start(t)
				}
				leaderOf(t, nodes).apply(t, "newer")
				for _, n := range nodes {
					wantEntries(t, n, "a", "b", "new", "newer")
				}
			})
		}
	}
}

func TestRestoreOfAnotherSizeChangesNothing(t *testing.T) {
	n := cluster(t, 1)[0]
	n.apply(t, "old")
	state := saved(t, 1, "a")
	if err := n.Restore(1, int64(len(state))+1, bytes.NewReader(state)); err == nil {
		t.Error("restored")
	}
	wantEntries(t, n, "old")
	n.apply(t, "more")
	wantEntries(t, n, "old", "more")
}

// A power cut between the restored snapshot and the removal of the old entries
// must not leave a log that nothing can follow.
func TestACrashInTheMiddleOfARestoreLeavesAServerThatWorks(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			var stage atomic.Int32 // 1: the snapshot is being committed, 2: copied
			var n *node
			var torn string
			n = cluster(t, 1, func(o *raftstore.Options) {
				o.Backend = backend
				o.FileOp = func(label string) error {
					switch {
					case label == "snapshot:commit":
						stage.Store(1)
					case stage.Load() == 1:
						stage.Store(2)
						torn = copyDir(t, o.Dir)
					}
					return nil
				}
			})[0]
			n.apply(t, "old")
			n.restore(t, 1000, saved(t, 1000, "a"))
			if stage.Load() != 2 {
				t.Fatal("nothing was written after the snapshot")
			}
			n.stop(t)
			n.opts.Dir, n.opts.FileOp = torn, nil
			n.start(t)
			leaderOf(t, []*node{n}).apply(t, "new")
			wantEntries(t, n, "a", "new")
			n.stop(t)
			n.start(t)
			wantEntries(t, n, "a", "new")
		})
	}
}
