package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newReloadCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Triggers the agent to reload configuration files",
		Long: `Makes the agent read its configuration files again. If they hold a fault
nothing changes and the fault is shown.`,
		Example: "praetor reload",
		RunE:    func(cmd *cobra.Command, args []string) error { return runReload(cmd, c) },
	}
	c.register(cmd)
	c.registerPartition(cmd)
	return cmd
}

func runReload(cmd *cobra.Command, c client) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	if err := cl.Agent().Reload(); err != nil {
		return fail("Error reloading: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Configuration reload triggered")
	return nil
}
