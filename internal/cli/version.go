package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"praetor/internal/version"
)

// Gossip protocol versions, as Consul numbers them.
const protocolDefault, protocolMin, protocolMax = 2, 2, 3

func newVersionCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version [options]",
		Short: "Prints the version",
		Long: `Prints the Consul version whose behaviour this build reproduces, then its own.
Clients compare the first, so it keeps Consul's form.`,
		Example: "praetor version\npraetor version -format=json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runVersion(cmd, format) },
	}
	cmd.Flags().StringVar(&format, "format", "pretty", "Output format: pretty or json.")
	return cmd
}

type versionProtocols struct{ Default, Min, Max int }

func runVersion(cmd *cobra.Command, format string) error {
	out := cmd.OutOrStdout()
	switch format {
	case "json":
		text, err := json.MarshalIndent(struct {
			Version, Revision, Prerelease, BuildDate string
			RPC                                      versionProtocols
		}{version.Compatible, version.Revision, "", version.BuildDate, versionProtocols{protocolDefault, protocolMin, protocolMax}}, "", "   ")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(text))
	case "pretty":
		fmt.Fprintf(out, "Consul v%s\n", version.Compatible)
		if version.Revision != "" {
			fmt.Fprintf(out, "Revision %s\n", version.Revision)
		}
		fmt.Fprintf(out, "Build Date %s (Praetor v%s)\n", version.BuildDate, version.Praetor)
		fmt.Fprintf(out, "Protocol %d spoken by default, understands %d to %d (agent will automatically use protocol >%d when speaking to compatible agents)\n\n",
			protocolDefault, protocolMin, protocolMax, protocolDefault)
	default:
		return fail("Unknown format: %s", format)
	}
	return nil
}
