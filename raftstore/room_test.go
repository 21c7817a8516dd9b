package raftstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"praetor/raftstore"
)

// TestServerThatCannotWriteStandsForNoElection: the first server would stand again long before
// the second does, win, and fail to write its first entry.
func TestServerThatCannotWriteStandsForNoElection(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			var full atomic.Bool
			dir := t.TempDir()
			first := newNode(t, "s1", filepath.Join(dir, "s1"), func(o *raftstore.Options) {
				o.Backend = backend
				o.FileOp = func(label string) error {
					if full.Load() && (label == "wal:write" || label == "log:commit" || strings.HasPrefix(label, "probe:")) {
						return syscall.ENOSPC
					}
					return nil
				}
			})
			second := newNode(t, "s2", filepath.Join(dir, "s2"), func(o *raftstore.Options) {
				o.Backend, o.HeartbeatTimeout, o.ElectionTimeout = backend, 1500*time.Millisecond, 1500*time.Millisecond
			})
			peers := []raftstore.Peer{{ID: "s1", Address: first.address, Voter: true}, {ID: "s2", Address: second.address, Voter: true}}
			for _, n := range []*node{first, second} {
				n.start(t)
				must(t, n.Bootstrap(peers))
			}
			nodes := []*node{first, second}
			leaderOf(t, nodes)
			term := first.Raft().CurrentTerm()

			full.Store(true)
			if _, _, err := first.Apply(context.Background(), []byte("a")); err == nil {
				t.Fatal("a command was stored on a full disk")
			}
			waitFor(t, "the other server to lead", func() error {
				if !second.IsLeader() {
					return errors.New("it does not")
				}
				return nil
			})
			if now := second.Raft().CurrentTerm(); now != term+1 {
				t.Errorf("it leads in term %d, the first one did in %d: that one stood again", now, term)
			}

			full.Store(false)
			second.apply(t, "b")
			wantEntries(t, first, second.machine.all()...) // the second one may have got "a"
			second.stop(t)
			second.start(t)
			leaderOf(t, nodes)
			if _, err := os.Stat(filepath.Join(dir, "s1", "probe.tmp")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what tried the disk is still there: %v", err)
			}
		})
	}
}

// TestServersThatCouldNotWriteElectALeaderOnceTheyCan: none of them is ahead, so that whoever
// stands first finds room again.
func TestServersThatCouldNotWriteElectALeaderOnceTheyCan(t *testing.T) {
	var full atomic.Bool
	nodes := cluster(t, 3, func(o *raftstore.Options) {
		o.FileOp = func(label string) error {
			if full.Load() && (label == "wal:write" || strings.HasPrefix(label, "probe:")) {
				return syscall.ENOSPC
			}
			return nil
		}
	})
	leader := leaderOf(t, nodes)
	full.Store(true)
	if _, _, err := leader.Apply(context.Background(), []byte("a")); err == nil {
		t.Fatal("a command was stored on a full disk")
	}
	waitFor(t, "no leader", func() error {
		for _, n := range nodes {
			if n.IsLeader() {
				return errors.New(n.id + " leads")
			}
		}
		return nil
	})
	full.Store(false)
	leaderOf(t, nodes).apply(t, "b")
}
