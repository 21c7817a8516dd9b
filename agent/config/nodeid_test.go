package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

const someID = "abcdef00-1111-2222-3333-444455556666"

func TestANodeIDLastsInTheDataFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	rt := &config.Runtime{DataDir: dir, DisableHostNodeID: true}
	id, _, err := config.NodeID(rt)
	ok(t, err)
	again, _, err := config.NodeID(rt)
	ok(t, err)
	want(t, again, id)

	info, err := os.Stat(filepath.Join(dir, "node-id"))
	ok(t, err)
	want(t, info.Mode().Perm(), os.FileMode(0o600))
	entries, err := os.ReadDir(dir)
	ok(t, err)
	want(t, len(entries), 2) // it and its checksum: no temporary file is left
}

func TestAConfiguredNodeIDIsUsedAndNotKept(t *testing.T) {
	dir := t.TempDir()
	id, _, err := config.NodeID(&config.Runtime{DataDir: dir, NodeID: someID})
	ok(t, err)
	want(t, id, someID)
	entries, _ := os.ReadDir(dir)
	want(t, len(entries), 0)
}

func TestAKeptNodeIDMayBeWrittenByHand(t *testing.T) {
	dir := writeFiles(t, map[string]string{"node-id": "  " + strings.ToUpper(someID) + "\n"})
	id, _, err := config.NodeID(&config.Runtime{DataDir: dir})
	ok(t, err)
	want(t, id, someID)
}

func TestABrokenNodeIDFileIsAnErrorAndStays(t *testing.T) {
	for _, text := range []string{"", "zz", strings.Repeat("a", 2000)} {
		dir := writeFiles(t, map[string]string{"node-id": text})
		if id, _, err := config.NodeID(&config.Runtime{DataDir: dir}); err == nil {
			t.Errorf("%.10q gave %s", text, id)
		}
		kept, err := os.ReadFile(filepath.Join(dir, "node-id"))
		ok(t, err)
		want(t, string(kept), text)
	}
}

func TestWithoutADataFolderEveryStartHasItsOwnID(t *testing.T) {
	a, _, err := config.NodeID(&config.Runtime{DisableHostNodeID: true})
	ok(t, err)
	b, _, err := config.NodeID(&config.Runtime{DisableHostNodeID: true})
	ok(t, err)
	if a == b {
		t.Errorf("twice %s", a)
	}
}

func TestAHostGivesTheSameIDInAnyCase(t *testing.T) {
	a, err := config.NewNodeID(false, "AAAA-1")
	ok(t, err)
	b, err := config.NewNodeID(false, "aaaa-1")
	ok(t, err)
	want(t, a, b)
	c, err := config.NewNodeID(true, "aaaa-1")
	ok(t, err)
	d, err := config.NewNodeID(false, "") // nothing to derive it from
	ok(t, err)
	if a == c || a == d || c == d {
		t.Errorf("not random: %s %s %s", a, c, d)
	}
}

// TestDamagedNodeIDIsNamed: repaired, refused or told of, never silent.
func TestDamagedNodeIDIsNamed(t *testing.T) {
	write := func(text string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for _, c := range []struct {
		name  string
		hurt  func(path string) error
		want  string // of the notice or the error
		again bool   // and once more at the next start
	}{
		{"unharmed", func(string) error { return nil }, "", false},
		{"a digit flipped at the head", write("bdf4238a-882b-9ddc-4a9d-5b6758e4159e"), "was changed since this agent wrote it", false},
		{"a digit flipped at the tail", write("adf4238a-882b-9ddc-4a9d-5b6758e4159f"), "was changed since this agent wrote it", false},
		{"another node's", write("11111111-2222-3333-4444-555555555555"), "was changed since this agent wrote it", false},
		{"zeroed in the middle", write("adf4238a-882b-\x00\x00\x00\x00-4a9d-5b6758e4159e"), "does not hold a node ID", true},
		{"cut", write("adf4238a-882b"), "does not hold a node ID", true},
		{"empty", write(""), "does not hold a node ID", true},
		{"missing", os.Remove, "is missing though this node had an ID", false},
		{"its checksum damaged", func(path string) error { return os.WriteFile(path+".checksum", []byte("00000000\n"), 0o600) }, "was changed since", false},
		{"its checksum missing", func(path string) error { return os.Remove(path + ".checksum") }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt := &config.Runtime{DataDir: t.TempDir(), DisableHostNodeID: true}
			path := filepath.Join(rt.DataDir, "node-id")
			ok(t, write("adf4238a-882b-9ddc-4a9d-5b6758e4159e")(path))
			_, notice, err := config.NodeID(rt)
			ok(t, err)
			want(t, notice, "")
			ok(t, c.hurt(path))
			for _, expected := range []bool{true, c.again} {
				_, notice, err := config.NodeID(rt)
				got := notice
				if err != nil {
					got = err.Error()
				}
				if named := got != "" && strings.Contains(got, path) && strings.Contains(got, c.want); named != (expected && c.want != "") {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
		})
	}
}

// TestTheMachineGivesTheIDWhereItMay: of the first file that says something.
func TestTheMachineGivesTheIDWhereItMay(t *testing.T) {
	dir := writeFiles(t, map[string]string{"empty": " \n", "dmi": "  4C4C4544-0042\n", "machine": "other"})
	id := func(random bool, files ...string) string {
		t.Helper()
		for i := range files {
			files[i] = filepath.Join(dir, files[i])
		}
		defer config.HostIDFrom(files...)()
		id, _, err := config.NodeID(&config.Runtime{DisableHostNodeID: random})
		ok(t, err)
		return id
	}
	fromDMI, err := config.NewNodeID(false, "4c4c4544-0042")
	ok(t, err)
	fromMachine, err := config.NewNodeID(false, "other")
	ok(t, err)
	want(t, id(false, "dmi", "machine"), fromDMI)
	want(t, id(false, "none", "empty", "machine", "dmi"), fromMachine)
	for name, got := range map[string]string{"asked for at random": id(true, "dmi"), "a machine without": id(false, "none", "empty")} {
		if got == fromDMI || got == fromMachine {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestFoldersThatCannotKeepANodeID: a path through a file is none for anybody, root too.
func TestFoldersThatCannotKeepANodeID(t *testing.T) {
	dir := writeFiles(t, map[string]string{"file": "", "held/node-id": someID, "held/node-id.checksum/x": ""})
	for folder, text := range map[string]string{
		"file/data": "read node ID: open " + dir + "/file/data/node-id: not a directory",
		"held":      "write the checksum of the node ID: ",
	} {
		_, _, err := config.NodeID(&config.Runtime{DataDir: filepath.Join(dir, folder), DisableHostNodeID: true})
		if err == nil || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%s: %v, want %s", folder, err, text)
		}
	}
	_, _, err := config.LoadOn(host, parseFlags(t, "-data-dir", dir+"/file/data"))
	wantError(t, err, "Error getting info on data_dir: stat "+dir+"/file/data: not a directory")
}
