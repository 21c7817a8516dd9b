package cli

import (
	"cmp"
	"os"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/top"
)

type topOptions struct {
	client   client
	logLevel string
	once     bool
}

func newTopCommand() *cobra.Command {
	var opts topOptions
	cmd := &cobra.Command{
		Use:   "top [options]",
		Short: "Shows a cluster in the terminal, as it changes",
		Long: `Shows the cluster as it changes: what is critical and who leads, services and nodes
with their checks, keys, and the agent's log. The keys 1 to 5 turn the pages, enter
opens what the cursor is at, / filters, ? shows all keys and q quits. It changes nothing.

Where the output is no terminal, and with -once, it prints the first page as text.`,
		Example: `praetor top
praetor top -http-addr=10.0.0.1:8500 -log-level=debug
praetor top -once`,
		RunE: func(cmd *cobra.Command, args []string) error { return runTop(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.once, "once", false, "Print the first page as text and end.")
	fs.StringVar(&opts.logLevel, "log-level", "INFO", "Least level of the log to show: trace, debug, info, warn or error.")
	return cmd
}

func runTop(cmd *cobra.Command, args []string, opts topOptions) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	shown := top.Options{
		Client:     cl,
		Address:    cmp.Or(opts.client.httpAddr, os.Getenv(api.HTTPAddrEnvName), defaultAddress),
		Datacenter: opts.client.datacenter,
		Stale:      bool(opts.client.stale),
		LogLevel:   opts.logLevel,
		NoColor:    os.Getenv("NO_COLOR") != "",
		Input:      cmd.InOrStdin(),
		Output:     out,
	}
	ctx, stop := untilInterrupted(cmd.Context())
	defer stop()
	if opts.once || !isTerminal(out) || os.Getenv("TERM") == "dumb" {
		if err := top.Once(ctx, shown); err != nil {
			return fail("Error querying Consul agent: %s", err)
		}
		return nil
	}
	if err := top.Run(ctx, shown); err != nil {
		return fail("Error showing the cluster: %s", err)
	}
	return nil
}
