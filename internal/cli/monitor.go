package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

type monitorOptions struct {
	client   client
	logLevel string
	logJSON  bool
}

func newMonitorCommand() *cobra.Command {
	var opts monitorOptions
	cmd := &cobra.Command{
		Use:   "monitor [options]",
		Short: "Stream logs from an agent",
		Long: `Prints the agent's log as it comes, at a level of its own: the agent's own log
stays as it is configured. An interrupt ends it.`,
		Example: `praetor monitor
praetor monitor -log-level=debug`,
		RunE: func(cmd *cobra.Command, args []string) error { return runMonitor(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerPartition(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.logLevel, "log-level", "INFO", "Least level to show: trace, debug, info, warn or error.")
	fs.BoolVar(&opts.logJSON, "log-json", false, "Print log lines as JSON.")
	return cmd
}

func runMonitor(cmd *cobra.Command, opts monitorOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	signals, restore := interrupts()
	defer restore()
	stop := make(chan struct{})
	defer close(stop)
	call := cl.Agent().Monitor
	if opts.logJSON {
		call = cl.Agent().MonitorJSON
	}
	lines, err := call(opts.logLevel, stop, nil)
	if err != nil {
		return fail("Error starting monitor: %s", err)
	}
	for {
		select {
		case <-signals:
			return nil
		case line := <-lines:
			if line == "" { // the library's sign of the end
				return fail("\nRemote side ended the monitor! This usually means that the\nremote side has exited or crashed.")
			}
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
}
