package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newKVCommand() *cobra.Command {
	return newGroup("kv", "Interact with the key-value store",
		`Reads and writes the replicated key-value store.

  praetor kv put app/color blue
  praetor kv get app/color
  praetor kv delete app/color`,
		newKVDeleteCommand(), newKVExportCommand(), newKVGetCommand(), newKVHistoryCommand(), newKVImportCommand(),
		newKVPutCommand(), newKVUndoCommand())
}

type kvGetOptions struct {
	client    client
	at        string
	base64    bool
	detailed  bool
	keys      bool
	recurse   bool
	separator string
	output    outputFormat
}

func newKVGetCommand() *cobra.Command {
	var opts kvGetOptions
	cmd := &cobra.Command{
		Use:   "get [options] [KEY_OR_PREFIX]",
		Short: "Retrieves or lists data from the KV store",
		Long:  "Prints the value of a key, or lists what lies below a prefix.",
		Example: `praetor kv get app/color
praetor kv get -at=15m app/color
praetor kv get -recurse app/
praetor kv get -keys`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVGet(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.at, "at", "", "What the key was at this index, at this time (RFC 3339), or so long ago (15m); see kv history.")
	fs.BoolVar(&opts.base64, "base64", false, "Print the value base64 encoded.")
	fs.BoolVar(&opts.detailed, "detailed", false, "Print flags, indexes and session beside the value.")
	fs.BoolVar(&opts.keys, "keys", false, "Print only the keys that start with the prefix.")
	fs.BoolVar(&opts.recurse, "recurse", false, "Print every key that starts with the prefix.")
	fs.StringVar(&opts.separator, "separator", "/", "With -keys: list keys only up to this separator.")
	return cmd
}

func runKVGet(cmd *cobra.Command, args []string, opts kvGetOptions) error {
	key := ""
	switch {
	case len(args) > 1:
		return misused("Too many arguments (expected 1, got %d)", len(args))
	case len(args) == 1:
		key = strings.TrimPrefix(args[0], "/")
	}
	if key == "" && !opts.recurse && !opts.keys {
		return misused("Error! Missing KEY argument")
	}
	if opts.at != "" && (opts.recurse || opts.keys) {
		return misused("Error! -at is about one key, without -recurse and -keys")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	switch {
	case opts.keys:
		return printKeys(cmd, cl, key, opts)
	case opts.recurse:
		return printTree(cmd, cl, key, opts)
	}
	if opts.at != "" {
		if cl, err = opts.client.openWith(url.Values{"at": {opts.at}}); err != nil {
			return err
		}
	}
	pair, _, err := cl.KV().Get(key, opts.client.query())
	if err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	if pair == nil {
		return fail("Error! No key exists at: %s", key)
	}
	return opts.output.print(cmd, pair, func() {
		if opts.detailed {
			printDetailed(cmd, pair, opts.base64)
		} else {
			fmt.Fprintln(cmd.OutOrStdout(), kvValue(pair, opts.base64))
		}
	})
}

func printKeys(cmd *cobra.Command, cl *api.Client, prefix string, opts kvGetOptions) error {
	separator := opts.separator
	if opts.recurse {
		separator = ""
	}
	keys, _, err := cl.KV().Keys(prefix, separator, opts.client.query())
	if err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	return printList(cmd, &opts.output, keys, func() { printLines(cmd, keys) })
}

func printTree(cmd *cobra.Command, cl *api.Client, prefix string, opts kvGetOptions) error {
	pairs, _, err := cl.KV().List(prefix, opts.client.query())
	if err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	return printList(cmd, &opts.output, pairs, func() {
		for i, pair := range pairs {
			if !opts.detailed {
				fmt.Fprintf(cmd.OutOrStdout(), "%s:%s\n", pair.Key, kvValue(pair, opts.base64))
				continue
			}
			if i > 0 {
				fmt.Fprintln(cmd.OutOrStdout())
			}
			printDetailed(cmd, pair, opts.base64)
		}
	})
}

func printDetailed(cmd *cobra.Command, pair *api.KVPair, encode bool) {
	session := pair.Session
	if session == "" {
		session = "-"
	}
	value := []string{"Value", kvValue(pair, encode)}
	if value[1] == "" {
		value = value[:1]
	}
	printTabs(cmd, [][]string{
		{"CreateIndex", strconv.FormatUint(pair.CreateIndex, 10)},
		{"Flags", strconv.FormatUint(pair.Flags, 10)},
		{"Key", pair.Key},
		{"LockIndex", strconv.FormatUint(pair.LockIndex, 10)},
		{"ModifyIndex", strconv.FormatUint(pair.ModifyIndex, 10)},
		{"Session", session},
		value,
	})
}

func kvValue(pair *api.KVPair, encode bool) string {
	if encode {
		return base64.StdEncoding.EncodeToString(pair.Value)
	}
	return string(pair.Value)
}

type kvPutOptions struct {
	client      client
	base64      bool
	cas         bool
	modifyIndex uint64
	flags       uint64
	acquire     bool
	release     bool
	session     string
}

func newKVPutCommand() *cobra.Command {
	var opts kvPutOptions
	cmd := &cobra.Command{
		Use:   "put [options] KEY [DATA]",
		Short: "Sets or updates data in the KV store",
		Long: `Writes a value. DATA may be text, @FILE for a file's content, or - for
standard input.`,
		Example: `praetor kv put app/color blue
praetor kv put app/config @config.json
praetor kv put -cas -modify-index=844 app/color red`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVPut(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.base64, "base64", false, "DATA is base64 encoded.")
	fs.BoolVar(&opts.cas, "cas", false, "Write only if the key was not changed since -modify-index (0: if it does not exist).")
	fs.Uint64Var(&opts.modifyIndex, "modify-index", 0, "With -cas: the ModifyIndex the key must still have.")
	fs.Uint64Var(&opts.flags, "flags", 0, "Number to store beside the value; its meaning is yours.")
	fs.BoolVar(&opts.acquire, "acquire", false, "Lock the key for -session.")
	fs.BoolVar(&opts.release, "release", false, "Unlock the key held by -session.")
	fs.StringVar(&opts.session, "session", "", "Session for -acquire and -release.")
	return cmd
}

func runKVPut(cmd *cobra.Command, args []string, opts kvPutOptions) error {
	switch {
	case len(args) == 0:
		return misused("Error! Missing KEY argument")
	case len(args) > 2:
		return fail("Error! Too many arguments (expected 1 or 2, got %d)", len(args))
	}
	pair := &api.KVPair{Key: args[0], Flags: opts.flags, ModifyIndex: opts.modifyIndex, Session: opts.session}
	if len(args) == 2 {
		data, err := readData(cmd, args[1])
		if err != nil {
			return fail("Error! %s", err)
		}
		pair.Value = data
	}
	if (opts.acquire || opts.release) && opts.session == "" {
		return misused("Error! Missing -session (required with -acquire and -release)")
	}
	if opts.base64 {
		decoded, err := base64.StdEncoding.DecodeString(string(pair.Value))
		if err != nil {
			// Consul writes on, with an empty value; scripts see its exit code 0.
			fmt.Fprintf(cmd.ErrOrStderr(), "Error! Cannot base 64 decode data: %s\n", err)
		}
		pair.Value = decoded
		if err != nil {
			pair.Value = nil
		}
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	return putPair(cmd, cl, pair, opts)
}

func putPair(cmd *cobra.Command, cl *api.Client, pair *api.KVPair, opts kvPutOptions) error {
	done, success, refused := true, "Success! Data written to: %s\n", ""
	var err error
	switch {
	case opts.cas:
		refused = fmt.Sprintf("Error! Did not write to %s: CAS failed", pair.Key)
		if pair.ModifyIndex == 0 {
			refused = fmt.Sprintf("Error! Did not write to %s: CAS performed with index=0 and key already exists.", pair.Key)
		}
		done, _, err = cl.KV().CAS(pair, nil)
	case opts.acquire:
		success, refused = "Success! Lock acquired on: %s\n", "Error! Did not acquire lock"
		done, _, err = cl.KV().Acquire(pair, nil)
	case opts.release:
		success, refused = "Success! Lock released on: %s\n", "Error! Did not release lock"
		done, _, err = cl.KV().Release(pair, nil)
	default:
		_, err = cl.KV().Put(pair, nil)
	}
	switch {
	case err != nil && opts.cas:
		return fail("Error! Did not write to %s: %s", pair.Key, err)
	case err != nil:
		return fail("Error! Failed writing data: %s", err)
	}
	if !done {
		return exit{code: exitError, text: refused}
	}
	fmt.Fprintf(cmd.OutOrStdout(), success, pair.Key)
	return nil
}

// readData gives a data argument's bytes: literal text, @FILE, or - for stdin
// (reference/cli.md §1.5).
func readData(cmd *cobra.Command, arg string) ([]byte, error) {
	switch {
	case arg == "-":
		data, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return nil, fmt.Errorf("Failed to read stdin: %w", err)
		}
		return data, nil
	case strings.HasPrefix(arg, "@"):
		data, err := os.ReadFile(arg[1:])
		if err != nil {
			return nil, fmt.Errorf("Failed to read file: %w", err)
		}
		return data, nil
	}
	return []byte(arg), nil
}

// readFile gives what stands in a file, or in stdin for "-" (reference/cli.md §1.5).
func readFile(cmd *cobra.Command, file string) ([]byte, error) {
	switch file {
	case "":
		return nil, errors.New("must specify a file path or '-' for stdin")
	case "-":
		return readData(cmd, file)
	}
	return readData(cmd, "@"+file)
}

type kvDeleteOptions struct {
	client      client
	cas         bool
	modifyIndex uint64
	recurse     bool
}

func newKVDeleteCommand() *cobra.Command {
	var opts kvDeleteOptions
	cmd := &cobra.Command{
		Use:   "delete [options] KEY_OR_PREFIX",
		Short: "Removes data from the KV store",
		Long:  "Removes a key, or with -recurse every key that starts with a prefix.",
		Example: `praetor kv delete app/color
praetor kv delete -recurse app/`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVDelete(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.cas, "cas", false, "Delete only if the key was not changed since -modify-index.")
	fs.Uint64Var(&opts.modifyIndex, "modify-index", 0, "With -cas: the ModifyIndex the key must still have.")
	fs.BoolVar(&opts.recurse, "recurse", false, "Delete every key that starts with the prefix.")
	return cmd
}

func runKVDelete(cmd *cobra.Command, args []string, opts kvDeleteOptions) error {
	if len(args) > 1 {
		return misused("Too many arguments (expected 1, got %d)", len(args))
	}
	key := ""
	if len(args) == 1 {
		key = strings.TrimPrefix(args[0], "/")
	}
	switch {
	case key == "" && !opts.recurse:
		return misused("Error! Missing KEY argument")
	case opts.modifyIndex != 0 && !opts.cas:
		return fail("Cannot specify -modify-index without -cas!")
	case opts.cas && opts.modifyIndex == 0:
		return fail("Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.")
	case opts.cas && opts.recurse:
		return fail("Cannot specify both -cas and -recurse!")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	switch {
	case opts.recurse:
		if _, err := cl.KV().DeleteTree(key, nil); err != nil {
			return fail("Error! Did not delete prefix %s: %s", key, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Success! Deleted keys with prefix: %s\n", key)
		return nil
	case opts.cas:
		done, _, err := cl.KV().DeleteCAS(&api.KVPair{Key: key, ModifyIndex: opts.modifyIndex}, nil)
		if err != nil {
			return fail("Error! Did not delete key %s: %s", key, err)
		}
		if !done {
			return fail("Error! Did not delete key %s: CAS failed", key)
		}
	default:
		if _, err := cl.KV().Delete(key, nil); err != nil {
			return fail("Error deleting key %s: %s", key, err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Success! Deleted key: %s\n", key)
	return nil
}
