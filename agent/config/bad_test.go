package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

var update = flag.Bool("update", false, "rewrite testdata/bad/*.want")

// Every file in testdata/bad is refused with exactly the text beside it.
func TestBadFilesAreRefusedWithTheirText(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, _, err := config.LoadOn(host, &config.Flags{Files: []string{file}})
			if err == nil {
				t.Fatal("accepted")
			}
			wantFile(t, file+".want", err.Error()+"\n")
		})
	}
}

func wantFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
