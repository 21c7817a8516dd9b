package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"praetor/internal/cli"
)

func TestManPagesSayWhatHelpSays(t *testing.T) {
	dir := t.TempDir()
	if _, errs, code := run(t, "man", dir); code != 0 {
		t.Fatal(errs)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages { // of commands of ours: cobra makes some itself
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(page), "praetor-"), ".1")
		if name != "praetor" && cli.FindCommand(name).Name() != name {
			t.Errorf("a page for %q", name)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, ".") && !strings.HasPrefix(line, ".SH ") && !strings.HasPrefix(line, ".SS ") && !strings.HasPrefix(line, ".TH ") && line != ".TP\n" && line != ".nf\n" && line != ".fi\n" {
				t.Errorf("%s: %q is a request", name, line)
			}
		}
		return string(text)
	}
	if page := read("praetor.1"); !strings.Contains(page, "\n\\fBkv\\fR\n") || strings.Contains(page, "\\fBman\\fR") {
		t.Errorf("the first page lists:\n%s", page)
	}
	page := read("praetor-kv.1")
	for _, want := range []string{"praetor\\-kv \\- ", ".SH praetor kv put\n", "\n  \\-recurse\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if _, errs, code := run(t, "man"); code != 1 || !strings.Contains(errs, "needs a folder") {
		t.Errorf("without a folder: %d %s", code, errs)
	}
}

func TestCompletionNamesTheProgramThatIsAskedFor(t *testing.T) {
	out, _, code := run(t, "completion", "bash", "-program=praetor")
	if want := "complete -o nospace -C praetor praetor\n"; code != 0 || out != want {
		t.Errorf("%q, not %q", out, want)
	}
}
