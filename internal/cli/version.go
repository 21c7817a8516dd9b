package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"praetor/internal/version"
)

// Gossip protocol versions, as Consul numbers them.
const protocolDefault, protocolMin, protocolMax = 2, 2, 3

type versionOptions struct {
	format  string
	praetor bool
}

func newVersionCommand() *cobra.Command {
	var opts versionOptions
	cmd := &cobra.Command{
		Use:   "version [options]",
		Short: "Prints the version",
		Long: `Prints the Consul version whose behaviour this build reproduces, word for word
as Consul does: scripts compare it. With -praetor it prints its own.`,
		Example: "praetor version\npraetor version -format=json\npraetor version -praetor",
		RunE:    func(cmd *cobra.Command, args []string) error { return runVersion(cmd, opts) },
	}
	cmd.Flags().StringVar(&opts.format, "format", "pretty", "Output format: pretty or json.")
	cmd.Flags().BoolVar(&opts.praetor, "praetor", false, "Print Praetor's own version and revision instead.")
	return cmd
}

type versionProtocols struct{ Default, Min, Max int }

func runVersion(cmd *cobra.Command, opts versionOptions) error {
	out := cmd.OutOrStdout()
	if opts.praetor {
		fmt.Fprintln(out, version.Revision())
		return nil
	}
	switch opts.format {
	case "json":
		text, err := json.MarshalIndent(struct {
			Version, Revision, Prerelease, BuildDate string
			RPC                                      versionProtocols
		}{version.Compatible, version.Revision(), "", version.BuildDate, versionProtocols{protocolDefault, protocolMin, protocolMax}}, "", "   ")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(text))
	case "pretty":
		fmt.Fprintf(out, "Consul v%s\n", version.Compatible)
		fmt.Fprintf(out, "Build Date %s\n", version.BuildDate)
		fmt.Fprintf(out, "Protocol %d spoken by default, understands %d to %d (agent will automatically use protocol >%d when speaking to compatible agents)\n\n",
			protocolDefault, protocolMin, protocolMax, protocolDefault)
	default:
		return fail("Unknown format: %s", opts.format)
	}
	return nil
}
