package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"praetor/internal/doctor"
)

// agentPorts are those that agents use by default, in the order in which they are tried.
var agentPorts = []string{"8600", "8500", "8501", "8502", "8503", "8301", "8302", "8300"}

func newTroubleshootCommand() *cobra.Command {
	return addParseLine(newGroup("troubleshoot", "CLI tools for troubleshooting Consul service mesh",
		"Finds out what keeps machines from reaching each other.\n\n  praetor troubleshoot ports -host=10.0.0.1", newTroubleshootPortsCommand()))
}

type troubleshootPortsOptions struct{ host, ports string }

func newTroubleshootPortsCommand() *cobra.Command {
	var opts troubleshootPortsOptions
	cmd := &cobra.Command{
		Use:     "ports [options]",
		Short:   "Prints open and closed ports on the Consul server",
		Long:    "Tries to open TCP connections to the ports of an agent, and says which it could.",
		Example: "praetor troubleshoot ports -host=10.0.0.1\npraetor troubleshoot ports -host=10.0.0.1 -ports=8300,8301",
		RunE:    func(cmd *cobra.Command, args []string) error { return runTroubleshootPorts(cmd, opts) },
	}
	fs := cmd.Flags()
	fs.StringVar(&opts.host, "host", "", "The machine to try; also CONSUL_HTTP_ADDR.")
	fs.StringVar(&opts.ports, "ports", "", "The ports to try, separated by commas; by default all that agents use.")
	return cmd
}

func runTroubleshootPorts(cmd *cobra.Command, opts troubleshootPortsOptions) error {
	adoptEnvironment()
	host := opts.host
	if host == "" && os.Getenv("CONSUL_HTTP_ADDR") != "" {
		host = doctor.Host(os.Getenv("CONSUL_HTTP_ADDR"))
	}
	if host == "" {
		return fail("-host is required.")
	}
	ports := agentPorts
	if opts.ports != "" {
		ports = strings.Split(opts.ports, ",")
	}
	said := make(chan string, len(ports))
	go func() { // the loop below waits for it
		defer close(said)
		doctor.Parallel(len(ports), func(i int) {
			port := strings.TrimSpace(ports[i])
			state := "is open."
			if err := doctor.Knock(context.Background(), net.JoinHostPort(host, port)); err != nil {
				state = "is closed, unreachable, or the connection timed out."
			}
			said <- fmt.Sprintf("TCP: Port %s on %s %s", port, host, state)
		})
	}()
	for line := range said {
		fmt.Fprintln(cmd.OutOrStdout(), line)
	}
	return nil
}
