package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestShellsAreToldWhatAWordMayBecome(t *testing.T) {
	for line, want := range map[string]string{
		"praetor k":                     "keygen keyring kv",
		"praetor kv pu":                 "put",
		"praetor operator raft ":        "list-peers recover remove-peer transfer-leader",
		"praetor members -de":           "-detailed",
		"praetor kv get -datac":         "-datacenter=",
		"praetor kv get a":              "",
		"praetor nonsense ":             "",
		"praetor":                       "",
		"praetor operator raft list-pe": "list-peers",
		"":                              "",
	} {
		t.Setenv("COMP_LINE", line)
		out, errs, code := run(t)
		if got := strings.Join(strings.Fields(out), " "); got != want || errs != "" || code != 0 {
			t.Errorf("%q becomes %q (%d, %s), want %q", line, got, code, errs, want)
		}
	}
}

func TestCompletionIsInstalledOnceAndTakenOut(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	const own = "alias ll='ls -l'"
	if err := os.WriteFile(filepath.Join(home, ".bashrc"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, ".config", "fish"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if out, errs, code := run(t, "-autocomplete-install"); code != 0 || errs != "" || out == "" {
			t.Fatalf("code %d, %s%s", code, out, errs)
		}
	}
	if got := file(".bashrc"); !strings.HasPrefix(got, own+"\ncomplete -o nospace -C /") || strings.Count(got, "complete ") != 1 || !strings.HasSuffix(got, " praetor\n") {
		t.Errorf(".bashrc is %q", got)
	}
	if got := file(".config/fish/completions/praetor.fish"); !strings.Contains(got, "complete -f -c praetor") {
		t.Errorf("fish has %q", got)
	}
	if _, err := os.Stat(filepath.Join(home, ".zshrc")); err == nil {
		t.Error("a start file was made for a shell that this user does not have")
	}
	run(t, "-autocomplete-uninstall")
	if got := file(".bashrc"); got != own+"\n" {
		t.Errorf("after taking it out .bashrc is %q", got)
	}
	if _, err := os.Stat(filepath.Join(home, ".config/fish/completions/praetor.fish")); err == nil {
		t.Error("fish still has it")
	}
}

// TestScriptsAreUnderstoodByTheirShells has the shells that are there read what is
// printed for them.
func TestScriptsAreUnderstoodByTheirShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, errs, code := run(t, "completion", shell)
		if code != 0 || !strings.Contains(out, "complete ") {
			t.Errorf("%s: code %d, %s%s", shell, code, out, errs)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("this machine has no %s: its script is not tried", shell)
			continue
		}
		if said, err := exec.Command(shell, "-c", out).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, said)
		}
	}
}

func TestNamesThatDoNotExistAreCorrected(t *testing.T) {
	for args, want := range map[string]string{
		"memebrs":                   `There is no command "memebrs". Did you mean: praetor members?`,
		"kv gett":                   `There is no command "gett". Did you mean: praetor kv get?`,
		"members -http-adr=x":       "Did you mean: -http-addr?",
		"operator raft list-peer":   "Did you mean: praetor operator raft list-peers?",
		"services deregister -idd=": "Did you mean: -id?",
	} {
		_, errs, code := run(t, strings.Fields(args)...)
		if code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d, no %q in\n%s", args, code, want, errs)
		}
	}
	if _, errs, _ := run(t, "bogus"); !strings.HasPrefix(errs, "Usage:") {
		t.Errorf("a word like no command is answered %q", errs)
	}
}

// TestFirstPageNamesEveryCommandOnce compares the page with what the shell completes.
func TestFirstPageNamesEveryCommandOnce(t *testing.T) {
	t.Setenv("COMP_LINE", "praetor ")
	names, _, _ := run(t)
	os.Unsetenv("COMP_LINE")
	page, _, code := run(t, "--help")
	if code != 0 || !strings.HasPrefix(page, "Usage: praetor [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n") {
		t.Errorf("code %d\n%s", code, page)
	}
	for _, name := range strings.Fields(names) {
		if n := strings.Count(page, "\n    "+name+" "); n != 1 {
			t.Errorf("%s is on the page %d times", name, n)
		}
	}
}

// TestEveryCommandHasHelpWithAnExample walks over all commands.
func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	var walk func(words []string)
	walk = func(words []string) {
		page, errs, code := run(t, append(words, "-h")...)
		if code != 0 || errs != "" || !strings.HasPrefix(page, "Usage: praetor "+strings.Join(words, " ")) {
			t.Errorf("%v -h: code %d\n%s%s", words, code, page, errs)
		}
		if _, text, _ := strings.Cut(page, "\n"); !strings.Contains(text, "  praetor "+words[0]) && !strings.Contains(text, "(praetor "+words[0]) {
			t.Errorf("%v -h has no example:\n%s", words, page)
		}
		t.Setenv("COMP_LINE", "praetor "+strings.Join(words, " ")+" ")
		below, _, _ := run(t)
		os.Unsetenv("COMP_LINE")
		for _, name := range strings.Fields(below) {
			walk(append(words[:len(words):len(words)], name))
		}
	}
	t.Setenv("COMP_LINE", "praetor ")
	top, _, _ := run(t)
	os.Unsetenv("COMP_LINE")
	for _, name := range strings.Fields(top) {
		walk([]string{name})
	}
}
