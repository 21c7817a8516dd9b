package regular_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"praetor/internal/regular"
)

func TestADamagedFileIsKeptBesideTheNewOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "local.journal")
	write(t, path, "damaged")
	kept, err := regular.PutAside(path)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`/local\.journal\.damaged-\d{8}T\d{6}\.\d{3}Z$`).MatchString(filepath.ToSlash(kept)) {
		t.Errorf("it is kept as %s", kept)
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "damaged" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is still in its place: %v", err)
	}
	if _, err := regular.PutAside(path); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestTheOldestOfThoseKeptGoFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "node-id")
	old := []string{"20200101T000000.000Z", "20210101T000000.000Z", "20220101T000000.000Z", "20220101T000000.001Z", "20230101T000000.000Z", "20240101T000000.000Z"}
	for _, when := range old {
		write(t, path+".damaged-"+when, when)
	}
	write(t, path, "damaged")
	write(t, path+"-other.damaged-20000101T000000.000Z", "of another file")
	write(t, path+".damages", "something else")
	kept, err := regular.PutAside(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimPrefix(e.Name(), "node-id"))
	}
	want := []string{"-other.damaged-20000101T000000.000Z", ".damages", strings.TrimPrefix(filepath.Base(kept), "node-id")}
	for _, when := range old[2:] {
		want = append(want, ".damaged-"+when)
	}
	slices.Sort(want)
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("there are %q\nwant %q", names, want)
	}
	regular.Prune(filepath.Join(dir, "no", "such", "folder"))
	regular.Prune(path)
	if again, _ := os.ReadDir(dir); len(again) != len(entries) {
		t.Errorf("pruning twice leaves %d of %d", len(again), len(entries))
	}
}
