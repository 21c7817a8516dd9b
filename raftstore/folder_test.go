package raftstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"praetor/raftstore"
)

func TestPeersJSONReplacesTheListOfServers(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			nodes := cluster(t, 3, func(o *raftstore.Options) { o.Backend = backend })
			leader := leaderOf(t, nodes)
			leader.apply(t, "one")
			for _, n := range nodes {
				n.stop(t)
			}
			json := filepath.Join(leader.opts.Dir, "peers.json")
			must(t, os.WriteFile(json, []byte(fmt.Sprintf(`[{"id":%q,"address":%q,"non_voter":false}]`, leader.id, leader.address)), 0o600))
			leader.start(t)
			leaderOf(t, []*node{leader})
			leader.apply(t, "two")
			wantEntries(t, leader, "one", "two")
			if _, err := os.Stat(json); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("peers.json is still there: %v", err)
			}
			leader.stop(t)
			leader.start(t)
			leaderOf(t, []*node{leader})
			wantEntries(t, leader, "one", "two")
		})
	}
}

func TestPeersJSONWithoutPeersInfoIsDeletedUnread(t *testing.T) {
	n := newNode(t, "s1", t.TempDir())
	json, info := filepath.Join(n.opts.Dir, "peers.json"), filepath.Join(n.opts.Dir, "peers.info")
	must(t, os.WriteFile(json, []byte("not even JSON"), 0o600))
	n.start(t)
	if _, err := os.Stat(json); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("peers.json is still there: %v", err)
	}
	if b, err := os.ReadFile(info); err != nil || !strings.Contains(string(b), "peers.json") {
		t.Errorf("peers.info: %q, %v", b, err)
	}
}

func TestBadPeersJSONStopsTheStartAndStays(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"no list":   {`{}`, "is not a list of servers"},
		"no id":     {`[{"address":"a:1"}]`, `server 1 needs an "id" and an "address"`},
		"no voter":  {`[{"id":"a","address":"a:1","non_voter":true}]`, "names no server with a vote"},
		"twice":     {`[{"id":"a","address":"a:1"},{"id":"a","address":"a:2"}]`, "names the id a twice"},
		"address":   {`[{"id":"a","address":"a:1"},{"id":"b","address":"a:1"}]`, "names the address a:1 twice"},
		"no state":  {`[{"id":"a","address":"a:1"}]`, "refused to recover cluster with no initial state"},
		"truncated": {`[{"id":"a"`, "unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, "s1", t.TempDir())
			n.opts.Machine = &journal{}
			must(t, os.WriteFile(filepath.Join(n.opts.Dir, "peers.info"), nil, 0o600))
			json := filepath.Join(n.opts.Dir, "peers.json")
			must(t, os.WriteFile(json, []byte(tc.text), 0o600))
			_, err := raftstore.Open(n.opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), json) {
				t.Errorf("got %v, want %s and %s", err, tc.want, json)
			}
			if b, _ := os.ReadFile(json); string(b) != tc.text {
				t.Errorf("peers.json became %q", b)
			}
		})
	}
}

func FuzzParsePeers(f *testing.F) {
	f.Add([]byte(`[{"id":"a","address":"10.0.0.1:8300","non_voter":false}]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"id":"a","address":"a:1"},{"id":"b","address":"b:1","non_voter":true}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		conf, err := raftstore.ParsePeers(b)
		if err != nil {
			return
		}
		seen, voters := map[string]bool{}, 0
		for _, s := range conf.Servers {
			if s.ID == "" || s.Address == "" || seen[string(s.ID)] {
				t.Fatalf("accepted %+v", conf.Servers)
			}
			seen[string(s.ID)] = true
			if s.Suffrage == 0 {
				voters++
			}
		}
		if voters == 0 {
			t.Fatalf("accepted a list without a voter: %+v", conf.Servers)
		}
	})
}

func TestTheBackendWithEntriesIsKept(t *testing.T) {
	for _, tc := range []struct{ first, then, fault string }{
		{"", "wal", ""},
		{"wal", "", ""},
		{"boltdb", "", ""},
		{"boltdb", "default", ""},
		{"boltdb", "wal", `raft_logstore.backend is "wal", but %s/raft.db holds this server's log (set it to "boltdb", or remove the raft folder and let the server join anew)`},
		{"wal", "boltdb", `raft_logstore.backend is "boltdb", but %s/wal holds this server's log (set it to "wal", or remove the raft folder and let the server join anew)`},
	} {
		t.Run(tc.first+" then "+tc.then, func(t *testing.T) {
			n := cluster(t, 1, func(o *raftstore.Options) { o.Backend = tc.first })[0]
			n.apply(t, "one")
			n.stop(t)
			n.opts.Backend = tc.then
			if tc.fault == "" {
				n.start(t)
				leaderOf(t, []*node{n})
				wantEntries(t, n, "one")
				return
			}
			_, err := raftstore.Open(n.opts)
			if want := "open raft folder: " + fmt.Sprintf(tc.fault, n.opts.Dir); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestForeignFoldersAreLeftAlone covers what cannot be our raft folder: the
// fault is told, and not a byte changes.
func TestForeignFoldersAreLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"another program's raft.db": {func(t *testing.T, dir string) {
			must(t, os.MkdirAll(dir, 0o700))
			db, err := bbolt.Open(filepath.Join(dir, "raft.db"), 0o600, nil)
			must(t, err)
			must(t, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("logs")); return err }))
			must(t, db.Close())
		}, "written by another program"},
		"another program's wal": {func(t *testing.T, dir string) {
			must(t, os.MkdirAll(filepath.Join(dir, "wal"), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "wal", "wal-meta.db"), []byte("x"), 0o600))
		}, "written by another program"},
		"a file in its place": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(dir, []byte("x"), 0o600))
		}, "not a directory"},
		"a damaged raft.db": {func(t *testing.T, dir string) {
			must(t, os.MkdirAll(dir, 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "raft.db"), make([]byte, 8192), 0o600))
		}, "invalid database"},
		"a damaged stable.db": {func(t *testing.T, dir string) {
			must(t, os.MkdirAll(dir, 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "stable.db"), make([]byte, 8192), 0o600))
		}, "invalid database"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "raft")
			tc.make(t, dir)
			before := contents(t, dir)
			n := newNode(t, "s1", dir)
			n.opts.Machine = &journal{}
			_, err := raftstore.Open(n.opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q and the folder's name", err, tc.want)
			}
			if after := contents(t, dir); after != before {
				t.Errorf("the folder changed from %q to %q", before, after)
			}
		})
	}
}

func contents(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintln(&all, path)
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	}))
	return all.String()
}

// TestFilesAreWrittenInTheOrderThatLasts keeps the order of file operations of
// a first start, a snapshot and a recovery.
func TestFilesAreWrittenInTheOrderThatLasts(t *testing.T) {
	var ops []string
	section := func(name string) { ops = append(ops, "# "+name) }
	var record func(string) error
	n := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) {
		o.FileOp = func(label string) error { return record(label) }
	})
	record = recorder(&ops)
	section("first start")
	n.start(t)
	section("bootstrap, election")
	must(t, n.Bootstrap(lonePeers(n)))
	leaderOf(t, []*node{n})
	must(t, n.Barrier(context.Background()))
	section("one command")
	n.apply(t, "one")
	section("snapshot")
	must(t, n.Raft().Snapshot().Error())
	n.stop(t)
	section("restart with peers.json")
	must(t, os.WriteFile(filepath.Join(n.opts.Dir, "peers.json"), []byte(fmt.Sprintf(`[{"id":"s1","address":%q}]`, n.address)), 0o600))
	n.start(t)
	leaderOf(t, []*node{n})
	must(t, n.Barrier(context.Background()))
	golden(t, "fileops.txt", strings.Join(ops, "\n")+"\n")
}

func recorder(ops *[]string) func(string) error {
	lock := make(chan struct{}, 1)
	return func(label string) error {
		lock <- struct{}{}
		*ops = append(*ops, label)
		<-lock
		return nil
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s (UPDATE_GOLDEN=1 rewrites it):\ngot\n%s\nwant\n%s", path, got, want)
	}
}

// TestAnyFileOperationOfAFirstStartMayFail lets the nth operation fail: Open
// says so, and the next start, on a mended disk, goes as if nothing had been.
func TestAnyFileOperationOfAFirstStartMayFail(t *testing.T) {
	broken := errors.New("the disk is broken")
	for n := 1; ; n++ {
		count := 0
		srv := newNode(t, "s1", filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) {
			o.Machine = &journal{}
			o.FileOp = func(label string) error {
				if count++; count == n {
					return fmt.Errorf("%s: %w", label, broken)
				}
				return nil
			}
		})
		s, err := raftstore.Open(srv.opts)
		if err == nil {
			must(t, s.Close())
			if n < 10 {
				t.Fatalf("only %d operations", n)
			}
			return
		}
		if !errors.Is(err, broken) {
			t.Fatalf("operation %d: %v", n, err)
		}
		srv.opts.FileOp = nil
		srv.opts.Listener = listenAgain(t, srv.address)
		srv.start(t)
		must(t, srv.Bootstrap(lonePeers(srv)))
		leaderOf(t, []*node{srv})
		srv.apply(t, "one")
		srv.stop(t)
	}
}

func TestWriteWholeLeavesOldOrNew(t *testing.T) {
	broken := errors.New("the disk is broken")
	var labels []string
	for n := 1; ; n++ {
		path := filepath.Join(t.TempDir(), "f")
		must(t, raftstore.WriteFile(nil, path, []byte("old")))
		labels = nil
		err := raftstore.WriteFile(func(label string) error {
			if labels = append(labels, label); len(labels) == n {
				return broken
			}
			return nil
		}, path, []byte("new"))
		got, _ := os.ReadFile(path)
		want := "old"
		if err == nil || slices.Contains(labels, "file:syncdir") { // renamed; if it lasts is open
			want = "new"
		}
		if string(got) != want {
			t.Errorf("failing %q: the file holds %q, want %q", labels, got, want)
		}
		if _, err := os.Stat(path + ".tmp"); err == nil {
			t.Errorf("failing %q: the temporary file is still there", labels)
		}
		if err == nil {
			break
		}
	}
	want := "file:create file:write file:sync file:rename file:syncdir"
	if got := strings.Join(labels, " "); got != want {
		t.Errorf("order %s, want %s", got, want)
	}
}
