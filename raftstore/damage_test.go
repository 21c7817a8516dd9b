package raftstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/raftstore"
)

// filled is a lone server's folder with two snapshots and a log behind them, and
// what it holds.
func filled(t *testing.T, backend string, id ...string) (n *node, want []string) {
	t.Helper()
	n = newNode(t, append(id, "s1")[0], filepath.Join(t.TempDir(), "raft"), func(o *raftstore.Options) {
		o.Backend, o.SegmentBytes, o.TrailingLogs = backend, 8<<10, 5
	}).start(t)
	must(t, n.Bootstrap(lonePeers(n)))
	leaderOf(t, []*node{n})
	for i := range 300 {
		want = append(want, fmt.Sprintf("entry %d %s", i, strings.Repeat("x", 60)))
		n.apply(t, want[i])
		if i == 50 || i == 60 {
			must(t, n.Raft().Snapshot().Error())
		}
	}
	n.stop(t)
	return n, want
}

// reopen starts a server on a copy of a folder after damage was done to it.
func reopen(t *testing.T, n *node, hurt func(dir string)) (again *node, log string, err error) {
	t.Helper()
	dir := copyDir(t, n.opts.Dir)
	hurt(dir)
	var lines bytes.Buffer
	again = &node{id: n.id, address: n.address, opts: n.opts, machine: &journal{}}
	again.opts.Dir, again.opts.Machine = dir, again.machine
	again.opts.Listener = listenAgain(t, "127.0.0.1:0")
	again.opts.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &lines})
	s, err := raftstore.Open(again.opts)
	if err != nil {
		return nil, lines.String(), err
	}
	again.Store = s
	t.Cleanup(func() { _ = s.Close() })
	leaderOf(t, []*node{again})
	must(t, s.Barrier(t.Context()))
	return again, lines.String(), nil
}

func edit(t *testing.T, path string, change func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, change(b), 0o600))
}

// written is the part of a file that is not zeros at its end.
func written(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

var harms = map[string]func(b []byte) []byte{
	"zeros in the middle": func(b []byte) []byte { at := len(written(b)) / 2; clear(b[at : at+min(512, at/2)]); return b },
	"flip at the head":    func(b []byte) []byte { b[9] ^= 1; return b },
	"flip in the middle":  func(b []byte) []byte { b[len(written(b))/2] ^= 1; return b },
	"flip in the tail":    func(b []byte) []byte { b[len(written(b))-20] ^= 1; return b },
	"half":                func(b []byte) []byte { return b[:len(written(b))/2] },
	"tail cut off":        func(b []byte) []byte { return b[:len(written(b))-10] },
	"empty":               func([]byte) []byte { return nil },
}

// TestDamagedRaftFilesAreNamedOrHarmless does each kind of damage to each file.
// The server may refuse to start, naming the file, or say that it mended it and
// hold all it held. Silence, or less than all, is neither.
func TestDamagedRaftFilesAreNamedOrHarmless(t *testing.T) {
	for _, backend := range backends {
		n, want := filled(t, backend)
		other, _ := filled(t, backend, "s2")
		var files []string
		for _, pattern := range []string{"stable.db", "raft.db", "synced", "wal/*.wal", "snapshots/*/*"} {
			found, err := filepath.Glob(filepath.Join(n.opts.Dir, pattern))
			must(t, err)
			for _, f := range found {
				rel, err := filepath.Rel(n.opts.Dir, f)
				must(t, err)
				files = append(files, rel)
			}
		}
		for _, file := range files {
			for harm, change := range harms {
				t.Run(backend+"/"+file+"/"+harm, func(t *testing.T) {
					wantNamed(t, n, want, file, func(dir string) { edit(t, filepath.Join(dir, file), change) })
				})
			}
			t.Run(backend+"/"+file+"/removed", func(t *testing.T) {
				wantNamed(t, n, want, file, func(dir string) { must(t, os.Remove(filepath.Join(dir, file))) })
			})
			t.Run(backend+"/"+file+"/another server's", func(t *testing.T) {
				b, err := os.ReadFile(filepath.Join(other.opts.Dir, file))
				if err != nil {
					t.Skip("the other has no such file")
				}
				wantNamed(t, n, want, file, func(dir string) { must(t, os.WriteFile(filepath.Join(dir, file), b, 0o600)) })
			})
		}
	}
}

func wantNamed(t *testing.T, n *node, want []string, file string, hurt func(dir string)) {
	t.Helper()
	var before, after string
	again, log, err := reopen(t, n, func(dir string) {
		before = contents(t, dir)
		hurt(dir)
		after = contents(t, dir)
	})
	name := strings.Split(file, "/")[0]
	switch {
	case err != nil:
		if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "goroutine") {
			t.Errorf("refused with %q, want one line that names %s", err, name)
		}
		return
	case strings.HasSuffix(file, ".db") && strings.Contains(t.Name(), "flip"):
		// A flip in one of bbolt's free pages changes nothing that is read; what is read
		// has its checksum, see TestNumberBesideTheChecksumIsNoWayAroundIt.
	case before != after && !strings.Contains(log, name):
		t.Errorf("started, and its log does not name %s:\n%s", name, log)
	}
	wantEntries(t, again, want...)
}

// TestNumberBesideTheChecksumIsNoWayAroundIt: the number of the transaction that the
// checksum is of may be damaged as well as what was summed.
func TestNumberBesideTheChecksumIsNoWayAroundIt(t *testing.T) {
	for _, row := range []struct {
		key   string // changed, "" for nothing
		ahead int
		want  string // of the log or the error
	}{
		{"x", 0, "is damaged"},
		{"x", 5, "is damaged"},
		{"x", -1, "an earlier version ran here in the meantime"},
		{"", 5, "noted for another transaction"},
		{"", -1, "noted for another transaction"},
	} {
		n, _ := filled(t, "wal")
		_, log, err := reopen(t, n, func(dir string) {
			must(t, raftstore.ChangeStable(filepath.Join(dir, "stable.db"), row.key, row.ahead))
		})
		if got := fmt.Sprint(log, err); !strings.Contains(got, row.want) {
			t.Errorf("%q changed, number %+d: %s; want %s", row.key, row.ahead, got, row.want)
		}
	}
}

func TestAnUnharmedFolderStartsWithoutAWarning(t *testing.T) {
	for _, backend := range backends {
		n, want := filled(t, backend)
		again, log, err := reopen(t, n, func(string) {})
		must(t, err)
		if strings.Contains(log, "[ERROR]") || strings.Contains(log, "[WARN]") {
			t.Errorf("log: %s", log)
		}
		wantEntries(t, again, want...)
	}
}

func TestAnotherNodeIDDoesNotGetTheFolder(t *testing.T) {
	n, _ := filled(t, "wal")
	n.opts.ID = "other"
	_, _, err := reopen(t, n, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "holds the log and the votes of the server with node ID s1, but this server's node ID is other") {
		t.Errorf("got %v", err)
	}
}

// TestRaftFolderIsReadByItsOwnerOnly is about old folders, too.
func TestRaftFolderIsReadByItsOwnerOnly(t *testing.T) {
	n, _ := filled(t, "wal")
	again, _, err := reopen(t, n, func(dir string) {
		must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			return errors.Join(err, os.Chmod(path, 0o755))
		}))
	})
	must(t, err)
	must(t, filepath.WalkDir(again.opts.Dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	}))
}

// TestGarbageFromTheNetworkReplacesNoSnapshot sends two snapshots that no
// machine takes: the server keeps what it has and starts again.
func TestGarbageFromTheNetworkReplacesNoSnapshot(t *testing.T) {
	n, want := filled(t, "wal")
	again, _, err := reopen(t, n, func(string) {})
	must(t, err)
	trans := raft.NewNetworkTransport(senderStream{}, 1, rpcTime, nil)
	defer func() { _ = trans.Close() }()
	conf := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "s1", Address: raft.ServerAddress(again.opts.Listener.Addr().String())}}})
	for i := range uint64(2) {
		req := &raft.InstallSnapshotRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("evil"), Addr: []byte("127.0.0.1:1")}, SnapshotVersion: 1,
			Term: 1000 + i, LastLogIndex: 100000 + i, LastLogTerm: 1000, Configuration: conf, Size: 800,
		}
		var resp raft.InstallSnapshotResponse
		err := trans.InstallSnapshot("s1", raft.ServerAddress(again.opts.Listener.Addr().String()), req, &resp, bytes.NewReader(make([]byte, 800)))
		if err == nil || !strings.Contains(err.Error(), "entries, but none applied") || resp.Success {
			t.Fatalf("want what the machine's check says, got %v, %+v", err, resp)
		}
	}
	must(t, again.Close())
	n.opts.Dir = again.opts.Dir
	again, _, err = reopen(t, n, func(string) {})
	must(t, err)
	wantEntries(t, again, want...)
}

// TestASnapshotOfWhatAServerHasTakesNothingFromIt: a leader sends one late that is older than
// what the server has applied, and one of an entry that it has in its log only.
func TestASnapshotOfWhatAServerHasTakesNothingFromIt(t *testing.T) {
	n, want := filled(t, "wal")
	again, _, err := reopen(t, n, func(string) {})
	must(t, err)
	trans := raft.NewNetworkTransport(senderStream{}, 1, rpcTime, nil)
	defer func() { _ = trans.Close() }()
	address, head := raft.ServerAddress(again.opts.Listener.Addr().String()), raft.RPCHeader{ProtocolVersion: 3, ID: []byte("s2"), Addr: []byte("127.0.0.1:1")}
	term, last := again.Raft().CurrentTerm()+1, again.Raft().LastIndex()
	install := func(index uint64) *raft.InstallSnapshotRequest {
		conf := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "s1", Address: address}}})
		return &raft.InstallSnapshotRequest{RPCHeader: head, SnapshotVersion: 1, Term: term, LastLogIndex: index, LastLogTerm: term, Configuration: conf, Size: int64(len(saved(t, index, "old")))}
	}
	entry := &raft.AppendEntriesRequest{
		RPCHeader: head, Term: term, PrevLogEntry: last, PrevLogTerm: term - 1,
		Entries: []*raft.Log{{Index: last + 1, Term: term, Type: raft.LogCommand, Data: []byte("new")}},
	}
	//lint:ignore SA1019 as raft does
	entry.Leader = []byte("127.0.0.1:1")
	var answer raft.AppendEntriesResponse
	if err := trans.AppendEntries("s1", address, entry, &answer); err != nil || !answer.Success {
		t.Fatalf("entry %d: %v, %+v", last+1, err, answer)
	}
	other := newNode(t, "s2", t.TempDir()).start(t)
	for _, index := range []uint64{last - 2, last + 1} {
		req := install(index)
		resp, err := other.InstallSnapshot(raftstore.Peer{ID: "s1", Address: string(address)}, req, saved(t, index, "old"))
		if err != nil || !resp.Success || resp.Term != term {
			t.Errorf("snapshot of entry %d of %d: %+v, %v; want success", index, last+1, resp, err)
		}
	}
	entry.PrevLogEntry, entry.PrevLogTerm, entry.Entries, entry.LeaderCommitIndex = last+1, term, nil, last+1
	if err := trans.AppendEntries("s1", address, entry, &answer); err != nil || !answer.Success {
		t.Errorf("what is committed after: %v, %+v", err, answer)
	}
	wantEntries(t, again, append(want, "new")...)
	must(t, again.Close())
	n.opts.Dir = again.opts.Dir
	again, _, err = reopen(t, n, func(string) {})
	must(t, err)
	wantEntries(t, again, append(want, "new")...)
}

// TestTermsFarAheadAreRefused sends a term that would wrap around, and one that may be.
func TestTermsFarAheadAreRefused(t *testing.T) {
	n, _ := filled(t, "wal")
	again, _, err := reopen(t, n, func(string) {})
	must(t, err)
	before := again.Raft().CurrentTerm()
	trans := raft.NewNetworkTransport(senderStream{}, 1, rpcTime, nil)
	defer func() { _ = trans.Close() }()
	address := raft.ServerAddress(again.opts.Listener.Addr().String())
	head := raft.RPCHeader{ProtocolVersion: 3, ID: []byte("s1"), Addr: []byte(address)}
	refusal := func(term uint64) string { return fmt.Sprintf("term %d is too far ahead of ours, %d", term, before) }
	for _, term := range []uint64{before + 1<<33, 1<<64 - 1} {
		var vote raft.RequestVoteResponse
		if err := trans.RequestVote("s1", address, &raft.RequestVoteRequest{RPCHeader: head, Term: term, LastLogIndex: 1 << 40, LastLogTerm: term, LeadershipTransfer: true}, &vote); err == nil || err.Error() != refusal(term) {
			t.Errorf("vote for term %d: %v, %+v, want %q", term, err, vote, refusal(term))
		}
		var entries raft.AppendEntriesResponse
		if err := trans.AppendEntries("s1", address, &raft.AppendEntriesRequest{RPCHeader: head, Term: term}, &entries); err == nil || err.Error() != refusal(term) {
			t.Errorf("entries of term %d: %v, %+v, want %q", term, err, entries, refusal(term))
		}
	}
	if after := again.Raft().CurrentTerm(); after != before {
		t.Errorf("term went from %d to %d", before, after)
	}
	var vote raft.RequestVoteResponse // a term that may be: the same messages do reach raft
	if err := trans.RequestVote("s1", address, &raft.RequestVoteRequest{RPCHeader: head, Term: before + 1, LastLogIndex: 1 << 40, LastLogTerm: before + 1, LeadershipTransfer: true}, &vote); err != nil || !vote.Granted {
		t.Errorf("vote for the next term: %v, %+v", err, vote)
	}
}

// TestEarlyAnnouncementsDoNotReachRaft: raft would warn of a gap, and take the sender
// for the leader.
func TestEarlyAnnouncementsDoNotReachRaft(t *testing.T) {
	n, _ := filled(t, "wal")
	again, _, err := reopen(t, n, func(string) {})
	must(t, err)
	trans := raft.NewNetworkTransport(senderStream{}, 1, rpcTime, nil)
	defer func() { _ = trans.Close() }()
	address, last := raft.ServerAddress(again.opts.Listener.Addr().String()), again.Raft().LastIndex()
	message := &raft.AppendEntriesRequest{
		RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte("s2"), Addr: []byte("127.0.0.1:1")},
		Term:      again.Raft().CurrentTerm(), PrevLogEntry: last + 1, PrevLogTerm: 1, LeaderCommitIndex: last + 1,
	}
	var answer raft.AppendEntriesResponse
	if err := trans.AppendEntries("s1", address, message, &answer); err != nil || answer.Success || answer.LastLog != last || !again.IsLeader() {
		t.Errorf("%v, %+v, leads %v; want no success, %d, and that it leads", err, answer, again.IsLeader(), last)
	}
	//lint:ignore SA1019 as raft does
	message.Leader = []byte("127.0.0.1:1") // raft's own
	if err := trans.AppendEntries("s1", address, message, &answer); err != nil || answer.Success || again.IsLeader() {
		t.Errorf("%v, %+v, leads %v; want no success, and that it leads no more", err, answer, again.IsLeader())
	}
}

var errNotHere = errors.New("this side only sends")

const rpcTime = 5 * time.Second

// senderStream dials only.
type senderStream struct{}

func (senderStream) Accept() (net.Conn, error) { return nil, errNotHere }
func (senderStream) Close() error              { return nil }
func (senderStream) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (senderStream) Dial(address raft.ServerAddress, _ time.Duration) (net.Conn, error) {
	return net.Dial("tcp", string(address))
}
