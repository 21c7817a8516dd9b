package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// data is the path of something in the node's data folder.
func (n *node) data(name ...string) string {
	return filepath.Join(append([]string{n.root, n.dir, "data"}, name...)...)
}

// refusesToStart starts an agent that must end at once.
func (n *node) refusesToStart(words ...string) {
	n.t.Helper()
	n.start()
	n.ends(words...)
}

// ends waits until an agent has ended by itself, in one line with words.
func (n *node) ends(words ...string) {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(30 * time.Second):
		n.t.Fatalf("%s still runs", n.name)
	}
	said := n.log.String()
	if code := n.cmd.ProcessState.ExitCode(); code != 1 {
		n.t.Errorf("%s: exit code %d, want 1", n.name, code)
	}
	named := slices.ContainsFunc(strings.Split(said, "\n"), func(line string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
	})
	if !named {
		n.t.Errorf("%s: no line with all of %q in:\n%s", n.name, words, said)
	}
	if strings.Contains(said, "goroutine ") {
		n.t.Errorf("%s ends with a stack:\n%s", n.name, said)
	}
}

// damageLog zeroes 512 bytes of the log, where it holds text.
func (n *node) damageLog(text string) {
	n.t.Helper()
	files, err := filepath.Glob(n.data("raft", "wal", "*.wal"))
	for _, file := range files {
		content, rerr := os.ReadFile(file)
		err = errors.Join(err, rerr)
		if at := bytes.Index(content, []byte(text)); at >= 0 {
			f, werr := os.OpenFile(file, os.O_WRONLY, 0) // in place: a running server has it open
			if err = errors.Join(err, werr); err == nil {
				_, werr = f.WriteAt(make([]byte, 512), int64(at))
				err = errors.Join(werr, f.Close())
			}
			if err == nil {
				return
			}
		}
	}
	n.t.Fatalf("damage the log of %s: %v, %q not found in %v", n.name, err, text, files)
}

// putMany writes keys prefix/000 to prefix/199, each acknowledged.
func (n *node) putMany(prefix string) {
	n.t.Helper()
	for i := range 200 {
		waitFor(n.t, "write", 30*time.Second, func() error {
			return n.put(fmt.Sprintf("/v1/kv/%s/%03d", prefix, i), strings.Repeat("v", 200))
		})
	}
}

// hasMany wants all keys of putMany in this server's own copy.
func (n *node) hasMany(prefix string) func() error {
	return func() error {
		var keys []string
		if err := n.get("/v1/kv/"+prefix+"/?keys&stale", &keys); err != nil {
			return err
		}
		if len(keys) != 200 {
			return fmt.Errorf("%d keys, want 200", len(keys))
		}
		return nil
	}
}

// isRemoved removes a server from the Raft configuration, unless it has gone.
func isRemoved(by *node, id string) func() error {
	return func() error {
		peers, errs, code := by.cli("operator", "raft", "list-peers")
		if code != 0 {
			return errors.New(errs)
		}
		if strings.Contains(peers, id) {
			_, errs, _ = by.cli("operator", "raft", "remove-peer", "-id="+id)
			return fmt.Errorf("%s was a peer; %s", id, errs)
		}
		return nil
	}
}

// TestServerWithADamagedLogComesBackUnderANewID follows docs/troubleshooting.md, and
// before that what it warns of: an empty raft folder under the old ID.
func TestServerWithADamagedLogComesBackUnderANewID(t *testing.T) {
	t.Parallel()
	trio := newTrio(t, 80)
	trio[0].putMany("many")
	hurt, others := trio[2], trio[:2]
	waitFor(t, "keys", 20*time.Second, hurt.hasMany("many"))
	hurt.signal(syscall.SIGTERM)
	hurt.damageLog("many/100")
	hurt.refusesToStart(".wal is damaged", "offset ", "index ", "operator raft remove-peer")
	id, err := os.ReadFile(hurt.data("node-id"))
	if err = errors.Join(err, os.Rename(hurt.data("raft"), filepath.Join(hurt.dir, "raft"))); err != nil {
		t.Fatal(err)
	}
	hurt.refusesToStart("stable.db is missing or empty", string(id), "operator raft remove-peer")
	waitFor(t, "removal of the old ID", 30*time.Second, isRemoved(others[0], string(id)))
	if err := os.Rename(hurt.data("node-id"), filepath.Join(hurt.dir, "node-id")); err != nil {
		t.Fatal(err)
	}
	hurt.start()
	waitFor(t, "server without a vote", 30*time.Second, func() error {
		if peers, errs, _ := others[0].cli("operator", "raft", "list-peers"); strings.Count(peers, "false") != 1 {
			return fmt.Errorf("peers %s %s", peers, errs)
		}
		return nil
	})
	waitFor(t, "keys", 30*time.Second, hurt.hasMany("many"))
	waitFor(t, "third voter", 60*time.Second, func() error { return wantVoters(trio, 3) })
}

// TestDamagedServerAndOneThatWasAwayServeNothing: what two servers acknowledged while
// the third was away is on those two alone. With one of them damaged and the other
// away there is no leader, rather than one that lacks it.
func TestDamagedServerAndOneThatWasAwayServeNothing(t *testing.T) {
	t.Parallel()
	trio := newTrio(t, 81)
	waitFor(t, "write", 30*time.Second, func() error { return trio[0].put("/v1/kv/early", "1") })
	hurt, good, away := trio[0], trio[1], trio[2]
	away.kill()
	hurt.putMany("late")
	waitFor(t, "keys", 20*time.Second, good.hasMany("late"))
	hurt.signal(syscall.SIGTERM)
	good.signal(syscall.SIGTERM)
	hurt.damageLog("late/100")
	away.start()
	hurt.refusesToStart(".wal is damaged", "offset ", "index ")
	waitFor(t, "own agent", 20*time.Second, func() error { _, _, err := away.request("GET", "/v1/agent/self", ""); return err })
	if err := away.put("/v1/kv/lost", "1"); err == nil {
		t.Error("the server that was away took a write alone")
	}
	hurt.refusesToStart(".wal is damaged")
	good.start()
	for _, n := range []*node{good, away} {
		waitFor(t, "keys", 30*time.Second, n.hasMany("late"))
	}
	waitFor(t, "write", 30*time.Second, func() error { return away.put("/v1/kv/after", "1") })
}

// TestLoneServerWithADamagedSnapshotRefusesInOneLine damages what describes it.
func TestLoneServerWithADamagedSnapshotRefusesInOneLine(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.82.1", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "write", 30*time.Second, func() error { return n.put("/v1/kv/a", "1") })
	saved := filepath.Join(n.dir, "saved")
	for _, verb := range []string{"save", "restore"} { // a restore leaves a snapshot in the raft folder
		if _, errs, code := n.cli("snapshot", verb, saved); code != 0 {
			t.Fatal(errs)
		}
	}
	n.signal(syscall.SIGTERM)
	metas, err := filepath.Glob(n.data("raft", "snapshots", "*", "meta.json"))
	if err != nil || len(metas) == 0 {
		t.Fatalf("no snapshot: %v", err)
	}
	for _, meta := range metas {
		if err := os.WriteFile(meta, []byte(`{"ID":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.refusesToStart("is damaged", "meta.json")
}

// TestDamageMetWhileRunningEndsTheServer: an entry is read again for a server that
// joins. Its log was good when the server started.
func TestDamageMetWhileRunningEndsTheServer(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.83.1", "-server", "-bootstrap-expect=1").start()
	for _, prefix := range []string{"a", "b", "c", "d"} { // more than are kept in memory
		n.putMany(prefix)
	}
	n.damageLog("a/100")
	newNode(t, "s2", "127.77.83.2", "-server", "-retry-join=127.77.83.1").start()
	n.ends("wal is damaged", "index ", "operator raft remove-peer")
}

// TestFirstStartThatWasKilledIsStillTheFirst kills a new server at any point: it must
// not take what it made until then for a folder that lost its votes.
func TestFirstStartThatWasKilledIsStillTheFirst(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.84.1", "-server", "-bootstrap-expect=1")
	for _, made := range []string{"server_metadata.json", "node-id", "raft", "raft/stable.db", "raft/wal"} {
		if err := os.RemoveAll(n.data()); err != nil {
			t.Fatal(err)
		}
		n.start()
		waitFor(t, made, 20*time.Second, func() error { _, err := os.Lstat(n.data(made)); return err })
		n.kill()
		n.start()
		waitFor(t, "leader", 20*time.Second, n.hasLeader)
		n.signal(syscall.SIGTERM)
	}
}
