package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"praetor/internal/cli"
)

func TestSizesAreWordedAsConsulDoes(t *testing.T) {
	for bytes, want := range map[int]string{0: "0B", 300: "300B", 1023: "1023B", 1024: "1KB", 1229: "1.2KB", 5 << 20: "5MB", 3<<30 + 1<<29: "3.5GB", 1 << 40: "1TB", 1 << 50: "1024TB"} {
		if got := cli.ByteText(bytes); got != want {
			t.Errorf("%d: got %s, want %s", bytes, got, want)
		}
	}
}

// A save that fails leaves the file that was there.
func TestASaveThatIsNoSnapshotLeavesTheOldFile(t *testing.T) {
	answer(t, map[string]string{"GET /v1/snapshot": "no archive at all"})
	file := filepath.Join(t.TempDir(), "x.snap")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "", "Error verifying snapshot file: failed to decompress snapshot: gzip: invalid header\n", "snapshot", "save", file)
	if got, err := os.ReadFile(file); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFilesThatAreNoSnapshotsAreToldSo(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state.bin")
	if err := os.WriteFile(state, []byte("PRAETOR\x00 and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "", "Error reading snapshot: open "+dir+"/meta.json: no such file or directory\n", "snapshot", "inspect", state)
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), []byte(`{"ID":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "", "Error reading snapshot: header: unexpected EOF\n", "snapshot", "decode", state)
	want(t, 1, "", "Missing FILE argument\n", "snapshot", "decode")
}
