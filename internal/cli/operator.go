package cli

import (
	"github.com/spf13/cobra"
)

func newOperatorCommand() *cobra.Command {
	return newGroup("operator", "Provides cluster-level tools for Consul operators",
		`Looks at, and repairs, what holds the servers together. Most commands need
operator rights where ACLs are on.

  praetor operator raft list-peers`,
		newOperatorAutopilotCommand(), newOperatorBackupCommand(), newOperatorRaftCommand(), newOperatorUsageCommand())
}

// addParseLine makes the commands of a group say one line more after a flag
// that they do not understand, as some of Consul's do (reference/cli.md §1.1).
func addParseLine(cmd *cobra.Command) *cobra.Command {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := flagErrorText(cmd, err)
		return fail("%s\n%s\nFailed to parse args: %s", text, flagUsage(cmd), text)
	})
	return cmd
}
