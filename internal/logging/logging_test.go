package logging_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"praetor/internal/logging"
)

func TestLinesReadLikeConsuls(t *testing.T) {
	var out bytes.Buffer
	l, err := logging.Open(logging.Options{Level: "info", Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	l.Named("server").Info("joined", "node", "a", "why", "two words")
	want := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) \[INFO\]  agent\.server: joined: node=a why="two words"\n$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got %q, want a match of %s", out.String(), want)
	}
}

func TestUnknownLevelNamesTheValidOnes(t *testing.T) {
	_, err := logging.Open(logging.Options{Level: "loud"})
	want := "Invalid log level: LOUD. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFileRotatesBySizeAndKeepsSoMany(t *testing.T) {
	dir := t.TempDir()
	f, err := logging.OpenFile(logging.Options{File: filepath.Join(dir, "p.log"), RotateBytes: 10, RotateMaxFiles: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 6 {
		if _, err := f.Write([]byte("12345678\n")); err != nil {
			t.Fatal(err)
		}
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "p-*.log"))
	if len(archives) != 2 {
		t.Errorf("got archives %v, want 2", archives)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "p.log")); err != nil || string(got) != "12345678\n" {
		t.Errorf("active file holds %q, %v; want the last line only", got, err)
	}
}

func TestFileRotatesByAge(t *testing.T) {
	dir := t.TempDir()
	f, err := logging.OpenFile(logging.Options{File: filepath.Join(dir, "p"), RotateDuration: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 {
		if _, err := f.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if archives, _ := filepath.Glob(filepath.Join(dir, "p-*.log")); len(archives) == 0 {
		t.Error("no archive after the rotation period")
	}
}
