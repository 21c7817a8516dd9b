package presence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/presence"
)

// server may be away for a day.
var server = &config.Runtime{Server: true, ServerRejoinAgeMax: 24 * time.Hour}

func in(folder string, rt *config.Runtime) *presence.File {
	return presence.In(folder, rt, hclog.NewNullLogger())
}

func TestServerThatWasAwayTooLongDoesNotStart(t *testing.T) {
	dir, now := t.TempDir(), time.Unix(1e9, 0)
	start := func(after time.Duration) error { return in(dir, server).CheckAbsence(now.Add(after)) }
	for _, after := range []time.Duration{0, 23 * time.Hour, 46 * time.Hour} { // each start counts afresh
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
	if err := in(dir, &config.Runtime{}).CheckAbsence(now.Add(1000 * time.Hour)); err != nil {
		t.Errorf("a client agent: %v", err)
	}
}

// TestDamagedPresenceFileDoesNotKeepAServerDown: when it was last written tells when
// the server last ran.
func TestDamagedPresenceFileDoesNotKeepAServerDown(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, make := range map[string]func(path string) error{
		"junk":       func(path string) error { return os.WriteFile(path, []byte("junk"), 0o600) },
		"empty":      func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"no time":    func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
		"a bad time": func(path string) error { return os.WriteFile(path, []byte(`{"last_seen_unix":-1}`), 0o600) },
		"a folder":   func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "server_metadata.json")
		if err := errors.Join(make(path), os.Chtimes(path, now, now)); err != nil {
			t.Fatal(err)
		}
		if err := in(dir, server).CheckAbsence(now.Add(25 * time.Hour)); err == nil || !strings.Contains(err.Error(), "offline for more than") {
			t.Errorf("%s, 25 hours later: %v", name, err)
		}
		if err := in(dir, server).CheckAbsence(now.Add(23 * time.Hour)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := in(dir, server).CheckAbsence(now.Add(46 * time.Hour)); err != nil {
			t.Errorf("%s, started again: %v", name, err)
		}
	}
}

// TestServerOfWhichOnlyTheNodeIDIsLeftSaysSo: it may have voted.
func TestServerOfWhichOnlyTheNodeIDIsLeftSaysSo(t *testing.T) {
	for _, left := range []bool{false, true} {
		dir := t.TempDir()
		if left {
			if err := os.WriteFile(filepath.Join(dir, "node-id"), []byte("adf4238a-882b-9ddc-4a9d-5b6758e4159e"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		err := presence.In(dir, server, hclog.New(&hclog.LoggerOptions{Output: &log})).CheckAbsence(time.Unix(1e9, 0))
		if err != nil || strings.Contains(log.String(), "starting as a new server") != left {
			t.Errorf("node ID left %v: %v, log %q", left, err, log.String())
		}
	}
}
