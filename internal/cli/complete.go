package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// lineVariable is where shells put the line to be completed, for programs named to
// bash's complete -C and its like (reference/cli.md §1.2).
const lineVariable = "COMP_LINE"

// complete lists what the last word of a line may become: commands, flags if it begins
// with a dash, and what the agent knows of keys, nodes, services and datacenters.
func complete(root *cobra.Command, line string) []string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	last := ""
	if !strings.HasSuffix(line, " ") {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	if len(words) == 0 {
		return nil // the program's own name
	}
	cmd, _, rest := locate(root, words[1:])
	var list []string
	switch {
	case strings.HasPrefix(last, "-") && !strings.Contains(last, "="):
		list = flagNames(cmd)
	case cmd.HasSubCommands():
		for _, c := range visible(cmd) {
			list = append(list, c.Name())
		}
		if len(rest) > 0 {
			return nil
		}
	default:
		return completeValue(cmd, rest, last)
	}
	return slices.DeleteFunc(list, func(name string) bool { return !strings.HasPrefix(name, last) })
}

// flagNames are a command's flags as they are typed; those that need a value end in
// an equals sign.
func flagNames(cmd *cobra.Command) []string {
	list := []string{"-help"}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden || f.Name == "help":
		case f.NoOptDefVal == "":
			list = append(list, "-"+f.Name+"=")
		default:
			list = append(list, "-"+f.Name)
		}
	})
	return list
}

// shell is one that can complete our command lines.
type shell struct {
	name string
	// file is the start file, below the home folder; own reports that the file is
	// ours alone.
	file string
	own  bool
	// lines go into the file; PROGRAM is our path and NAME the name we are called by.
	lines string
}

var shells = []shell{
	{"bash", ".bashrc", false, "complete -o nospace -C PROGRAM NAME"},
	{"zsh", ".zshrc", false, "(( $+functions[compdef] )) || { autoload -U compinit && compinit }; autoload -U +X bashcompinit && bashcompinit && complete -o nospace -C PROGRAM NAME"},
	{"fish", ".config/fish/completions/NAME.fish", true, `function __complete_NAME
    set -lx COMP_LINE (commandline -cp)
    set -lx COMP_WHOLE 1
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    PROGRAM
end
complete -f -c NAME -a "(__complete_NAME)"`},
}

// script is what the shell is told of a program.
func (s shell) script(program, name string) string {
	return strings.NewReplacer("PROGRAM", program, "NAME", name).Replace(s.lines)
}

func newCompletionCommand() *cobra.Command {
	var commands []*cobra.Command
	for _, s := range shells {
		program := ""
		cmd := &cobra.Command{
			Use:     s.name + " [options]",
			Short:   "Print what makes " + s.name + " complete commands",
			Long:    "Prints the lines that make " + s.name + " complete commands and flags with the tab key.",
			Example: completionExamples[s.name],
			RunE: func(cmd *cobra.Command, args []string) error {
				if program == "" {
					var err error
					if program, err = os.Executable(); err != nil {
						return fail("Error finding this program: %s", err)
					}
				}
				fmt.Fprintln(cmd.OutOrStdout(), s.script(program, cmd.Root().Name()))
				return nil
			},
		}
		cmd.Flags().StringVar(&program, "program", "", "Name or path of the program that the shell asks. The default is this one's path.")
		commands = append(commands, cmd)
	}
	return newGroup("completion", "Print what makes a shell complete commands",
		`Prints the lines that make a shell complete commands and flags with the tab key.
-autocomplete-install puts them into the start files of every shell that this user
has, and -autocomplete-uninstall takes them out.

  praetor -autocomplete-install
  source <(praetor completion bash)`, commands...)
}

var completionExamples = map[string]string{
	"bash": "source <(praetor completion bash)",
	"zsh":  "source <(praetor completion zsh)",
	"fish": "praetor completion fish | source",
}

// install adds completion to the start files that there are in a home folder, or
// with remove takes it out again.
func install(home, program, name string, remove bool, out io.Writer) error {
	done := 0
	for _, s := range shells {
		file := filepath.Join(home, strings.ReplaceAll(s.file, "NAME", name))
		changed, err := s.install(file, s.script(program, name), remove)
		if err != nil {
			return fail("Error: %s: %s", s.name, err)
		}
		if changed {
			done++
			fmt.Fprintf(out, "%s: %s\n", s.name, file)
		}
	}
	if done == 0 {
		what := "no start file of bash, zsh or fish is without it"
		if remove {
			what = "no start file of bash, zsh or fish has it"
		}
		fmt.Fprintf(out, "Nothing to do: %s\n", what)
	}
	return nil
}

func (s shell) install(file, script string, remove bool) (changed bool, err error) {
	if s.own {
		return installOwn(file, script, remove)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // not this user's shell
	}
	if err != nil {
		return false, err
	}
	kept := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(line string) bool { return strings.TrimSpace(line) == script })
	now := strings.Join(kept, "")
	if !remove {
		if now != "" && !strings.HasSuffix(now, "\n") {
			now += "\n"
		}
		now += script + "\n"
	}
	if now == string(text) {
		return false, nil
	}
	return true, os.WriteFile(file, []byte(now), 0o644)
}

// installOwn writes a file of ours, where the shell's folder is.
func installOwn(file, script string, remove bool) (changed bool, err error) {
	if remove {
		err := os.Remove(file)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	if _, err := os.Stat(filepath.Dir(filepath.Dir(file))); err != nil {
		return false, nil // not this user's shell
	}
	if old, err := os.ReadFile(file); err == nil && string(old) == script+"\n" {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, err
	}
	return true, os.WriteFile(file, []byte(script+"\n"), 0o644)
}

// runInstall is -autocomplete-install and its opposite.
func runInstall(root *cobra.Command, remove bool) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return fail("Error finding the home folder: %s", err)
	}
	program, err := os.Executable()
	if err != nil {
		return fail("Error finding this program: %s", err)
	}
	return install(home, program, root.Name(), remove, root.OutOrStdout())
}
