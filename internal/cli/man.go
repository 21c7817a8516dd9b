package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"praetor/internal/version"
)

// newManCommand writes man pages for those who make packages: nobody else needs it,
// so no page lists it.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Writes the man pages",
		Long:    "Writes praetor.1 and a page for each command to a folder.",
		Example: "praetor man /usr/local/share/man/man1",
		Hidden:  true,
		RunE:    runMan,
	}
}

func runMan(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fail("man needs a folder, and nothing else: praetor man FOLDER")
	}
	root := cmd.Root()
	pages := map[string]string{"praetor.1": manTop(root)}
	for _, c := range visible(root) {
		pages["praetor-"+c.Name()+".1"] = manPage(c)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
			return fail("Error writing %s: %s", name, err)
		}
	}
	return nil
}

// manTop is the page of the program.
func manTop(root *cobra.Command) string {
	var b strings.Builder
	manHead(&b, "praetor", "service discovery, health checks, DNS and a key-value store")
	b.WriteString(".SH SYNOPSIS\n\\fBpraetor\\fR \\fICOMMAND\\fR [options] [args]\n.SH COMMANDS\nEach has a page of its own, as \\fBpraetor\\-agent\\fR(1).\n")
	for _, group := range groups {
		fmt.Fprintf(&b, ".SS %s\n", roff(group.title))
		for _, name := range group.names {
			if c := find(root, name); c != nil {
				fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(name), roff(c.Short))
			}
		}
	}
	b.WriteString(".SH FILES\n.TP\n/etc/praetor.d\nConfiguration of the packaged service.\n.TP\n/var/lib/praetor\nIts data.\n")
	return b.String()
}

// manPage is the page of a command and of all below it: what -h prints of each.
func manPage(top *cobra.Command) string {
	var b strings.Builder
	manHead(&b, "praetor-"+top.Name(), top.Short)
	var write func(*cobra.Command)
	write = func(cmd *cobra.Command) {
		section := "DESCRIPTION"
		if cmd != top {
			section = cmd.CommandPath()
		}
		fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", roff(section), roff(strings.TrimRight(help(cmd), "\n")))
		for _, c := range visible(cmd) {
			write(c)
		}
	}
	write(top)
	b.WriteString(".SH SEE ALSO\n\\fBpraetor\\fR(1)\n")
	return b.String()
}

// manHead has no date: pages of one version are the same bytes whenever they are made.
func manHead(b *strings.Builder, name, short string) {
	fmt.Fprintf(b, ".TH %s 1 \"\" \"Praetor %s\" \"Praetor\"\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), version.Praetor, roff(name), roff(short))
}

// roff is text as a man page says it: no line of it is taken for a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
