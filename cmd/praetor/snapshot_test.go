package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// TestARestoreThroughTheRealClientOutlivesKill saves and restores with Consul's
// own client, and kills the server as soon as the restore is acknowledged.
func TestARestoreThroughTheRealClientOutlivesKill(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.9.1", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	client, err := api.NewClient(&api.Config{Address: n.ip + ":8500"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		t.Helper()
		if _, err := client.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1")
	archive, meta, err := client.Snapshot().Save(nil)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := io.ReadAll(archive)
	archive.Close()
	if err != nil || meta.LastIndex == 0 {
		t.Fatalf("%d bytes to index %d, %v", len(saved), meta.LastIndex, err)
	}
	for range 2 {
		put("a", "2")
		if err := client.Snapshot().Restore(nil, bytes.NewReader(saved)); err != nil {
			t.Fatal(err)
		}
		n.kill()
		n.start()
		waitFor(t, "leader", 20*time.Second, n.hasLeader)
		waitFor(t, "the restored key", 20*time.Second, func() error { return n.wantKey("a", "1") })
	}
	put("a", "3")
	if err := client.Snapshot().Restore(nil, bytes.NewReader(saved[:len(saved)/2])); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("half a snapshot: %v", err)
	}
	if err := n.wantKey("a", "3"); err != nil {
		t.Error(err)
	}
}

func (n *node) wantKey(key, value string) error {
	status, text, err := n.request("GET", "/v1/kv/"+key+"?raw", "")
	if err == nil && (status != 200 || text != value) {
		err = fmt.Errorf("%s is %d %q, want %q", key, status, text, value)
	}
	return err
}

func TestTheSnapshotCommandsWorkOnTheirFiles(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.9.2", "-dev").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	if err := n.put("/v1/kv/apps/web/color", "blue"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.snap")
	stdout, stderr, code := n.cli("snapshot", "save", "-append-filename=version,dc", file)
	if code != 0 || !strings.HasPrefix(stdout, "Saved and verified snapshot to index ") {
		t.Fatalf("save: %d %s%s", code, stdout, stderr)
	}
	file = strings.TrimSuffix(file, ".snap") + "-1.22.7-dc1.snap"
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("anybody may read it: %s", info.Mode())
	}
	if list, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(list) != 1 {
		t.Errorf("more was left: %v", list)
	}
	for _, test := range []struct{ args, want string }{
		{"inspect", "\n Total "},
		{"inspect -kvdetails", "\n apps/web      1          "},
		{"inspect -kvdetails -kvdepth=1", "\n apps          1          "},
		{"inspect -kvdetails -kvfilter=b", "\n Key Name      Count      Size\n ----          ----       ----\n ----"},
		{"inspect -format=json -kvdetails", `"Name": "apps/web"`},
		{"decode", `"Key":"apps/web/color"`},
		{"decode", `"Type":"SnapshotHeader"}` + "\n"},
	} {
		args := append(append([]string{"snapshot"}, strings.Fields(test.args)...), file)
		if stdout, stderr, code := n.cli(args...); code != 0 || !strings.Contains(stdout, test.want) {
			t.Errorf("%s: %d\n%s%s\nwant %q", test.args, code, stdout, stderr, test.want)
		}
	}
	if _, stderr, code := n.cli("snapshot", "inspect", "-format=xml", file); code != 1 || stderr != "Unknown format: xml\n" {
		t.Errorf("another format: %d %s", code, stderr)
	}
	there := filepath.Join(t.TempDir(), "there.snap")
	if stdout, stderr, code := n.cli("snapshot", "save", "-format=consul", there); code != 0 || !strings.HasPrefix(stdout, "Saved and verified") ||
		!strings.HasPrefix(stderr, "What Consul will not have of this state:\n  * the authority of the mesh: ") {
		t.Errorf("save for Consul: %d %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := n.cli("snapshot", "inspect", there); code != 0 || !strings.Contains(stdout, "\n SystemMetadata ") {
		t.Errorf("inspect: %d %s%s", code, stdout, stderr)
	}
	if _, stderr, code := n.cli("snapshot", "save", "-format=xml", file); code != 1 || stderr != "Unknown format: xml\n" {
		t.Errorf("save in another format: %d %s", code, stderr)
	}
	for _, file := range []string{file, there} {
		if err := n.put("/v1/kv/apps/web/color", "red"); err != nil {
			t.Fatal(err)
		}
		if stdout, stderr, code := n.cli("snapshot", "restore", file); code != 0 || stdout != "Restored snapshot\n" {
			t.Fatalf("restore: %d %s%s", code, stdout, stderr)
		}
		waitFor(t, "the old value", 10*time.Second, func() error { return n.wantKey("apps/web/color", "blue") })
	}
}
