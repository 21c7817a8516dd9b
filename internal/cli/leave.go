package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newLeaveCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "leave [options]",
		Short: "Gracefully leaves the cluster and shuts down",
		Long: `Makes the agent leave the cluster and stop. Others then see it as left, not
as failed, and its services disappear from the catalog.`,
		Example: "praetor leave",
		RunE:    func(cmd *cobra.Command, args []string) error { return runLeave(cmd, args, c) },
	}
	c.register(cmd)
	c.registerPartition(cmd)
	return cmd
}

func runLeave(cmd *cobra.Command, args []string, c client) error {
	if len(args) > 0 {
		fmt.Fprint(cmd.OutOrStdout(), help(cmd))
		return fail("Error found unexpected args: %v", args)
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	if err := cl.Agent().Leave(); err != nil {
		return fail("Error leaving: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Graceful leave complete")
	return nil
}
