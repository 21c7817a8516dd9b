package gossip_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/gossip"
	"praetor/internal/fault"
)

var (
	key16 = bytes.Repeat([]byte{1}, 16)
	key32 = bytes.Repeat([]byte{2}, 32)
)

func text(key []byte) string { return base64.StdEncoding.EncodeToString(key) }

func (w *world) encrypted(name string, i int, key []byte, path string) *member {
	w.t.Helper()
	opts := w.options(name, i)
	opts.EncryptKey, opts.KeyringPath = key, path
	return w.open(i, opts)
}

func TestOnlyMembersWithTheKeyJoin(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		m1 := w.encrypted("m1", 1, key32, "")
		m2 := w.encrypted("m2", 2, key32, "")
		if _, err := m2.Join([]string{ip(1)}); err != nil {
			t.Fatalf("same key: %v", err)
		}
		for i, key := range [][]byte{key16, nil} {
			name := fmt.Sprint("stranger", i)
			if _, err := w.encrypted(name, 5+i, key, "").Join([]string{ip(1)}); err == nil {
				t.Errorf("joined with key %v", key)
			}
		}
		pass(time.Minute)
		if err := m1.alive(2); err != nil {
			t.Error(err)
		}
		if m1.Stats()["encrypted"] != "true" {
			t.Error("not shown as encrypted")
		}
	})
}

func TestKeyringFileIsMadeOnceThenWins(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "serf", "local.keyring")
	virtual(t, func(t *testing.T, w *world) {
		w.encrypted("m1", 1, key16, path)
	})
	wantFile(t, path, "[\n  \""+text(key16)+"\"\n]", 0o600)
	if info, _ := os.Stat(filepath.Dir(path)); info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v, want 0700", info.Mode().Perm())
	}
	virtual(t, func(t *testing.T, w *world) {
		var log lockedBuffer
		opts := w.options("m1", 1)
		opts.EncryptKey, opts.KeyringPath = key32, path
		opts.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
		w.open(1, opts)
		if want := "[WARN]  LAN keyring doesn't include key provided with -encrypt, using keyring"; !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, log.String())
		}
		if strings.Contains(log.String(), text(key32)) || strings.Contains(log.String(), text(key16)) {
			t.Error("the log shows a key")
		}
		if _, err := w.encrypted("m2", 2, key16, "").Join([]string{ip(1)}); err != nil {
			t.Errorf("the file's key does not work: %v", err)
		}
		if w.encrypted("m3", 3, nil, path).Stats()["encrypted"] != "true" {
			t.Error("the file alone does not encrypt")
		}
	})
}

func wantFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("file holds %q, %v; want %q", got, err, content)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm() != mode {
		t.Errorf("file has mode %v, want %v", info.Mode().Perm(), mode)
	}
	if others, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp*")); len(others) > 0 {
		t.Errorf("left behind %v", others)
	}
}

func TestNoKeyAndNoFileIsPlaintextAndMakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "local.keyring")
	virtual(t, func(t *testing.T, w *world) {
		if w.encrypted("m1", 1, nil, path).Stats()["encrypted"] != "false" {
			t.Error("encrypted without a key")
		}
	})
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("keyring file was made: %v", err)
	}
}

func TestKeyOfWrongLengthIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "local.keyring")
	virtual(t, func(t *testing.T, w *world) {
		for i, path := range []string{"", path} {
			opts := w.options("m1", i+1)
			opts.EncryptKey, opts.KeyringPath = []byte("short"), path
			_, err := gossip.Open(opts)
			if want := "Invalid key: key size must be 16, 24 or 32 bytes"; err == nil || err.Error() != want {
				t.Errorf("path %q: got %v, want %q", path, err, want)
			}
		}
	})
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("keyring file was made: %v", err)
	}
}

func TestBrokenKeyringFileNamesItselfAndTheCure(t *testing.T) {
	for _, row := range []struct{ name, content, want string }{
		{"empty", "", "not a JSON array of base64 keys"},
		{"torn", `["` + text(key16) + `", "`, "not a JSON array of base64 keys"},
		{"no keys", "[]", "contains no keys"},
		{"null", "null", "contains no keys"},
		{"not base64", `["` + text(key16) + `","*"]`, "key 2 is not base64"},
		{"short key", `["AAAA"]`, "key 1: key size must be 16, 24 or 32 bytes"},
		{"huge", strings.Repeat(" ", 1<<20) + "[]", "larger than 1048576 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "local.keyring")
			os.WriteFile(path, []byte(row.content), 0o600)
			_, err := gossip.Open(gossip.Options{Name: "m1", BindAddr: "127.0.0.1", EncryptKey: key16, KeyringPath: path})
			want := "keyring file " + path + ": " + row.want + ". Restore it from another agent of this datacenter, or remove it to start with the key of encrypt"
			if err == nil || err.Error() != want || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestKeysRotateThroughThePoolIntoTheFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(i int) string { return filepath.Join(dir, fmt.Sprint(i), "local.keyring") }
	virtual(t, func(t *testing.T, w *world) {
		m1, m2 := w.encrypted("m1", 1, key16, file(1)), w.encrypted("m2", 2, key16, file(2))
		m2.Join([]string{ip(1)})
		m1.waitFor("2 alive", time.Minute, func() error { return m1.alive(2) })

		if _, err := m1.UseKey(text(key32), 0); err == nil {
			t.Error("an unknown key could be used")
		}
		report, err := m1.InstallKey(text(key32), 0)
		if err != nil || report.Answered != 2 || report.Members != 2 {
			t.Fatalf("install: %+v, %v", report, err)
		}
		if _, err := m1.UseKey(text(key32), 1); err != nil {
			t.Fatal(err)
		}
		report, err = m2.ListKeys(0)
		if err != nil || report.Keys[text(key16)] != 2 || report.Keys[text(key32)] != 2 || report.PrimaryKeys[text(key32)] != 2 {
			t.Errorf("list: %+v, %v", report, err)
		}
		report, err = m1.RemoveKey(text(key32), 0)
		if err == nil || err.Error() != "2/2 nodes reported failure" || report.Messages["m2"] != "Removing the primary key is not allowed" {
			t.Errorf("removing the primary key: %+v, %v", report, err)
		}
		if _, err := m1.RemoveKey(text(key16), 0); err != nil {
			t.Error(err)
		}
		for _, bad := range []int{-1, 6} {
			if _, err := m1.ListKeys(bad); err == nil || err.Error() != "Relay factor must be in range: [0, 5]" {
				t.Errorf("relay factor %d: %v", bad, err)
			}
		}
		if _, err := m1.InstallKey("*", 0); fault.KindOf(err) != fault.Rejected || err.Error() != "illegal base64 data at input byte 0" {
			t.Errorf("bad base64: %v", err)
		}
	})
	for i := 1; i <= 2; i++ {
		wantFile(t, file(i), "[\n  \""+text(key32)+"\"\n]", 0o600)
	}
}

func FuzzKeyring(f *testing.F) {
	for _, seed := range []string{"", "[]", "null", `["AAAA"]`, `["` + text(key16) + `"]`, `["` + text(key16) + `","` + text(key32) + `"]`, `[1]`, `{"a":"b"}`, `["` + text(key16)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := gossip.DecodeKeyring(data)
		if err != nil {
			if keys != nil {
				t.Error("keys with an error")
			}
			return
		}
		if len(keys) == 0 {
			t.Fatal("no keys and no error")
		}
		encoded, err := gossip.EncodeKeyring(keys)
		if err != nil {
			t.Fatal(err)
		}
		again, err := gossip.DecodeKeyring(encoded)
		if err != nil || !slices.EqualFunc(keys, again, bytes.Equal) {
			t.Errorf("written and read again: %v, %v; want %v", again, err, keys)
		}
	})
}

func TestSnapshotCompactionCutHalfwayIsFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serf", "local.snapshot")
	if err := gossip.PrepareSnapshot(path, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path+".compact", []byte("clock: 1\n"), 0o644)
	if err := gossip.PrepareSnapshot(path, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "clock: 1\n" {
		t.Errorf("snapshot holds %q, want new", got)
	}
	os.WriteFile(path+".compact", []byte("torn"), 0o644)
	if err := gossip.PrepareSnapshot(path, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "clock: 1\n" {
		t.Errorf("an unfinished compaction replaced the snapshot: %q", got)
	}
}
