package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSurvivorOfALostQuorumBecomesTheCluster follows docs/troubleshooting.md: two of
// three servers are gone for ever.
func TestSurvivorOfALostQuorumBecomesTheCluster(t *testing.T) {
	t.Parallel()
	trio := newTrio(t, 100)
	trio[0].putMany("many")
	left := trio[2]
	waitFor(t, "keys", 20*time.Second, left.hasMany("many"))
	recover := func(want int, words string, args ...string) string {
		t.Helper()
		out, errs, code := runCLI(t, nil, append([]string{"operator", "raft", "recover", "-data-dir=" + left.data()}, args...)...)
		if code != want || !strings.Contains(out+errs, words) {
			t.Fatalf("recover %v: %d, want %d and %q\n%s%s", args, code, want, words, out, errs)
		}
		return out
	}
	recover(1, "is used by another agent", "-yes")
	for _, n := range trio {
		n.kill()
	}
	id, err := os.ReadFile(left.data("node-id"))
	if err != nil {
		t.Fatal(err)
	}
	recover(1, `is no ID@ADDRESS`, "-peer=somewhere")
	shown := recover(1, "Nothing was changed") // nobody answers
	if strings.Count(shown, "gone") != 2 || !strings.Contains(shown, string(id)) {
		t.Errorf("shown:\n%s", shown)
	}
	if made, _ := filepath.Glob(left.data("raft*")); len(made) != 1 {
		t.Errorf("though nobody said yes there is %v", made)
	}
	recover(0, "Kept a copy in "+left.data("raft.before-recovery-"), "-yes")
	left.start()
	waitFor(t, "keys", 30*time.Second, left.hasMany("many"))
	waitFor(t, "write", 30*time.Second, func() error { return left.put("/v1/kv/after", "1") })
	added := newNode(t, "s4", "127.77.100.4", "-server", "-retry-join="+left.ip).start()
	waitFor(t, "keys on a new server", 30*time.Second, added.hasMany("many"))
	waitFor(t, "two voters", 60*time.Second, func() error {
		peers, errs, _ := left.cli("operator", "raft", "list-peers")
		if strings.Count(peers, "true") != 2 || strings.Contains(peers, "(unknown)") {
			return fmt.Errorf("peers %s %s", peers, errs)
		}
		return nil
	})
}
