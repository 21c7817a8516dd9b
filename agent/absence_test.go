package agent_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"praetor/agent"
	"praetor/agent/config"
)

func TestServerThatWasAwayTooLongDoesNotStart(t *testing.T) {
	dir, rt, now := t.TempDir(), &config.Runtime{Server: true, ServerRejoinAgeMax: 24 * time.Hour}, time.Unix(1e9, 0)
	start := func(after time.Duration) error { return agent.CheckAbsence(dir, rt, now.Add(after)) }
	for _, after := range []time.Duration{0, 23 * time.Hour, 46 * time.Hour} { // each start counts anew
		if err := start(after); err != nil {
			t.Fatalf("after %v: %v", after, err)
		}
	}
	const want = "refusing to rejoin cluster because server has been offline for more than the configured server_rejoin_age_max (24h0m0s) - consider wiping your data dir"
	for range 2 { // it does not count as a start
		if err := start(71 * time.Hour); err == nil || err.Error() != want {
			t.Errorf("after 25 hours: %v", err)
		}
	}
	rt.Server = false
	if err := start(1000 * time.Hour); err != nil {
		t.Errorf("a client agent: %v", err)
	}
	rt.Server = true
	for _, text := range []string{"junk", "{}", `{"last_seen_unix":-1}`} {
		if err := os.WriteFile(filepath.Join(dir, "server_metadata.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := start(0); err == nil || !strings.Contains(err.Error(), "server_metadata.json") || !strings.Contains(err.Error(), "remove the file") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
}
