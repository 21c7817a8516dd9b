//go:build unix

package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"praetor/agent/config"
)

// TestWhatIsNoRegularFileIsRefused: a named pipe in a configuration folder held up the
// start for ever, without a word.
func TestWhatIsNoRegularFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe.json"), filepath.Join(dir, "link.json")
	ok(t, syscall.Mkfifo(pipe, 0o600))
	ok(t, os.Symlink(pipe, link))
	ok(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero")))
	for path, format := range map[string]string{dir: "", pipe: "", link: "", filepath.Join(dir, "zero"): "json"} {
		_, err := config.ValidateOn(host, []string{path}, format)
		if err == nil || !strings.Contains(err.Error(), "not a regular file") || !strings.Contains(err.Error(), dir) && !strings.Contains(err.Error(), "/dev/zero") {
			t.Errorf("validate %s: %v", path, err)
		}
		_, _, err = config.LoadOn(host, &config.Flags{Dev: true, Files: []string{path}, Format: format})
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("agent -config-file %s: %v", path, err)
		}
	}
	ok(t, syscall.Mkfifo(filepath.Join(dir, "node-id"), 0o600))
	if _, _, err := config.NodeID(&config.Runtime{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("node-id: %v", err)
	}
}

// TestFilesThatTheShellOpenedMayBePipes: -config-file <(command).
func TestFilesThatTheShellOpenedMayBePipes(t *testing.T) {
	from, to, err := os.Pipe()
	ok(t, err)
	defer from.Close()
	_, err = to.WriteString(`node_name = "piped"`)
	ok(t, err)
	ok(t, to.Close())
	rt, _, err := config.LoadOn(host, &config.Flags{Dev: true, Files: []string{fmt.Sprint("/dev/fd/", from.Fd())}, Format: "hcl"})
	ok(t, err)
	want(t, rt.NodeName, "piped")
}
