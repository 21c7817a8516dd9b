package raftstore_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/raftstore"
)

// TestRecoveryOrderedOnASurvivorMakesItTheCluster: what it shows is what is there, the
// copy is whole, and the next start does it.
func TestRecoveryOrderedOnASurvivorMakesItTheCluster(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			nodes := cluster(t, 3, func(o *raftstore.Options) { o.Backend = backend })
			leader := leaderOf(t, nodes)
			leader.apply(t, "one")
			last := leader.Raft().LastIndex()
			for _, n := range nodes {
				n.stop(t)
			}
			dir := leader.opts.Dir
			for range 2 { // looking changes nothing
				r, err := raftstore.Survey(dir, hclog.NewNullLogger())
				must(t, err)
				if r.ID != leader.id || r.LastIndex != last || r.LastTerm == 0 || r.LastWritten.IsZero() || len(r.Peers) != 3 {
					t.Errorf("found %+v, want index %d", r, last)
				}
			}
			backup, lone := dir+".kept", []raftstore.Peer{{ID: leader.id, Address: leader.address, Voter: true}}
			for want, peers := range map[string][]raftstore.Peer{"names no server with a vote": nil, "names a server without an id or an address": {{ID: leader.id, Voter: true}}} {
				before := filesIn(t, dir)
				if err := raftstore.OrderRecovery(dir, backup, peers); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("of %v: %v, want %q", peers, err, want)
				}
				if after := filesIn(t, dir); !slices.Equal(before, after) {
					t.Errorf("a list that is refused leaves %v, before %v", after, before)
				}
			}
			must(t, raftstore.OrderRecovery(dir, backup, lone))
			if err := raftstore.OrderRecovery(dir, backup, lone); err == nil {
				t.Error("an earlier copy was written over")
			}
			copied := append(filesIn(t, backup), "peers.json")
			slices.Sort(copied)
			if there := filesIn(t, dir); !slices.Equal(copied, there) {
				t.Errorf("the copy has %v, want %v", copied, there)
			}
			r, err := raftstore.Survey(backup, hclog.NewNullLogger())
			if err != nil || r.LastIndex != last || len(r.Peers) != 3 {
				t.Errorf("the copy holds %+v, %v", r, err)
			}
			leader.start(t)
			leaderOf(t, []*node{leader})
			leader.apply(t, "two")
			wantEntries(t, leader, "one", "two")
		})
	}
}

func TestFolderThatCannotBeRecoveredFromIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, n *node)
		want  string
	}{
		"no folder": {func(t *testing.T, n *node) { must(t, os.RemoveAll(n.opts.Dir)) }, "no server has its log here"},
		"no entry":  {func(*testing.T, *node) {}, "there is nothing to recover"},
		"damaged": {func(t *testing.T, n *node) {
			must(t, os.WriteFile(filepath.Join(n.opts.Dir, "stable.db"), []byte("junk"), 0o600))
		}, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, "s1", t.TempDir())
			n.start(t)
			n.stop(t)
			c.spoil(t, n)
			if r, err := raftstore.Survey(n.opts.Dir, hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want %q", r, err, c.want)
			}
		})
	}
}

// filesIn lists the files below a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	must(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	}))
	slices.Sort(names)
	return names
}
