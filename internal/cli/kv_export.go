package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// kvEntry is one key in a file of kv export (reference/cli.md §5).
type kvEntry struct {
	Key   string `json:"key"`
	Flags uint64 `json:"flags"`
	Value []byte `json:"value"` // base64 in the file
}

func newKVExportCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "export [options] [KEY_OR_PREFIX]",
		Short: "Exports a tree from the KV store as JSON",
		Long: `Prints every key that starts with the prefix, with its value and flags, in
the form that kv import reads.`,
		Example: `praetor kv export app/ > app.json
praetor kv export`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVExport(cmd, args, c) },
	}
	c.register(cmd)
	c.registerServer(cmd)
	c.registerNamespace(cmd)
	c.registerPartition(cmd)
	return cmd
}

func runKVExport(cmd *cobra.Command, args []string, c client) error {
	prefix := ""
	switch {
	case len(args) > 1:
		return misused("Too many arguments (expected 1, got %d)", len(args))
	case len(args) == 1:
		prefix = strings.TrimPrefix(args[0], "/")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	pairs, _, err := cl.KV().List(prefix, c.query())
	if err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	entries := make([]kvEntry, 0, len(pairs)) // an empty tree is [], not null
	for _, p := range pairs {
		value := p.Value
		if value == nil {
			value = []byte{} // "" rather than null
		}
		entries = append(entries, kvEntry{p.Key, p.Flags, value})
	}
	text, err := json.MarshalIndent(entries, "", "\t")
	if err != nil {
		return fail("Error exporting KV data: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(text))
	return nil
}
