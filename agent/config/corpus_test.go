package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

// Every file in testdata/corpus is such as people keep in front of their agents.
// It loads with exactly the warnings beside it, or fails with the error; nothing
// in it is passed over in silence.
func TestCorpusLoadsAsItSays(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".want") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			flags := &config.Flags{Files: []string{file}}
			if !strings.Contains(string(text), "data_dir") { // a fragment: services, checks
				flags.HCL = []string{`data_dir = "/opt/consul"`}
			}
			rt, warnings, err := config.LoadOn(host, flags)
			got := &strings.Builder{}
			for _, w := range warnings {
				got.WriteString("warning: " + w + "\n")
			}
			if err != nil {
				got.WriteString("error: " + err.Error() + "\n")
			} else {
				got.WriteString("loads\n")
				if len(rt.Sanitized()) == 0 {
					t.Error("nothing to show of it")
				}
			}
			wantFile(t, file+".want", got.String())
		})
	}
}
