package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes with a meaning (reference/cli.md §1.7).
const (
	exitOK             = 0
	exitError          = 1
	exitNoMatch        = 2
	exitUnknownCommand = 127
)

// exit is an error that carries the process's exit code. An empty text prints
// nothing.
type exit struct {
	code    int
	text    string
	misused bool // the command line is wrong
}

func (e exit) Error() string { return e.text }

// fail is the usual way to end a command with a message and code 1.
func fail(format string, args ...any) error {
	return exit{code: exitError, text: fmt.Sprintf(format, args...)}
}

// misused is fail for a command line that does not say what it must.
func misused(format string, args ...any) error {
	return exit{code: exitError, text: fmt.Sprintf(format, args...), misused: true}
}

// Main runs the command line args (args[0] is the program's path) and returns
// the process's exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand(programName(args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)

	if line, asked := os.LookupEnv(lineVariable); asked {
		for _, word := range complete(root, line) {
			fmt.Fprintln(stdout, word)
		}
		return exitOK
	}
	words := args[1:]
	cmd, path, rest := locate(root, words)
	switch {
	case wantsHelp(rest) && !cmd.DisableFlagParsing:
		fmt.Fprint(stdout, help(cmd))
		return exitOK
	case cmd == root && len(rest) > 0 && isVersionFlag(rest[0]):
		cmd, path, rest = find(root, "version"), []string{"version"}, nil
	case cmd == root && len(rest) > 0 && strings.HasPrefix(strings.TrimLeft(rest[0], "-"), "autocomplete-"):
		return report(stderr, runInstall(root, strings.HasSuffix(rest[0], "uninstall")))
	case cmd == root && len(rest) > 0 && rest[0] == "help" && len(rest) > 1:
		return report(stderr, runHelp(stdout, root, rest[1:]))
	case cmd == root:
		fmt.Fprint(stderr, didYouMean(cmd, rest), help(root))
		return exitUnknownCommand
	case cmd.HasSubCommands():
		fmt.Fprint(stderr, didYouMean(cmd, rest), help(cmd))
		return exitError
	}
	root.SetArgs(append(path, rewriteFlags(cmd, rest)...))
	err := root.Execute()
	code := report(stderr, err)
	if err != nil && isTerminal(stderr) {
		fmt.Fprint(stderr, hint(cmd, err))
	}
	return code
}

func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code := exitError
	var e exit
	if errors.As(err, &e) {
		code = e.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, text)
	}
	return code
}

func programName(args []string) string {
	if len(args) > 0 && strings.TrimSuffix(filepath.Base(args[0]), ".exe") == "consul" {
		return "consul"
	}
	return "praetor"
}

// newRootCommand lists every command, in the order help shows them.
func newRootCommand(name string) *cobra.Command {
	root := &cobra.Command{
		Use:               name,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(
		newACLCommand(),
		newAgentCommand(),
		newCatalogCommand(),
		newCompletionCommand(),
		newConfigCommand(),
		newDebugCommand(),
		newDemoCommand(),
		newDockerEntrypointCommand(),
		newDoctorCommand(),
		newEventCommand(),
		newExecCommand(),
		newForceLeaveCommand(),
		newInfoCommand(),
		newIntentionCommand(),
		newJoinCommand(),
		newKeygenCommand(),
		newKeyringCommand(),
		newKVCommand(),
		newLeaveCommand(),
		newLockCommand(),
		newLoginCommand(),
		newLogoutCommand(),
		newMaintCommand(),
		newManCommand(),
		newMembersCommand(),
		newMonitorCommand(),
		newConnectCommand(),
		newOperatorCommand(),
		newReloadCommand(),
		newResourceCommand(),
		newRTTCommand(),
		newServicesCommand(),
		newSnapshotCommand(),
		newTLSCommand(),
		newTopCommand(),
		newUpgradeCommand(),
		newTroubleshootCommand(),
		newValidateCommand(),
		newVersionCommand(),
		newWatchCommand(),
	)
	root.SetHelpCommand(&cobra.Command{Use: "no-help-command", Hidden: true}) // in the place of cobra's, which is no command of ours
	root.SetFlagErrorFunc(flagError)                                          // of every command that has none of its own
	return root
}

// newGroup returns a command that only holds others.
func newGroup(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Long: long}
	group.AddCommand(commands...)
	return group
}

// locate follows the leading words of a command line down the tree and returns
// the command they name, those words, and what is left.
func locate(root *cobra.Command, words []string) (cmd *cobra.Command, path, rest []string) {
	cmd, rest = root, words
	for len(rest) > 0 {
		next := find(cmd, rest[0])
		if next == nil {
			return cmd, path, rest
		}
		cmd, path, rest = next, append(path, rest[0]), rest[1:]
	}
	return cmd, path, rest
}

func find(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

func visible(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			list = append(list, c)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
	return list
}

func isVersionFlag(word string) bool {
	return word == "-v" || word == "-version" || word == "--version"
}
