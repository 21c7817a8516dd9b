package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/agent/config"
)

// Whatever a file holds, it is accepted or refused with a text; it never ends
// the agent.
func FuzzHCL(f *testing.F)  { fuzzFormat(f, "hcl") }
func FuzzJSON(f *testing.F) { fuzzFormat(f, "json") }

func fuzzFormat(f *testing.F, format string) {
	files, err := filepath.Glob("testdata/bad/*." + format)
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "{{") {
			t.Skip("templates ask the machine")
		}
		if err := config.ParseText(text, format); err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return // most inputs: no need to load the rest
		}
		name := filepath.Join(t.TempDir(), "a."+format)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rt, _, err := config.LoadOn(host, &config.Flags{Dev: true, Files: []string{name}})
		if err == nil {
			rt.Sanitized()
		} else if err.Error() == "" {
			t.Error("refused without a reason")
		}
	})
}

func TestDeepAndLargeSourcesAreRefused(t *testing.T) {
	for _, format := range []string{"hcl", "json"} {
		for _, text := range []string{strings.Repeat(`{"a":`, 1000), "a = " + strings.Repeat("[", 100_000), strings.Repeat(" ", 17<<20)} {
			if err := config.ParseText(text, format); err == nil {
				t.Errorf("%s: %.20q accepted", format, text)
			}
		}
	}
}
