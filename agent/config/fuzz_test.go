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
	for _, text := range seeds(f, format) {
		f.Add(text)
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

// seeds are the texts of the bad files and of the corpus.
func seeds(f *testing.F, format string) []string {
	f.Helper()
	var texts []string
	for _, folder := range []string{"bad", "corpus"} {
		files, err := filepath.Glob("testdata/" + folder + "/*." + format)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds: %v", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	return texts
}

// What two files say is merged, or refused with a text, and in the same way
// each time.
func FuzzMerge(f *testing.F) {
	hcl, json := seeds(f, "hcl"), seeds(f, "json")
	for i := range hcl {
		f.Add(hcl[i], json[i%len(json)])
	}
	f.Fuzz(func(t *testing.T, hcl, json string) {
		if strings.Contains(hcl+json, "{{") {
			t.Skip("templates ask the machine")
		}
		if config.ParseText(hcl, "hcl") != nil || config.ParseText(json, "json") != nil {
			return // for the other targets
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"a.hcl": hcl, "b.json": json} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		load := func() string {
			rt, warnings, err := config.LoadOn(host, &config.Flags{Dev: true, Files: []string{dir}})
			if err == nil {
				return strings.Join(warnings, "\n") + rt.Log.Level + rt.Datacenter
			}
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return err.Error()
		}
		if first, second := load(), load(); first != second {
			t.Errorf("once %q, then %q", first, second)
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
