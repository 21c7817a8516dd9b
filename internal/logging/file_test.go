package logging_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/logging"
)

// logFile opens a log in a folder that gets a new file with every line but the first.
func logFile(t *testing.T, path string, keep int) *logging.File {
	t.Helper()
	f, err := logging.OpenFile(logging.Options{File: path, RotateBytes: 1, RotateMaxFiles: keep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func say(t *testing.T, f *logging.File, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if n, err := f.Write([]byte(line + "\n")); err != nil || n != len(line)+1 {
			t.Errorf("%s: %d bytes, %v", line, n, err)
		}
	}
}

// held is what the files of a folder hold, those of rotations by their age.
func held(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		name := f.Name()
		if at := strings.LastIndex(name, "-1"); at >= 0 && len(name) > at+18 { // UnixNano
			name = name[:at] + "-N" + name[at+20:]
		}
		list = append(list, name+"="+strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ","))
	}
	return strings.Join(list, " ")
}

// TestNamesOfLogFiles (reference/config.md, log_file).
func TestNamesOfLogFiles(t *testing.T) {
	for given, want := range map[string]string{
		"p.log":     "p-N.log=one p.log=two",
		"p":         "p=two p-N.log=one",
		"p.q.txt":   "p.q-N.txt=one p.q.txt=two",
		"sub/":      "",
		"[a]*?.log": "[a]*?-N.log=one [a]*?.log=two",
	} {
		dir := t.TempDir()
		f := logFile(t, dir+"/"+given, 0)
		say(t, f, "one", "two")
		if given == "sub/" {
			dir, want = filepath.Join(dir, "sub"), "consul-N.log=one consul.log=two"
		}
		if got := held(t, dir); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}

func TestHowManyArchivesAreKept(t *testing.T) {
	for keep, want := range map[int]string{
		0:  "p-N.log=1 p-N.log=2 p-N.log=3 p-N.log=4 p.log=5",
		1:  "p-N.log=4 p.log=5",
		3:  "p-N.log=2 p-N.log=3 p-N.log=4 p.log=5",
		9:  "p-N.log=1 p-N.log=2 p-N.log=3 p-N.log=4 p.log=5",
		-1: "p.log=5",
	} {
		dir := t.TempDir()
		say(t, logFile(t, filepath.Join(dir, "p.log"), keep), "1", "2", "3", "4", "5")
		if got := held(t, dir); got != want {
			t.Errorf("of %d: %s, want %s", keep, got, want)
		}
	}
}

// TestFilesOfOthersAreLeftAlone: the log of another agent, and what somebody put aside, may have
// names that begin alike.
func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	others := []string{"p-server.log", "p-1.log.gz", "p-.log", "p-12a.log", "p-old-17.log", "q-17.log", "p.log.1", "p-17.txt"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("another's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	say(t, logFile(t, filepath.Join(dir, "p.log"), 1), "1", "2", "3", "4")
	for _, name := range others {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "another's" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if got := held(t, dir); !strings.Contains(got, "p-N.log=3 ") || strings.Contains(got, "=2") {
		t.Errorf("its own are %s", got)
	}
}

// TestALogWhoseFileIsTakenAwayGoesOn: other programs rotate logs too.
func TestALogWhoseFileIsTakenAwayGoesOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.log")
	f := logFile(t, path, 0)
	say(t, f, "1")
	if err := os.Rename(path, filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	say(t, f, "2", "3")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	say(t, f, "4", "5")
	if got, want := held(t, dir), "moved=1 p-N.log=2 p-N.log=4 p.log=5"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestALogWhoseArchiveCannotBeRemovedGoesOn: one too many is better than no log.
func TestALogWhoseArchiveCannotBeRemovedGoesOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.log")
	f := logFile(t, path, 1)
	say(t, f, "1", "2")
	archives, err := filepath.Glob(filepath.Join(dir, "p-*.log"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("%v, %v", archives, err)
	}
	// An archive that cannot be removed: a folder with something in it.
	if err := os.Remove(archives[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(archives[0], "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	say(t, f, "3", "4")
	if text, err := os.ReadFile(path); err != nil || string(text) != "4\n" {
		t.Errorf("it holds %q, %v", text, err)
	}
}

func TestLogsThatCannotBeOpenedSaySo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"below a file": filepath.Join(file, "p.log"), "a folder": dir, "in the place of a folder": filepath.Join(dir, "sub", "x", "..", "..", ".")} {
		f, err := logging.OpenFile(logging.Options{File: path})
		if err == nil || !strings.HasPrefix(err.Error(), "open log file: ") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			f.Close()
		}
	}
}

// TestALogGoesOnWhereItEnded before a restart, which counts for its size.
func TestALogGoesOnWhereItEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.log")
	for i := range 3 {
		f, err := logging.OpenFile(logging.Options{File: path, RotateBytes: 5, RotateDuration: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		say(t, f, fmt.Sprint(i))
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := held(t, filepath.Dir(path)); !slices.Contains([]string{"p-N.log=0,1 p.log=2"}, got) {
		t.Errorf("%s", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
}
