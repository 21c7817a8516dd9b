package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"praetor/docs"
)

// helpWidth is the column at which flag descriptions wrap (reference/cli.md §1.2).
const helpWidth = 72

func wantsHelp(args []string) bool {
	for _, a := range args {
		switch a {
		case "-h", "-help", "--help", "--h":
			return true
		case "--":
			return false
		}
		if !strings.HasPrefix(a, "-") {
			return false
		}
	}
	return false
}

// help is the text that -h prints: usage, then subcommands or flags.
func help(cmd *cobra.Command) string {
	var b strings.Builder
	if !cmd.HasParent() {
		writeTopHelp(&b, cmd)
		return b.String()
	}
	usage := strings.TrimSuffix(cmd.UseLine(), " [flags]")
	if cmd.HasSubCommands() {
		usage = cmd.CommandPath() + " <subcommand> [options] [args]"
	}
	fmt.Fprintf(&b, "Usage: %s\n\n", usage)
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	writeIndented(&b, text)
	if cmd.Example != "" {
		b.WriteString("\n")
		writeIndented(&b, strings.ReplaceAll(cmd.Example, "praetor", cmd.Root().Name()))
	}
	if cmd.HasSubCommands() {
		b.WriteString("\nSubcommands:\n\n")
		writeCommands(&b, cmd)
		return b.String()
	}
	writeFlags(&b, "HTTP API Options", cmd, true)
	writeFlags(&b, "Command Options", cmd, false)
	return b.String()
}

// groups are the commands of the first page, by what people come for.
var groups = []struct {
	title string
	names []string
}{
	{"An agent", []string{"agent", "demo", "top", "info", "members", "monitor", "doctor", "debug", "maint", "reload", "leave", "validate", "version"}},
	{"Services", []string{"services", "catalog", "config", "intention", "watch"}},
	{"Keys, locks and events", []string{"kv", "lock", "event", "exec"}},
	{"Access rules", []string{"acl", "login", "logout"}},
	{"A cluster", []string{"join", "force-leave", "operator", "snapshot", "keyring", "keygen", "tls", "upgrade", "connect", "rtt", "troubleshoot", "resource", "completion"}},
}

// writeTopHelp writes the first page: Consul's first lines, then commands by group.
func writeTopHelp(b *strings.Builder, root *cobra.Command) {
	name := root.Name()
	fmt.Fprintf(b, "Usage: %s [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n", name)
	width := 0
	for _, c := range visible(root) {
		width = max(width, len(c.Name()))
	}
	for _, group := range groups {
		fmt.Fprintf(b, "\n  %s\n", group.title)
		for _, command := range group.names {
			if c := find(root, command); c != nil {
				fmt.Fprintf(b, "    %-*s    %s\n", width, command, c.Short)
			}
		}
	}
	fmt.Fprintf(b, "\nNew here? %[1]s agent -dev starts an agent to try things with; %[1]s COMMAND -h\nsays more about a command, with examples; %[1]s help TOPIC about what is wrong.\n\n", name)
}

// runHelp prints a topic of the pages in the binary, or what -h prints of a command.
func runHelp(out io.Writer, root *cobra.Command, words []string) error {
	if text, ok := docs.Topic(strings.Join(words, " ")); ok {
		fmt.Fprint(out, text)
		return nil
	}
	if cmd, path, rest := locate(root, words); len(path) > 0 && len(rest) == 0 {
		fmt.Fprint(out, help(cmd))
		return nil
	}
	var b strings.Builder
	for _, t := range docs.Topics {
		fmt.Fprintf(&b, "    %-15s %s\n", t.Name, t.Heading)
	}
	return fail("There is no topic and no command %q. Topics are:\n%s    %-15s all of them", strings.Join(words, " "), b.String(), docs.All)
}

func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	list := visible(cmd)
	width := 0
	for _, c := range list {
		width = max(width, len(c.Name()))
	}
	for _, c := range list {
		fmt.Fprintf(b, "    %-*s    %s\n", width, c.Name(), c.Short)
	}
}

func writeFlags(b *strings.Builder, title string, cmd *cobra.Command, client bool) {
	first := true
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || isClientFlag(f) != client {
			return
		}
		if first {
			fmt.Fprintf(b, "\n%s\n", title)
			first = false
		}
		if f.NoOptDefVal != "" {
			fmt.Fprintf(b, "\n  -%s\n", f.Name)
		} else {
			fmt.Fprintf(b, "\n  -%s=<value>\n", f.Name)
		}
		for _, line := range wrap(f.Usage, helpWidth-5) {
			fmt.Fprintf(b, "     %s\n", line)
		}
	})
}

func writeIndented(b *strings.Builder, text string) {
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight("  "+line, " "))
		b.WriteString("\n")
	}
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
