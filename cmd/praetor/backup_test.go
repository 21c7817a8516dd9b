package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheLeaderTakesBackups has a server take one at its start, one that is asked for,
// and none too early after it started again.
func TestTheLeaderTakesBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	backups, config := filepath.Join(dir, "backups"), filepath.Join(dir, "backups.hcl")
	if err := os.WriteFile(config, []byte(fmt.Sprintf("backups { interval = \"1h\" retain = 2 local_path = %q }", backups)), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, "solo", "127.77.112.1", "-server", "-bootstrap-expect=1", "-config-file", config).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	waitFor(t, "the first backup", 20*time.Second, func() error { return holds(backups, 1) })
	if stdout, stderr, code := n.cli("operator", "backup", "now"); code != 0 || !strings.Contains(stdout, "praetor-dc1-") {
		t.Fatalf("now: %d %s%s", code, stdout, stderr)
	}
	if err := holds(backups, 2); err != nil {
		t.Error(err)
	}
	names, _ := filepath.Glob(filepath.Join(backups, "*"))
	if stdout, stderr, code := n.cli("snapshot", "inspect", names[len(names)-1]); code != 0 {
		t.Errorf("inspect: %d %s%s", code, stdout, stderr)
	}
	n.kill()
	n.start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	waitFor(t, "what the names tell", 20*time.Second, func() error {
		stdout, stderr, code := n.cli("operator", "backup", "status")
		if last := filepath.Base(names[len(names)-1]); code != 0 || !strings.Contains(stdout, last) || strings.Contains(stdout, "Failures") {
			return fmt.Errorf("status: %d %s%s, want %s", code, stdout, stderr, last)
		}
		return nil
	})
	if now, _ := filepath.Glob(filepath.Join(backups, "*")); strings.Join(now, " ") != strings.Join(names, " ") {
		t.Errorf("after a restart there are %q, before it %q", now, names)
	}
}
