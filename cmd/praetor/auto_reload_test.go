package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replace puts a file in place as careful tools do: written aside, then renamed.
func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestConfigurationReloadsByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "web.json")
	replace(t, file, `{"service":{"name":"web","port":80}}`)
	log := filepath.Join(t.TempDir(), "agent.log")
	n := newNode(t, "a", "127.77.34.1", "-dev", "-auto-reload-config", "-config-dir", dir, "-log-file", log).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	port := func(want int) func() error {
		return func() error {
			var services map[string]struct{ Port int }
			if err := n.get("/v1/agent/services", &services); err != nil {
				return err
			}
			if got := services["web"].Port; got != want {
				return fmt.Errorf("port %d, want %d", got, want)
			}
			return nil
		}
	}
	waitFor(t, "first definition", 10*time.Second, port(80))
	replace(t, file, `{"service":{"name":"web","port":81}}`)
	waitFor(t, "changed definition", 10*time.Second, port(81))

	replace(t, file, `{"service":{"name":"web","port":"eighty"}}`)
	waitFor(t, "refusal in the log", 10*time.Second, func() error {
		said, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(said), "Reload failed, nothing was changed") {
			err = fmt.Errorf("log: %s", said)
		}
		return err
	})
	if err := port(81)(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(`{"service":{"name":"web","port":82}}`), 0o600); err != nil { // in place
		t.Fatal(err)
	}
	waitFor(t, "mended definition", 10*time.Second, port(82))
	if err := os.WriteFile(filepath.Join(dir, "db.hcl"), []byte(`service { name = "db" }`), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "another file", 10*time.Second, func() error {
		var services map[string]json.RawMessage
		if err := n.get("/v1/agent/services", &services); err != nil {
			return err
		}
		if services["db"] == nil {
			return fmt.Errorf("services %v", services)
		}
		return nil
	})
}
