package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rewriteFlags turns Go-style flags (-name, -name=value) into the double-dash
// form that pflag reads. Flags end at the first word that is none, or at "--";
// what follows is left as typed.
func rewriteFlags(cmd *cobra.Command, args []string) []string {
	if cmd.DisableFlagParsing {
		return args
	}
	out := make([]string, 0, len(args)+1)
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			return append(append(out, "--"), args[i:]...)
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		out = append(out, "--"+strings.TrimLeft(arg, "-"))
		flag := cmd.Flags().Lookup(name)
		if flag == nil || hasValue || flag.NoOptDefVal != "" {
			continue
		}
		if i++; i < len(args) {
			out[len(out)-1] += "=" + args[i]
		}
	}
	return out
}

// flagError words a parse error as Go's flag package does, followed by the
// command's flags (reference/cli.md §1.1).
func flagError(cmd *cobra.Command, err error) error {
	return fail("%s\n%s%s", flagErrorText(cmd, err), flagUsage(cmd), flagHint(cmd, err))
}

// flagHint suggests the flag that was meant by one that does not exist.
func flagHint(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	return didYouMeanFlag(cmd, unknown.GetSpecifiedName())
}

func flagErrorText(cmd *cobra.Command, err error) string {
	var (
		unknown  *pflag.NotExistError
		missing  *pflag.ValueRequiredError
		badValue *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return "flag provided but not defined: -" + unknown.GetSpecifiedName()
	case errors.As(err, &missing):
		return "flag needs an argument: -" + missing.GetSpecifiedName()
	case errors.As(err, &badValue):
		name, value := badValue.GetFlag().Name, badValue.GetValue()
		if badValue.GetFlag().NoOptDefVal != "" {
			return fmt.Sprintf("invalid boolean value %q for -%s: %s", value, name, parseErrorText(badValue))
		}
		return fmt.Sprintf("invalid value %q for flag -%s: %s", value, name, parseErrorText(badValue))
	}
	return err.Error()
}

// parseErrorText hides pflag's wording of bad numbers, as the flag package
// does; our own kinds of value word their errors themselves.
func parseErrorText(err *pflag.InvalidValueError) string {
	switch err.GetFlag().Value.Type() {
	case "value", "key=value":
		return err.Unwrap().Error()
	}
	return "parse error"
}

// flagUsage lists a command's flags as Go's flag package prints them.
func flagUsage(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString("Usage:")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		fmt.Fprintf(&b, "\n  -%s", f.Name)
		if f.NoOptDefVal == "" {
			b.WriteString(" value")
		}
		fmt.Fprintf(&b, "\n    \t%s", strings.ReplaceAll(f.Usage, "\n", "\n    \t"))
	})
	return b.String()
}
