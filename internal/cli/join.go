package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

type joinOptions struct {
	client client
	wan    bool
}

func newJoinCommand() *cobra.Command {
	var opts joinOptions
	cmd := &cobra.Command{
		Use:   "join [options] address ...",
		Short: "Tell the agent to join a cluster",
		Long: `Tells a running agent to join a cluster through at least one of the given
members. The port is the LAN (8301) or WAN (8302) gossip port if none is given.`,
		Example: `praetor join 10.0.0.1
praetor join -wan 10.1.0.1 10.2.0.1`,
		RunE: func(cmd *cobra.Command, args []string) error { return runJoin(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().BoolVar(&opts.wan, "wan", false, "Join a server to another datacenter's server in the WAN pool.")
	return cmd
}

func runJoin(cmd *cobra.Command, addrs []string, opts joinOptions) error {
	if len(addrs) == 0 {
		return fail("At least one address to join must be specified.\n\n%s", help(cmd))
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	joined := 0
	for _, addr := range addrs {
		if err := cl.Agent().Join(addr, opts.wan); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "Error joining address '%s': %s\n", addr, err)
			continue
		}
		joined++
	}
	if joined == 0 {
		return fail("Failed to join any nodes.")
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Successfully joined cluster by contacting %d nodes.\n", joined)
	return nil
}
