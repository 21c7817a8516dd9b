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

// TestSnapshot: reference/cli.md §7.
func TestSnapshot(t *testing.T) {
	play(t, `
$ snapshot save
! Missing FILE argument
= 1
$ snapshot save a b
! Too many arguments (expected 1, got 2)
= 1
$ snapshot save x.snap
< GET /v1/snapshot
> 500 No cluster leader
! Error saving snapshot: Unexpected response code: 500 (No cluster leader)
= 1
$ snapshot save -append-filename=version x.snap
< GET /v1/operator/autopilot/state
> 403 no
! Error getting the leader's version: Unexpected response code: 403 (no)
= 1
$ snapshot save -append-filename=dc x.snap
< GET /v1/agent/self
> 403 no
! Error getting the datacenter: Unexpected response code: 403 (no)
= 1
$ snapshot save none/x.snap
< GET /v1/snapshot
> x
! Error writing unverified snapshot file: open none/x.snap.unverified.tmp…: no such file or directory
= 1
$ snapshot restore
! Missing FILE argument
= 1
$ snapshot restore none.snap
! Error opening snapshot file: open none.snap: no such file or directory
= 1
$ snapshot restore -datacenter=dc2 x.snap
+ x.snap whatever
< PUT /v1/snapshot?dc=dc2 whatever
>
| Restored snapshot
$ snapshot restore x.snap
< PUT /v1/snapshot whatever
> 500 bad
! Error restoring snapshot: Unexpected response code: 500 (bad)
= 1
$ snapshot inspect
! Missing FILE argument
= 1
$ snapshot inspect none.snap
! Error opening snapshot file: open none.snap: no such file or directory
= 1
$ snapshot inspect x.snap
! Error reading snapshot: failed to decompress snapshot: …
= 1
$ snapshot decode a b c
! Too many arguments (expected 1, got 3)
= 1
$ snapshot decode x.snap
! Error reading snapshot: failed to decompress snapshot: …
= 1
`)
}
