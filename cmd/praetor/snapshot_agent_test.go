package main_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"praetor/internal/fakes3"
)

// snapshotAgent starts a snapshot agent of a node; its log is for failures.
func (n *node) snapshotAgent(env []string, args ...string) *exec.Cmd {
	n.t.Helper()
	log := &strings.Builder{}
	cmd := exec.Command(binary, append([]string{"snapshot", "agent"}, args...)...)
	cmd.Env = append(append(os.Environ(), "CONSUL_HTTP_ADDR="+n.api()), env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if n.t.Failed() {
			n.t.Logf("snapshot agent %s:\n%s", args, log)
		}
	})
	return cmd
}

// holds fails unless a folder holds n snapshots, and nothing else.
func holds(dir string, n int) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err == nil && len(names) != n {
		err = fmt.Errorf("%d files: %q, want %d", len(names), names, n)
	}
	return err
}

// savers lists the IDs of the snapshot agents, and of those that save.
func (n *node) savers() (all, saving []string, err error) {
	var checks []struct{ ServiceID, Name, Status string }
	if err := n.get("/v1/health/checks/consul-snapshot", &checks); err != nil {
		return nil, nil, err
	}
	for _, c := range checks {
		switch {
		case c.Status != "passing":
			return nil, nil, fmt.Errorf("%+v", c)
		case c.Name == "Consul Snapshot Agent Alive":
			all = append(all, c.ServiceID)
		case c.Name == "Consul Snapshot Agent Saving Snapshots":
			saving = append(saving, c.ServiceID)
		}
	}
	return all, saving, nil
}

// TestOneSnapshotAgentSavesAndAnotherTakesOver runs two, each with a folder of its own.
func TestOneSnapshotAgentSavesAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.110.1", "-dev").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	dirs := [2]string{filepath.Join(t.TempDir(), "snapshots"), t.TempDir()}
	var agents [2]*exec.Cmd
	for i, dir := range dirs {
		agents[i] = n.snapshotAgent(nil, "-interval=1s", "-retain=2", "-local-path="+dir)
	}
	first := 0
	waitFor(t, "two snapshots of one", 20*time.Second, func() error {
		if holds(dirs[0], 2) != nil {
			first = 1
			return holds(dirs[1], 2)
		}
		first = 0
		return nil
	})
	registered := func(want int) func() error {
		return func() error {
			all, saving, err := n.savers()
			if err == nil && (len(all) != want || len(saving) != 1) {
				err = fmt.Errorf("agents %q, of whom %q save", all, saving)
			}
			return err
		}
	}
	waitFor(t, "both in the catalog, one that saves", 20*time.Second, registered(2))
	if err := holds(dirs[1-first], 0); err != nil {
		t.Errorf("both save: %v", err)
	}
	if err := agents[first].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := agents[first].Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	waitFor(t, "the other saves", 20*time.Second, func() error { return holds(dirs[1-first], 2) })
	waitFor(t, "it alone in the catalog", 20*time.Second, registered(1))
}

// TestASnapshotOfTheAgentIsRestored saves one, encrypted, with a store, and restores it.
func TestASnapshotOfTheAgentIsRestored(t *testing.T) {
	t.Parallel()
	n := newNode(t, "solo", "127.77.111.1", "-dev").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	if err := n.put("/v1/kv/a", "1"); err != nil {
		t.Fatal(err)
	}
	store := fakes3.New("backups", "AKIAEXAMPLE", "hush-hush")
	web := httptest.NewServer(store)
	t.Cleanup(web.Close)
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, keys := filepath.Join(dir, "agent.json"), filepath.Join(dir, "keys")
	text := `{"snapshot_agent": {"http_addr": "` + n.api() + `", "snapshot": {"interval": "0s"}, "backup_destinations": {"aws_storage": [{"access_key_id": "AKIAEXAMPLE", "secret_access_key": "hush-hush",
		"s3_region": "eu-west-1", "s3_endpoint": "` + web.URL + `", "s3_bucket": "backups", "s3_key_prefix": "praetor/dc1"}]}}}`
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o600), os.WriteFile(keys, []byte(mine.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := n.cli("snapshot", "agent", "-config-file="+config, "-encrypt-to="+mine.Recipient().String())
	if code != 0 || !strings.Contains(stdout, "Saved snapshot ") || strings.Contains(stdout+stderr, "hush") {
		t.Fatalf("%d %s%s", code, stdout, stderr)
	}
	held := store.Keys()
	if len(held) != 1 || !strings.HasPrefix(held[0], "praetor/dc1/consul-") || !strings.HasSuffix(held[0], ".snap.age") {
		t.Fatalf("the store holds %q", held)
	}
	file := filepath.Join(dir, "a.snap.age")
	if err := os.WriteFile(file, store.Object(held[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.put("/v1/kv/a", "2"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"inspect", "it is encrypted: name the file with the private key by -identity=FILE", 1},
		{"inspect -identity=" + keys, "\n KVS ", 0},
		{"decode -identity=" + keys, `"Key":"a"`, 0},
		{"restore", "-identity=FILE", 1},
		{"restore -identity=" + config, "holds no private keys", 1},
		{"restore -identity=" + keys, "Restored snapshot", 0},
	} {
		args := append(append([]string{"snapshot"}, strings.Fields(c.args)...), file)
		if stdout, stderr, code := n.cli(args...); code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: %d %s%s, want %q", c.args, code, stdout, stderr, c.says)
		}
	}
	if err := n.wantKey("a", "1"); err != nil {
		t.Error(err)
	}
	store.Refuse("SlowDown")
	if stdout, stderr, code := n.cli("snapshot", "agent", "-config-file="+config); code != 1 || !strings.Contains(stdout, "503 Service Unavailable: SlowDown") {
		t.Errorf("a store that refuses: %d %s%s", code, stdout, stderr)
	}
}
