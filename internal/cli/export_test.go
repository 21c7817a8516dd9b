package cli

import "github.com/spf13/cobra"

// What tests need to see from inside.
var (
	RewriteFlags = rewriteFlags
	PrintColumns = printColumns
	PrintTabs    = printTabs
	Nearest      = nearest
	Trailing     = trailing
	ByteText     = byteText
)

// FindCommand is the command that words name.
func FindCommand(words ...string) *cobra.Command {
	cmd, _, _ := locate(newRootCommand("praetor"), words)
	return cmd
}

// What an agent does as a client of itself.
var (
	RunAgentJob   = runAgentJob
	RunAgentWatch = runAgentWatch
	OwnClient     = ownClient
	EncodeName    = encodeName
)
