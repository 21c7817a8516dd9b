package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type kvImportOptions struct {
	client client
	prefix string
}

func newKVImportCommand() *cobra.Command {
	var opts kvImportOptions
	cmd := &cobra.Command{
		Use:   "import [options] [DATA]",
		Short: "Imports a tree stored as JSON to the KV store",
		Long: `Writes the keys of a tree that kv export printed. DATA may be JSON text, @FILE
for a file's content, or - for standard input.`,
		Example: `praetor kv import @app.json
praetor kv export app/ | praetor kv import -prefix=copy -`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVImport(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().StringVar(&opts.prefix, "prefix", "", "Path to put before each key.")
	return cmd
}

func runKVImport(cmd *cobra.Command, args []string, opts kvImportOptions) error {
	switch {
	case len(args) == 0:
		return misused("Error! Missing DATA argument")
	case len(args) > 1:
		return fail("Error! Too many arguments (expected 1, got %d)", len(args))
	}
	data, err := readData(cmd, args[0])
	if err != nil {
		return fail("Error! %s", err)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	var entries []importedEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return fail("Cannot unmarshal data: %s", err)
	}
	for _, e := range entries {
		value, err := base64.StdEncoding.DecodeString(e.Value)
		if err != nil {
			return fail("Error base 64 decoding value for key %s: %s", e.Key, err)
		}
		pair := &api.KVPair{Key: importedKey(opts.prefix, e.Key), Flags: e.Flags, Value: value}
		if _, err := cl.KV().Put(pair, nil); err != nil {
			return fail("Error! Failed writing data for key %s: %s", pair.Key, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Imported: %s\n", pair.Key)
	}
	return nil
}

// importedEntry is a kvEntry whose value is decoded by itself: an error names its key.
type importedEntry struct {
	Key   string `json:"key"`
	Flags uint64 `json:"flags"`
	Value string `json:"value"`
}

// importedKey joins prefix and key as paths; a key that ends in a slash, which
// stands for a folder, keeps it.
func importedKey(prefix, key string) string {
	if prefix == "" {
		return key
	}
	joined := path.Join(prefix, key)
	if strings.HasSuffix(key, "/") {
		joined += "/"
	}
	return joined
}
