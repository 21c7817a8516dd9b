package cli

import (
	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type forceLeaveOptions struct {
	client client
	prune  bool
	wan    bool
}

func newForceLeaveCommand() *cobra.Command {
	var opts forceLeaveOptions
	cmd := &cobra.Command{
		Use:   "force-leave [options] node",
		Short: "Forces a member of the cluster to enter the \"left\" state",
		Long: `Declares a failed member to have left, so that it is removed from the catalog
now instead of after 72 hours. A member that is alive is refused: run 'leave' on
its machine instead, or stop it there first.`,
		Example: `praetor force-leave node-7
praetor force-leave -prune node-7`,
		RunE: func(cmd *cobra.Command, args []string) error { return runForceLeave(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().BoolVar(&opts.prune, "prune", false, "Remove the member from the list of members at once.")
	cmd.Flags().BoolVar(&opts.wan, "wan", false, "Act on the WAN pool only; the node is then NAME.DATACENTER.")
	return cmd
}

func runForceLeave(cmd *cobra.Command, args []string, opts forceLeaveOptions) error {
	if len(args) != 1 {
		return fail("A single node name must be specified to force leave.\n\n%s", help(cmd))
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	err = cl.Agent().ForceLeaveOptions(args[0], api.ForceLeaveOpts{Prune: opts.prune, WAN: opts.wan}, nil)
	if err != nil {
		return fail("Error force leaving: %s", err)
	}
	return nil
}
