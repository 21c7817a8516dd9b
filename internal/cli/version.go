package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"praetor/internal/licenses"
	"praetor/internal/version"
)

// Gossip protocol versions, as Consul numbers them.
const protocolDefault, protocolMin, protocolMax = 2, 2, 3

type versionOptions struct {
	output   outputFormat
	praetor  bool
	licenses bool
}

func newVersionCommand() *cobra.Command {
	var opts versionOptions
	cmd := &cobra.Command{
		Use:   "version [options]",
		Short: "Prints the version",
		Long: `Prints the Consul version whose behaviour this build reproduces, word for word
as Consul does: scripts compare it. With -praetor it prints its own, and with
-licenses the licences of everything that is linked into it.`,
		Example: "praetor version\npraetor version -format=json\npraetor version -praetor\npraetor version -licenses",
		RunE:    func(cmd *cobra.Command, args []string) error { return runVersion(cmd, opts) },
	}
	opts.output.register(cmd)
	opts.output.indent = "   "
	cmd.Flags().BoolVar(&opts.praetor, "praetor", false, "Print Praetor's own version and revision instead.")
	cmd.Flags().BoolVar(&opts.licenses, "licenses", false, "Print the licences of all linked modules instead.")
	return cmd
}

type versionProtocols struct{ Default, Min, Max int }

func runVersion(cmd *cobra.Command, opts versionOptions) error {
	out := cmd.OutOrStdout()
	if opts.licenses {
		fmt.Fprint(out, licenses.Text)
		return nil
	}
	if opts.praetor {
		fmt.Fprintln(out, version.Revision())
		return nil
	}
	about := struct {
		Version, Revision, Prerelease, BuildDate string
		RPC                                      versionProtocols
	}{version.Compatible, version.Revision(), "", version.BuildDate, versionProtocols{protocolDefault, protocolMin, protocolMax}}
	return opts.output.print(cmd, about, func() {
		fmt.Fprintf(out, "Consul v%s\n", version.Compatible)
		fmt.Fprintf(out, "Build Date %s\n", version.BuildDate)
		fmt.Fprintf(out, "Protocol %d spoken by default, understands %d to %d (agent will automatically use protocol >%d when speaking to compatible agents)\n\n",
			protocolDefault, protocolMin, protocolMax, protocolDefault)
	})
}
