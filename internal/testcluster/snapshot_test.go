package testcluster_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testcluster"
)

func save(t *testing.T, by *testcluster.Node, opts rpc.ReadOptions) []byte {
	t.Helper()
	return saveAs(t, by, opts, "")
}

func saveAs(t *testing.T, by *testcluster.Node, opts rpc.ReadOptions, format string) []byte {
	t.Helper()
	rep, out, err := ops.SnapshotSave.Call(context.Background(), by.Agent().Router(), &ops.SnapshotSaveRequest{ReadOptions: opts, Format: format}, nil)
	if err != nil {
		t.Fatalf("save through %s: %v", by.Name(), err)
	}
	defer out.Close()
	b, err := io.ReadAll(out)
	if err != nil || rep.Index == 0 || !rep.KnownLeader || rep.Format != format {
		t.Fatalf("save through %s: %+v, %d bytes, %v", by.Name(), rep, len(b), err)
	}
	return b
}

func restore(by *testcluster.Node, archive []byte) error {
	_, out, err := ops.SnapshotRestore.Call(context.Background(), by.Agent().Router(), &ops.SnapshotRestoreRequest{}, bytes.NewReader(archive))
	if out != nil {
		out.Close()
	}
	return err
}

// overwrite writes a key that a restore is to take back: nobody counts it as
// acknowledged for ever.
func overwrite(t *testing.T, by *testcluster.Node, key, value string) {
	t.Helper()
	if _, err := ops.KVApply.Call(context.Background(), by.Agent().Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}},
	}); err != nil {
		t.Fatal(err)
	}
}

func wantAbsent(c *testcluster.Cluster, by *testcluster.Node, key string) {
	c.WaitFor("absence of "+key, func() error {
		rep, err := ops.KVGet.Call(context.Background(), by.Agent().Router(), &ops.KVGetRequest{Key: key})
		if err == nil && rep.Entry != nil {
			err = fmt.Errorf("it is %q", rep.Entry.Value)
		}
		return err
	})
}

func TestSnapshotsAreSavedAndRestoredThroughAnyNode(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		for i, n := range append(c.Servers(), c.Clients()...) {
			archive := saveAs(t, n, rpc.ReadOptions{}, []string{"praetor", "consul"}[i%2]) // the client's is Consul's too
			overwrite(t, n, "a", "2")
			overwrite(t, n, "later", "x")
			if err := restore(n, archive); err != nil {
				t.Fatalf("through %s: %v", n.Name(), err)
			}
			c.WantKV("a", "1")
			wantAbsent(c, n, "later")
			c.PutKV("after "+n.Name(), "1")
		}
	})
}

// TestASnapshotIsRestoredOnANewMachineOfTheSameName: in the restored state the leader's name
// belongs to a node with another ID, and it needs its own before it does anything.
func TestASnapshotIsRestoredOnANewMachineOfTheSameName(t *testing.T) {
	var archive []byte
	var lost string
	testcluster.Virtual(t, testcluster.Options{Servers: 1}, func(c *testcluster.Cluster) {
		n := c.Leader()
		c.WaitFor("health of "+n.Name(), func() error { return wantHealth(c, n.Name(), catalog.Passing) })
		archive, lost = save(t, n, rpc.ReadOptions{}), n.Agent().ID()
	})
	testcluster.Virtual(t, testcluster.Options{Servers: 1}, func(c *testcluster.Cluster) {
		n := c.Leader()
		if err := restore(n, archive); err != nil || n.Agent().ID() == lost {
			t.Fatalf("restore: %v; the lost server's ID was %s, this one's is %s", err, lost, n.Agent().ID())
		}
		c.PutKV("a", "1")
		c.WaitFor(n.Name()+" in the catalog under its ID", func() error {
			rep, err := ops.CatalogNode.Call(context.Background(), n.Agent().Router(), &ops.CatalogNodeRequest{Node: n.Name()})
			if err == nil && (rep.NodeServices == nil || rep.NodeServices.Node.ID != n.Agent().ID()) {
				err = fmt.Errorf("%+v", rep.NodeServices)
			}
			return err
		})
	})
}

// TestAnArchiveForConsulIsOneThatToolsOfAnyoneOpen: a compressed tar of three files whose
// sums are right, and whose state is not ours.
func TestAnArchiveForConsulIsOneThatToolsOfAnyoneOpen(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		leader := c.Servers()[0]
		zip, err := gzip.NewReader(bytes.NewReader(saveAs(t, leader, rpc.ReadOptions{}, "consul")))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		files := map[string]string{}
		for in := tar.NewReader(zip); ; {
			h, err := in.Next()
			if err == io.EOF {
				break
			}
			if err != nil || h.Mode != 0o600 {
				t.Fatalf("%+v, %v", h, err)
			}
			text, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			names, files[h.Name] = append(names, h.Name), string(text)
		}
		if !slices.Equal(names, []string{"meta.json", "state.bin", "SHA256SUMS"}) || !strings.HasPrefix(files["state.bin"], "\x81\xa9LastIndex") {
			t.Fatalf("files %q, the state begins with %.20q", names, files["state.bin"])
		}
		for _, name := range names[:2] {
			if line := fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(files[name])), name); !strings.Contains(files["SHA256SUMS"], line) {
				t.Errorf("no %q in %q", line, files["SHA256SUMS"])
			}
		}
		var meta raft.SnapshotMeta
		strict := json.NewDecoder(strings.NewReader(files["meta.json"]))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&meta); err != nil || meta.Size != int64(len(files["state.bin"])) || meta.Index == 0 || len(meta.Configuration.Servers) != 1 || meta.Configuration.Servers[0].Suffrage != raft.Voter {
			t.Errorf("%+v, %v", meta, err)
		}
		if _, _, err := ops.SnapshotSave.Call(context.Background(), leader.Agent().Router(), &ops.SnapshotSaveRequest{Format: "xml"}, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("another format: %v", err)
		}
	})
}

func TestAStaleSnapshotIsSavedWithoutALeader(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		last := c.Servers()[0]
		c.WaitFor("the key on the last server", func() error {
			if _, e := last.Agent().Server().Store().Read().KVGet(nil, "a"); e == nil {
				return errors.New("it is not there")
			}
			return nil
		})
		for _, n := range c.Servers()[1:] {
			n.Crash()
		}
		c.WaitFor("the loss of the leader", func() error {
			if last.Agent().Server().Leader() != "" {
				return errors.New("it knows a leader")
			}
			return nil
		})
		_, out, err := ops.SnapshotSave.Call(context.Background(), last.Agent().Router(), &ops.SnapshotSaveRequest{ReadOptions: rpc.ReadOptions{Stale: true}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := io.ReadAll(out)
		out.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := restore(last, archive); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("restored without a leader: %v", err)
		}
		for _, n := range c.Servers()[1:] {
			n.Start()
		}
		c.Leader()
		overwrite(t, last, "a", "2")
		if err := restore(last, archive); err != nil {
			t.Fatal(err)
		}
		c.WantKV("a", "1")
	})
}

func TestARestoreOutlivesTheLeaderThatAcknowledgedIt(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		archive := save(t, c.Clients()[0], rpc.ReadOptions{})
		for range 3 {
			overwrite(t, c.Clients()[0], "a", "2")
			leader := c.Leader()
			if err := restore(c.Clients()[0], archive); err != nil {
				t.Fatal(err)
			}
			leader.Crash()
			c.WantKV("a", "1")
			c.PutKV("after", "x")
			leader.Start()
			c.WaitFor("the key on the server that came back", func() error {
				_, e := leader.Agent().Server().Store().Read().KVGet(nil, "after")
				if e == nil {
					return errors.New("it is not there")
				}
				return nil
			})
		}
	})
}

func TestARestoreWakesWhoeverWaitsOnEveryServer(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		archive := save(t, c.Clients()[0], rpc.ReadOptions{})
		overwrite(t, c.Clients()[0], "a", "2")
		woken := make(chan string, 4)
		for _, n := range append(c.Servers(), c.Clients()...) {
			go func() { // its answer is received below
				rep, err := ops.KVGet.Call(context.Background(), n.Agent().Router(), &ops.KVGetRequest{
					ReadOptions: rpc.ReadOptions{MinIndex: 1 << 40, MaxWait: 10 * time.Minute, Stale: true}, Key: "a",
				})
				if err != nil {
					woken <- err.Error()
					return
				}
				woken <- string(rep.Entry.Value)
			}()
		}
		synctest.Wait() // they all wait
		begin := time.Now()
		if err := restore(c.Clients()[0], archive); err != nil {
			t.Fatal(err)
		}
		for range cap(woken) {
			if got := <-woken; got != "1" {
				t.Errorf("woken with %q", got)
			}
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the last was woken after %s", took)
		}
	})
}

// The TTL of a session that was restored runs, and its lock-delay is forgotten.
func TestARestoreStartsTheTimersOfSessionsAnew(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3}, func(c *testcluster.Cluster) {
		by := c.Servers()[2]
		create := &ops.SessionCreateRequest{Session: catalog.Session{
			Node: by.Name(), TTL: "10s", Behavior: catalog.SessionRelease, LockDelay: time.Minute, NodeChecks: []string{},
		}}
		made, err := ops.SessionCreate.Call(context.Background(), by.Agent().Router(), create)
		if err != nil {
			t.Fatal(err)
		}
		lock := func() bool {
			rep, err := ops.KVApply.Call(context.Background(), by.Agent().Router(), &ops.KVApplyRequest{
				Write: catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "l", Session: made.ID}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Done
		}
		archive := save(t, by, rpc.ReadOptions{})
		if !lock() {
			t.Fatal("not locked")
		}
		if _, err := ops.SessionDestroy.Call(context.Background(), by.Agent().Router(), &ops.SessionDestroyRequest{ID: made.ID}); err != nil {
			t.Fatal(err)
		}
		if err := restore(by, archive); err != nil {
			t.Fatal(err)
		}
		if !lock() {
			t.Error("the lock-delay of the old state holds")
		}
		begin := time.Now()
		c.WaitFor("the session's end", func() error {
			rep, err := ops.SessionList.Call(context.Background(), by.Agent().Router(), &ops.SessionListRequest{})
			if err == nil && len(rep.Sessions) > 0 {
				err = errors.New("it lives")
			}
			return err
		})
		if took := time.Since(begin); took < 15*time.Second || took > 30*time.Second {
			t.Errorf("it ended after %s, want about 20 s", took)
		}
	})
}

// unpacked is what gzip makes of an archive, nil if it is damaged.
func unpacked(archive []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return data
}

func TestADamagedArchiveIsRefusedAndChangesNothing(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 1, Clients: 1}, func(c *testcluster.Cluster) {
		c.PutKV("a", "1")
		archive := save(t, c.Clients()[0], rpc.ReadOptions{})
		c.PutKV("b", "2")
		for at := 11; at < len(archive); at += 211 {
			damaged := bytes.Clone(archive)
			damaged[at] ^= 0x10
			if bytes.Equal(unpacked(damaged), unpacked(archive)) {
				continue // bits that mean nothing, or that repeat another zero
			}
			for what, b := range map[string][]byte{"damaged": damaged, "cut": archive[:at]} {
				if err := restore(c.Clients()[0], b); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "failed to ") {
					t.Fatalf("%s at %d of %d: %v", what, at, len(archive), err)
				}
			}
		}
		c.WantKV("b", "2")
	})
}
