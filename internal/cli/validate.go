package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"praetor/agent/config"
)

type validateOptions struct {
	quiet  bool
	format string
}

func newValidateCommand() *cobra.Command {
	var opts validateOptions
	cmd := &cobra.Command{
		Use:   "validate [options] FILE_OR_DIRECTORY...",
		Short: "Validate config files/directories",
		Long: `Reads configuration as the agent would and reports every fault with its file
and key, without starting anything.`,
		Example: "praetor validate /etc/praetor.d",
		RunE:    func(cmd *cobra.Command, args []string) error { return runValidate(cmd, args, opts) },
	}
	cmd.Flags().BoolVar(&opts.quiet, "quiet", false, "Say nothing when the configuration is valid.")
	cmd.Flags().StringVar(&opts.format, "config-format", "", "Format of all files: hcl or json; by suffix if unspecified.")
	return cmd
}

func runValidate(cmd *cobra.Command, files []string, opts validateOptions) error {
	if len(files) == 0 {
		return misused("Must specify at least one config file or directory")
	}
	if opts.format != "" && opts.format != "hcl" && opts.format != "json" {
		return fail("-config-format must be either 'hcl' or 'json") // to the letter
	}
	warnings, err := config.Validate(files, opts.format)
	if err != nil {
		return fail("Config validation failed: %s", err)
	}
	for _, w := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), w)
	}
	if !opts.quiet {
		fmt.Fprintln(cmd.OutOrStdout(), "Configuration is valid!")
	}
	return nil
}
