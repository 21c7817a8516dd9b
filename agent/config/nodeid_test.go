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
	id, err := config.NodeID(rt)
	ok(t, err)
	again, err := config.NodeID(rt)
	ok(t, err)
	want(t, again, id)

	info, err := os.Stat(filepath.Join(dir, "node-id"))
	ok(t, err)
	want(t, info.Mode().Perm(), os.FileMode(0o600))
	entries, err := os.ReadDir(dir)
	ok(t, err)
	want(t, len(entries), 1) // no temporary file is left
}

func TestAConfiguredNodeIDIsUsedAndNotKept(t *testing.T) {
	dir := t.TempDir()
	id, err := config.NodeID(&config.Runtime{DataDir: dir, NodeID: someID})
	ok(t, err)
	want(t, id, someID)
	entries, _ := os.ReadDir(dir)
	want(t, len(entries), 0)
}

func TestAKeptNodeIDMayBeWrittenByHand(t *testing.T) {
	dir := writeFiles(t, map[string]string{"node-id": "  " + strings.ToUpper(someID) + "\n"})
	id, err := config.NodeID(&config.Runtime{DataDir: dir})
	ok(t, err)
	want(t, id, someID)
}

func TestABrokenNodeIDFileIsAnErrorAndStays(t *testing.T) {
	for _, text := range []string{"", "zz", strings.Repeat("a", 2000)} {
		dir := writeFiles(t, map[string]string{"node-id": text})
		if id, err := config.NodeID(&config.Runtime{DataDir: dir}); err == nil {
			t.Errorf("%.10q gave %s", text, id)
		}
		kept, err := os.ReadFile(filepath.Join(dir, "node-id"))
		ok(t, err)
		want(t, string(kept), text)
	}
}

func TestWithoutADataFolderEveryStartHasItsOwnID(t *testing.T) {
	a, err := config.NodeID(&config.Runtime{DisableHostNodeID: true})
	ok(t, err)
	b, err := config.NodeID(&config.Runtime{DisableHostNodeID: true})
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
