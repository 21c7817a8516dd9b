package raftstore_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// readFolder reads a folder as a start would, into a machine.
func readFolder(dir string) (raftstore.Contents, []string, error) {
	j := &journal{}
	c, err := raftstore.Read(dir, j.Restore, func(e raftstore.Entry) error {
		_, err := j.Apply([]raftstore.Entry{e})
		return err
	})
	return c, j.all(), err
}

// tree is what is in a folder, with sizes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		return err
	}))
	return b.String()
}

// TestAFolderIsReadAsAStartWouldReadIt: `praetor upgrade check` tells by it whether a version
// understands what a server has, before anything is stopped.
func TestAFolderIsReadAsAStartWouldReadIt(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			n, want := filled(t, backend)
			before := tree(t, n.opts.Dir)
			c, got, err := readFolder(n.opts.Dir)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%d of %d commands, %v", len(got), len(want), err)
			}
			if c.ID != "s1" || c.Backend != backend || c.Snapshot == 0 || c.Last < c.Snapshot+239 || c.Entries != c.Last-c.Snapshot {
				t.Errorf("%+v", c)
			}
			if after := tree(t, n.opts.Dir); after != before {
				t.Errorf("reading changed the folder:\n%s\nbefore\n%s", after, before)
			}

			stop := errors.New("enough")
			if _, err := raftstore.Read(n.opts.Dir, func(io.Reader) error { return stop }, nil); !errors.Is(err, stop) {
				t.Errorf("a machine that cannot restore: %v", err)
			}
			applied := 0
			if _, err := raftstore.Read(n.opts.Dir, func(io.Reader) error { return nil }, func(raftstore.Entry) error { applied++; return stop }); !errors.Is(err, stop) || applied != 1 {
				t.Errorf("a machine that cannot apply: %v after %d", err, applied)
			}

			bare := copyDir(t, n.opts.Dir)
			must(t, os.RemoveAll(filepath.Join(bare, "snapshots")))
			if c, got, err := readFolder(bare); err != nil || c.Snapshot != 0 || len(got) < 240 || len(got) >= len(want) || !slices.Equal(got, want[len(want)-len(got):]) {
				t.Errorf("without its snapshots: %+v, %d commands, %v", c, len(got), err)
			}
			n.start(t)
			leaderOf(t, []*node{n})
			if _, _, err := readFolder(n.opts.Dir); fault.KindOf(err) != fault.Conflict {
				t.Errorf("while a server runs on it: %v", err)
			}
			n.stop(t)
		})
	}
}

// TestFoldersThatAreNoServersSaySo; of a damaged one all is read, or it is said.
func TestFoldersThatAreNoServersSaySo(t *testing.T) {
	if c, _, err := readFolder(t.TempDir()); fault.KindOf(err) != fault.Invalid || !strings.HasSuffix(err.Error(), "stable.db is not there: no server has its log here") {
		t.Errorf("an empty folder: %+v, %v", c, err)
	}
	for _, backend := range backends {
		n, want := filled(t, backend)
		files := map[string][]string{"wal": {"stable.db", "wal/*.wal", "snapshots/*/state.bin"}, "boltdb": {"stable.db", "raft.db", "snapshots/*/state.bin"}}
		for _, pattern := range files[backend] {
			for _, harm := range []string{"half", "flip in the middle", "empty"} {
				dir := copyDir(t, n.opts.Dir)
				found, err := filepath.Glob(filepath.Join(dir, pattern))
				must(t, err)
				if len(found) == 0 {
					t.Fatalf("there is no %s", pattern)
				}
				edit(t, found[len(found)-1], harms[harm])
				if _, got, err := readFolder(dir); err == nil && !slices.Equal(got, want) {
					t.Errorf("%s: %s of %s: %d of %d commands are read, and nothing is said", backend, harm, pattern, len(got), len(want))
				}
			}
		}
	}
}
