package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What tests need to see from inside.
var (
	RewriteFlags = rewriteFlags
	PrintColumns = printColumns
	PrintTabs    = printTabs
	Nearest      = nearest
	Trailing     = trailing
	ByteText     = byteText

	ParseTemplatedPolicies = parseTemplatedPolicies
)

// ParseQuestion is what acl explain is asked: accessor, resource, access and name.
func ParseQuestion(args ...string) ([4]string, error) {
	q, err := parseQuestion(args)
	return [4]string{q.accessor, q.resource, q.access, q.name}, err
}

// FindCommand is the command that words name.
func FindCommand(words ...string) *cobra.Command {
	cmd, _, _ := locate(newRootCommand("praetor"), words)
	return cmd
}

// What an agent does as a client of itself.
var (
	RunAgentJob   = runAgentJob
	RunAgentWatch = runAgentWatch
	OwnClient     = ownClient
	EncodeName    = encodeName
)

// Hint is what a person is told about an error of a command.
func Hint(path []string, err error) string {
	cmd, _, _ := locate(newRootCommand("praetor"), path)
	return hint(cmd, err)
}

// Misused is the error of a command line that is wrong.
func Misused(text string) error { return misused("%s", text) }

// Page is docs/cli.md: what -h says of each command, the flags that most share once.
func Page() string {
	root := newRootCommand("praetor")
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the commands: `praetor COMMAND -h` says the same. Flags may have one dash or two, and come before arguments.\n" +
		"Exit codes: 0 done, 1 failed, 2 not found or a check failed, 127 an unknown command.\n" +
		"The flags of `praetor agent` are on the page of the [configuration](configuration.md#flags-of-praetor-agent).\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s: ", g.title)
		for i, name := range g.names {
			if i > 0 {
				b.WriteString(" · ")
			}
			fmt.Fprintf(&b, "[`%s`](#praetor-%[1]s)", name)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## Flags of commands that ask an agent\n\n")
	writeFlagRows(&b, FindCommand("kv", "get"), true)
	b.WriteString("\nEach variable has a twin that is looked at first: `PRAETOR_HTTP_ADDR` for `CONSUL_HTTP_ADDR`, and so on.\n")
	for _, g := range groups {
		for _, name := range g.names {
			writeCommandPage(&b, find(root, name), "##")
		}
	}
	return b.String()
}

func writeCommandPage(b *strings.Builder, cmd *cobra.Command, level string) {
	fmt.Fprintf(b, "\n%s `%s`\n\n", level, cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	if cmd.HasSubCommands() {
		fmt.Fprintf(b, "%s\n\n| | |\n|---|---|\n", strings.TrimSpace(text))
		for _, c := range visible(cmd) {
			fmt.Fprintf(b, "| [`%s`](#%s) | %s |\n", c.Name(), strings.ReplaceAll(c.CommandPath(), " ", "-"), c.Short)
		}
		for _, c := range visible(cmd) {
			writeCommandPage(b, c, "###")
		}
		return
	}
	fmt.Fprintf(b, "```text\n%s\n\n%s\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"), strings.TrimSpace(text))
	if cmd.Example != "" {
		fmt.Fprintf(b, "\n%s\n", strings.Trim(cmd.Example, "\n"))
	}
	b.WriteString("```\n")
	if cmd.CommandPath() == "praetor agent" { // whose flags are on the page of the configuration
		return
	}
	if cmd.Flags().Lookup("http-addr") != nil {
		b.WriteString("\nAsks an agent: [flags](#flags-of-commands-that-ask-an-agent).\n")
	}
	var own strings.Builder
	if writeFlagRows(&own, cmd, false); own.Len() > 0 {
		b.WriteString("\n" + own.String())
	}
}

func writeFlagRows(b *strings.Builder, cmd *cobra.Command, client bool) {
	head := "| flag | meaning |\n|---|---|\n"
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || isClientFlag(f) != client {
			return
		}
		value := "=VALUE"
		if f.NoOptDefVal != "" {
			value = ""
		}
		fmt.Fprintf(b, "%s| `-%s%s` | %s |\n", head, f.Name, value, strings.ReplaceAll(strings.Join(strings.Fields(f.Usage), " "), "|", "\\|"))
		head = ""
	})
}
