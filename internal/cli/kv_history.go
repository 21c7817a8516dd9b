package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

// keyChange is a change of a key as the API shows it.
type keyChange struct {
	Index      uint64
	Time       time.Time `json:",omitzero"`
	Op         string
	AccessorID string      `json:",omitempty"`
	Agent      string      `json:",omitempty"`
	Before     *api.KVPair // nil if there was none
	After      *api.KVPair // nil if it was gone
}

type kvHistoryOptions struct {
	client client
	limit  int
	output outputFormat
}

func newKVHistoryCommand() *cobra.Command {
	var opts kvHistoryOptions
	cmd := &cobra.Command{
		Use:   "history [options] KEY",
		Short: "Lists what changed a key, when, and who did it",
		Long: `Lists the changes of a key, the latest first: what it was set to, by which
token and through which agent. The servers remember that where their
configuration says so: history { kv = true }.`,
		Example: `praetor kv history app/color
praetor kv history -limit=5 -format=json app/color`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVHistory(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	cmd.Flags().IntVar(&opts.limit, "limit", 100, "List so many changes at most.")
	return cmd
}

func runKVHistory(cmd *cobra.Command, args []string, opts kvHistoryOptions) error {
	key, err := oneKey(args)
	if err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	changes, err := keyHistory(&opts.client, key, opts.limit)
	if err != nil {
		return err
	}
	return printList(cmd, &opts.output, changes, func() {
		if len(changes) == 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "No changes of %s are remembered.\n", key)
			return
		}
		rows := [][]string{{"Index", "Time", "Change", "Agent", "Token", "Value"}}
		for _, c := range changes {
			rows = append(rows, []string{strconv.FormatUint(c.Index, 10), timeText(c.Time), c.Op, cmp.Or(c.Agent, "-"), cmp.Or(c.AccessorID, "-"), shortValue(c.After)})
		}
		printColumns(cmd, rows)
	})
}

// oneKey is the one argument of commands about a key.
func oneKey(args []string) (string, error) {
	if len(args) > 1 {
		return "", misused("Too many arguments (expected 1, got %d)", len(args))
	}
	if len(args) == 0 || strings.TrimPrefix(args[0], "/") == "" {
		return "", misused("Error! Missing KEY argument")
	}
	return strings.TrimPrefix(args[0], "/"), nil
}

func keyHistory(c *client, key string, limit int) ([]keyChange, error) {
	cl, err := c.openWith(url.Values{"history": {""}, "limit": {strconv.Itoa(limit)}})
	if err != nil {
		return nil, err
	}
	var changes []keyChange
	if _, err := cl.Raw().Query("/v1/kv/"+key, &changes, c.query()); err != nil {
		return nil, fail("Error asking for the history of %s: %s", key, err)
	}
	return changes, nil
}

// maxShownValue is how many bytes of a value a line shows.
const maxShownValue = 40

func shortValue(pair *api.KVPair) string {
	switch {
	case pair == nil:
		return "-"
	case len(pair.Value) > maxShownValue:
		return fmt.Sprintf("%q... (%d bytes)", pair.Value[:maxShownValue], len(pair.Value))
	}
	return strconv.Quote(string(pair.Value))
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

type kvUndoOptions struct {
	client client
	at     string
}

func newKVUndoCommand() *cobra.Command {
	var opts kvUndoOptions
	cmd := &cobra.Command{
		Use:   "undo [options] KEY",
		Short: "Gives a key the value back that it had before its last change",
		Long: `Undoes the last change of a key: writes the value that was there before, or
deletes the key if it was not there. It is an ordinary write, made only if
nobody changes the key meanwhile; undoing again takes it back. A lock stays.
The servers must remember what keys were: history { kv = true }.`,
		Example: `praetor kv undo app/color
praetor kv undo -at=15m app/color`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKVUndo(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().StringVar(&opts.at, "at", "", "Give it the value that it had at this index, at this time (RFC 3339), or so long ago (15m).")
	return cmd
}

func runKVUndo(cmd *cobra.Command, args []string, opts kvUndoOptions) error {
	key, err := oneKey(args)
	if err != nil {
		return err
	}
	now, then, when, err := undone(&opts, key)
	if err != nil {
		return err
	}
	if sameValue(now, then) {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is what it was %s.\n", key, when)
		return nil
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	var done bool
	if then == nil {
		done, _, err = cl.KV().DeleteCAS(now, nil)
	} else {
		pair := &api.KVPair{Key: key, Value: then.Value, Flags: then.Flags}
		if now != nil {
			pair.ModifyIndex = now.ModifyIndex
		}
		done, _, err = cl.KV().CAS(pair, nil)
	}
	switch {
	case err != nil:
		return fail("Error! Did not restore %s: %s", key, err)
	case !done:
		return fail("Error! Did not restore %s: somebody changed it meanwhile", key)
	case then == nil:
		fmt.Fprintf(cmd.OutOrStdout(), "Success! Deleted key: %s, which was not there %s\n", key, when)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "Success! Data written to: %s, the %d bytes that it had %s\n", key, len(then.Value), when)
	}
	return nil
}

// undone is what a key is, what it is to be again, and when it was that; nil where it was not
// there.
func undone(opts *kvUndoOptions, key string) (now, then *api.KVPair, when string, err error) {
	if opts.at != "" {
		cl, err := opts.client.open()
		if err != nil {
			return nil, nil, "", err
		}
		if now, _, err = cl.KV().Get(key, opts.client.query()); err != nil {
			return nil, nil, "", fail("Error querying Consul agent: %s", err)
		}
		then, err = pairAt(&opts.client, key, opts.at)
		return now, then, "at " + opts.at, err
	}
	changes, err := keyHistory(&opts.client, key, 100)
	if err != nil {
		return nil, nil, "", err
	}
	for _, c := range changes {
		if !sameValue(c.Before, c.After) { // the others are about locks
			return changes[0].After, c.Before, fmt.Sprintf("before the change at index %d, %s", c.Index, timeText(c.Time)), nil
		}
	}
	return nil, nil, "", fail("Error! No change of %s is remembered", key)
}

func sameValue(a, b *api.KVPair) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Flags == b.Flags && bytes.Equal(a.Value, b.Value)
}

// pairAt is what a key was at a moment, nil if it was not there.
func pairAt(c *client, key, at string) (*api.KVPair, error) {
	cl, err := c.openWith(url.Values{"at": {at}})
	if err != nil {
		return nil, err
	}
	pair, _, err := cl.KV().Get(key, c.query())
	if err != nil {
		return nil, fail("Error querying Consul agent: %s", err)
	}
	return pair, nil
}
