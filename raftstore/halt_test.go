package raftstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/raftstore"
)

// wantHalts wants a server that names the entry it cannot apply, and can be closed.
func wantHalts(t *testing.T, n *node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := n.Watch(ctx); err == nil || !strings.Contains(err.Error(), `no idea what "new" is`) {
		t.Fatalf("Watch ended with %v", err)
	}
}

// TestServerThatCannotApplyAnEntryStopsBeforeItAnswers: it neither acknowledges the
// entry, nor says that it is up to date, nor takes a snapshot that lacks it; a newer
// version goes on where it stopped.
func TestServerThatCannotApplyAnEntryStopsBeforeItAnswers(t *testing.T) {
	n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"))
	n.lacks = "new"
	n.start(t)
	must(t, n.Bootstrap(lonePeers(n)))
	leaderOf(t, []*node{n})
	n.apply(t, "one")
	outcome := make(chan error, 3)
	begin := func(call func() error) { go func() { outcome <- call() }() } // waited for below
	begin(func() error { _, _, err := n.Apply(context.Background(), []byte("new")); return err })
	wantHalts(t, n)
	begin(func() error { return n.Barrier(context.Background()) })
	begin(func() error { return n.Raft().Snapshot().Error() })
	n.stop(t)
	for range 3 {
		if err := <-outcome; err == nil {
			t.Error("a call succeeded although an entry before it is not applied")
		}
	}
	wantEntries(t, n, "one")

	n.lacks = ""
	n.start(t)
	leaderOf(t, []*node{n})
	n.apply(t, "two")
	wantEntries(t, n, "one", "new", "two")
}

// TestRecoveryStopsAtAnEntryThatCannotBeApplied: peers.json makes a server apply its
// log while it opens.
func TestRecoveryStopsAtAnEntryThatCannotBeApplied(t *testing.T) {
	n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"))
	n.start(t)
	must(t, n.Bootstrap(lonePeers(n)))
	leaderOf(t, []*node{n})
	n.apply(t, "one")
	n.apply(t, "new")
	n.stop(t)
	peers, err := json.Marshal([]map[string]any{{"id": n.id, "address": n.address}})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(n.opts.Dir, "peers.json"), peers, 0o600))

	old := n.opts
	old.Listener, old.Machine = listenAgain(t, n.address), &journal{lacks: "new"}
	if s, err := raftstore.Open(old); err == nil || !strings.Contains(err.Error(), `no idea what "new" is`) {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
		t.Fatalf("Open: %v, want it to name the entry", err)
	}
	n.start(t)
	leaderOf(t, []*node{n})
	wantEntries(t, n, "one", "new")
}
