package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

func newInfoCommand() *cobra.Command {
	var (
		c      client
		output outputFormat
	)
	cmd := &cobra.Command{
		Use:     "info [options]",
		Short:   "Provides debugging information for operators",
		Long:    "Prints the agent's figures: Raft state, leader, term, counts, gossip and runtime.",
		Example: "praetor info",
		RunE:    func(cmd *cobra.Command, args []string) error { return runInfo(cmd, c, output) },
	}
	c.register(cmd)
	c.registerPartition(cmd)
	output.register(cmd)
	return cmd
}

func runInfo(cmd *cobra.Command, c client, output outputFormat) error {
	if err := output.check(); err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	self, err := cl.Agent().Self()
	if err != nil {
		return fail("Error querying agent: %s", err)
	}
	stats, ok := self["Stats"]
	if !ok {
		return fail("Agent response did not contain 'Stats' key: %v", slices.Sorted(maps.Keys(self)))
	}
	return output.print(cmd, stats, func() {
		out := cmd.OutOrStdout()
		for _, section := range slices.Sorted(maps.Keys(stats)) {
			fmt.Fprintf(out, "%s:\n", section)
			values, _ := stats[section].(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(values)) {
				fmt.Fprintf(out, "\t%s = %v\n", key, values[key])
			}
		}
	})
}
