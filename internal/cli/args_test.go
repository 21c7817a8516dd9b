package cli_test

import (
	"slices"
	"strings"
	"testing"

	"praetor/internal/cli"
)

func TestFlagsOfGoAreRewritten(t *testing.T) {
	cmd := cli.FindCommand("services", "deregister")
	for _, row := range []struct{ name, in, want string }{
		{"a value apart", "-id web", "--id=web"},
		{"a value with the flag", "-id=web", "--id=web"},
		{"two dashes", "--id web", "--id=web"},
		{"a value that looks like a flag", "-id -x", "--id=-x"},
		{"a boolean takes no word", "-anywhere web", "--anywhere -- web"},
		{"a boolean with a value", "-anywhere=false web", "--anywhere=false -- web"},
		{"flags end at the first word", "a.json -id web", "-- a.json -id web"},
		{"flags end at two dashes", "-id web -- -x", "--id=web -- -x"},
		{"a dash alone is a word", "- -id", "-- - -id"},
		{"an unknown flag stays", "-bogus x", "--bogus -- x"},
		{"a value that is missing", "-id", "--id"},
		{"nothing", "", ""},
	} {
		if got := cli.RewriteFlags(cmd, strings.Fields(row.in)); !slices.Equal(got, strings.Fields(row.want)) {
			t.Errorf("%s: %q became %q, want %s", row.name, row.in, got, row.want)
		}
	}
}

// The texts are those of Go's flag package (reference/cli.md §1.1).
func TestFlagErrorsAreThoseOfGo(t *testing.T) {
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"members", "-bogus"}, "flag provided but not defined: -bogus\nUsage:\n"},
		{[]string{"kv", "put", "-stale=maybe", "a"}, "invalid boolean value \"maybe\" for -stale: strconv.ParseBool: parsing \"maybe\": invalid syntax\nUsage:\n"},
		{[]string{"members", "-wan=perhaps"}, "invalid boolean value \"perhaps\" for -wan: parse error\nUsage:\n"},
		{[]string{"kv", "get", "-separator"}, "flag needs an argument: -separator\nUsage:\n"},
		{[]string{"services", "register", "-port=x"}, "invalid value \"x\" for flag -port: parse error\nUsage:\n"},
		{[]string{"services", "register", "-meta=x"}, "invalid value \"x\" for flag -meta: Missing \"=\" value in argument: x\nUsage:\n"},
	} {
		out, errs, code := run(t, row.args...)
		if code != 1 || out != "" || !strings.HasPrefix(errs, row.want) {
			t.Errorf("%v: %d %s%s\nwant %s", row.args, code, out, errs, row.want)
		}
	}
}

func TestSomeCommandsAddALineAfterAFlagError(t *testing.T) {
	for command, want := range map[string]string{
		"agent":                    "\n==> error parsing flags: flag provided but not defined: -bogus\n",
		"operator raft list-peers": "\nFailed to parse args: flag provided but not defined: -bogus\n",
	} {
		if _, errs, code := run(t, append(strings.Fields(command), "-bogus")...); code != 1 || !strings.HasSuffix(errs, want) {
			t.Errorf("%s: %d %s", command, code, errs)
		}
	}
}

func TestUnknownCommandsShowWhatThereIs(t *testing.T) {
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 127, "Usage: praetor [--version] [--help] <command> [<args>]\n"},
		{[]string{"bogus"}, 127, "Usage: praetor [--version]"},
		{[]string{"kv"}, 1, "Usage: praetor kv <subcommand>"},
		{[]string{"operator", "raft", "bogus"}, 1, "Usage: praetor operator raft <subcommand>"},
	} {
		out, errs, code := run(t, row.args...)
		if code != row.code || out != "" || !strings.HasPrefix(errs, row.want) {
			t.Errorf("%v: %d %s%s, want %d on stderr: %s", row.args, code, out, errs, row.code, row.want)
		}
	}
}

func TestHelpGoesToStdout(t *testing.T) {
	for _, words := range []string{"-h", "kv --help", "kv get -help", "services deregister -h", "operator raft list-peers -h"} {
		out, errs, code := run(t, strings.Fields(words)...)
		if code != 0 || errs != "" || !strings.HasPrefix(out, "Usage: praetor ") {
			t.Errorf("%s: %d %s%s", words, code, errs, out)
		}
		for line := range strings.Lines(out) {
			if len(line) > 200 {
				t.Errorf("%s: a line of %d characters", words, len(line))
			}
		}
	}
}
