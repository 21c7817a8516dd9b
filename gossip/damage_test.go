package gossip_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/gossip"
)

var harms = map[string]func(b []byte) []byte{
	"flip at the head":    func(b []byte) []byte { b[0] ^= 2; return b },
	"flip in the middle":  func(b []byte) []byte { b[len(b)/2] ^= 2; return b },
	"flip in the tail":    func(b []byte) []byte { b[len(b)-8] ^= 2; return b },
	"zeros at the head":   func(b []byte) []byte { clear(b[:16]); return b },
	"zeros in the middle": func(b []byte) []byte { clear(b[len(b)/2 : len(b)/2+16]); return b },
	"zeros in the tail":   func(b []byte) []byte { clear(b[len(b)-16:]); return b },
	"half":                func(b []byte) []byte { return b[:len(b)/2] },
	"tail cut off":        func(b []byte) []byte { return b[:len(b)-3] },
	"empty":               func([]byte) []byte { return nil },
	"missing":             nil,
	"another server's": func([]byte) []byte {
		return []byte(`["` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32)) + `"]`)
	},
}

// TestDamagedGossipFilesAreNamed does each kind of damage to a keyring, its
// checksum and a snapshot. The agent starts with a line that names the file, or is
// refused with one.
func TestDamagedGossipFilesAreNamed(t *testing.T) {
	two := [][]byte{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)}
	ring, err := gossip.EncodeKeyring(two)
	if err != nil {
		t.Fatal(err)
	}
	var sum []byte
	virtual(t, func(t *testing.T, w *world) {
		path := filepath.Join(t.TempDir(), "local.keyring")
		keep(t, path, ring)
		w.encrypted("m1", 1, nil, path)
		if sum, err = os.ReadFile(path + ".checksum"); err != nil {
			t.Fatal(err)
		}
	})
	files := map[string][]byte{
		"local.keyring":          ring,
		"local.keyring.checksum": sum,
		"local.snapshot":         []byte("alive: m1 10.0.0.1:8301\nclock: 1234567\nalive: m2 10.0.0.2:8301\nevent-clock: 7654321\n"),
	}
	for file, text := range files {
		for harm, change := range harms {
			t.Run(file+"/"+harm, func(t *testing.T) {
				if len(text) < 20 && strings.HasPrefix(harm, "zeros") {
					change = func(b []byte) []byte { clear(b); return b }
				}
				virtual(t, func(t *testing.T, w *world) { wantNamed(t, w, files, file, change) })
			})
		}
	}
}

func keep(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantNamed(t *testing.T, w *world, files map[string][]byte, file string, change func([]byte) []byte) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		switch {
		case name != file:
			keep(t, filepath.Join(dir, name), text)
		case change != nil:
			keep(t, filepath.Join(dir, name), change(bytes.Clone(text)))
		}
	}
	var log lockedBuffer
	opts := w.options("m1", 1)
	opts.KeyringPath, opts.SnapshotPath = filepath.Join(dir, "local.keyring"), filepath.Join(dir, "local.snapshot")
	opts.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &log})
	p, err := gossip.Open(opts)
	if err != nil {
		if !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("refused with %q, want one line that names %s", err, file)
		}
		return
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if file == "local.snapshot" && strings.HasSuffix(t.Name(), "flip_in_the_tail") {
		return // a digit that became another: serf writes no checksum that could tell
	}
	if named := strings.TrimSuffix(file, ".checksum"); !strings.Contains(log.String(), named) {
		t.Errorf("started, and the log does not name %s: %s", file, log.String())
	}
	if strings.Contains(log.String(), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))) {
		t.Error("a key is in the log")
	}
}
