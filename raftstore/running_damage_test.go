package raftstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/raftstore"
)

// flipOnDisk flips a bit of an entry in a file that a running server has open.
func flipOnDisk(t *testing.T, dir, entry string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	must(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(t, err)
		at := bytes.Index(content, []byte(entry))
		if at < 0 {
			continue
		}
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte{content[at] ^ 1}, int64(at))
		must(t, errors.Join(err, f.Close()))
		return
	}
	t.Fatalf("%q is in none of %v", entry, files)
}

// wantStopsDamaged wants a server that names the damage and can be closed then.
func wantStopsDamaged(t *testing.T, n *node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := n.Watch(ctx)
	if !errors.Is(err, raftstore.ErrDamaged) || !strings.Contains(err.Error(), "wal is damaged: index ") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("%s: Watch ended with %v", n.id, err)
	}
	closed := make(chan error, 1)
	go func() { closed <- n.Close() }() // waited for below
	select {
	case err := <-closed:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: Close hangs", n.id)
	}
}

// TestDamageFoundWhileSendingStopsTheServer: an old entry is read for a follower
// that joins.
func TestDamageFoundWhileSendingStopsTheServer(t *testing.T) {
	n, _ := filled(t, "wal")
	n, _, err := reopen(t, n, func(string) {})
	must(t, err)
	flipOnDisk(t, n.opts.Dir, "entry 150 ")
	joiner := newNode(t, "s2", filepath.Join(t.TempDir(), "raft")).start(t)
	// raft gives back the change's own outcome: it may end with the server.
	_ = n.AddNonvoter(joiner.id, joiner.address)
	wantStopsDamaged(t, n)
}

// TestDamageFoundWhileApplyingStopsTheServer: entries that are not in memory are read
// again when a server that was restarted learns that they are committed. raft panics on
// an error there.
func TestDamageFoundWhileApplyingStopsTheServer(t *testing.T) {
	nodes := cluster(t, 2, func(o *raftstore.Options) { o.SegmentBytes, o.NoLogCache = 8<<10, true })
	leader := leaderOf(t, nodes)
	for range 300 {
		leader.apply(t, "entry "+strings.Repeat("x", 60))
	}
	leader.apply(t, "the end")
	for _, n := range nodes {
		waitFor(t, "entries", func() error {
			if len(n.machine.all()) != 301 {
				return errors.New("not all are there")
			}
			return nil
		})
	}
	for _, n := range nodes {
		n.stop(t)
	}
	hurt, other := nodes[0], nodes[1]
	hurt.start(t) // alone, it cannot know what is committed
	flipOnDisk(t, hurt.opts.Dir, "entry x")
	other.start(t)
	wantStopsDamaged(t, hurt)
}
