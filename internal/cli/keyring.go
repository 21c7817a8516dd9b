package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type keyringOptions struct {
	client      client
	list        bool
	listPrimary bool
	install     string
	use         string
	remove      string
	relayFactor int
	localOnly   bool
	output      outputFormat
}

func newKeyringCommand() *cobra.Command {
	var opts keyringOptions
	cmd := &cobra.Command{
		Use:   "keyring [options]",
		Short: "Manages gossip layer encryption keys",
		Long: `Lists and changes the keys that gossip is encrypted with, on all agents at
once. To replace a key: install the new one, use it, remove the old one.`,
		Example: `praetor keyring -list
praetor keyring -install=KEY
praetor keyring -use=KEY
praetor keyring -remove=KEY`,
		RunE: func(cmd *cobra.Command, args []string) error { return runKeyring(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.list, "list", false, "List all keys.")
	fs.BoolVar(&opts.listPrimary, "list-primary", false, "List the keys that messages are encrypted with.")
	fs.StringVar(&opts.install, "install", "", "Install a key: from then on messages with it are understood.")
	fs.StringVar(&opts.use, "use", "", "Encrypt with this key, which must be installed.")
	fs.StringVar(&opts.remove, "remove", "", "Remove a key that is not used.")
	fs.IntVar(&opts.relayFactor, "relay-factor", 0, "Send each answer along so many other agents too, 0 to 5.")
	fs.BoolVar(&opts.localOnly, "local-only", false, "With a list: ask this datacenter's agents only.")
	return cmd
}

// maxRelayFactor bounds -relay-factor (reference/cli.md §3).
const maxRelayFactor = 5

func runKeyring(cmd *cobra.Command, opts keyringOptions) error {
	actions := 0
	for _, given := range []bool{opts.list, opts.listPrimary, opts.install != "", opts.use != "", opts.remove != ""} {
		if given {
			actions++
		}
	}
	switch {
	case actions == 0:
		return fail("%s", strings.TrimSuffix(help(cmd), "\n"))
	case actions > 1:
		return fail("Only a single action is allowed")
	case opts.relayFactor < 0 || opts.relayFactor > maxRelayFactor:
		return fail("Error parsing relay factor: Relay factor must be in range: [0, %d]", maxRelayFactor)
	case opts.localOnly && !opts.list && !opts.listPrimary:
		return fail("Error validating local-only: local-only can only be set for list requests")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if err := doKeyring(cmd, cl.Operator(), opts); err != nil {
		return fail("error: %s", err)
	}
	return nil
}

func doKeyring(cmd *cobra.Command, operator *api.Operator, opts keyringOptions) error {
	relay := &api.WriteOptions{RelayFactor: uint8(opts.relayFactor)}
	say := func(text string) {
		if !opts.output.isJSON() {
			fmt.Fprintln(cmd.OutOrStdout(), "==> "+text)
		}
	}
	switch {
	case opts.install != "":
		say("Installing new gossip encryption key...")
		return operator.KeyringInstall(opts.install, relay)
	case opts.use != "":
		say("Changing primary gossip encryption key...")
		return operator.KeyringUse(opts.use, relay)
	case opts.remove != "":
		say("Removing gossip encryption key...")
		return operator.KeyringRemove(opts.remove, relay)
	case opts.list:
		say("Gathering installed encryption keys...")
	default:
		say("Gathering installed primary encryption keys...")
	}
	pools, err := operator.KeyringList(&api.QueryOptions{RelayFactor: uint8(opts.relayFactor), LocalOnly: opts.localOnly})
	if err != nil {
		return err
	}
	return printList(cmd, &opts.output, pools, func() {
		for _, p := range pools {
			printPool(cmd, p, opts.listPrimary)
		}
	})
}

func printPool(cmd *cobra.Command, p *api.KeyringResponse, primary bool) {
	title := p.Datacenter + " (LAN):"
	switch {
	case p.WAN:
		title = "WAN:"
	case p.Segment != "":
		title = p.Datacenter + " " + p.Segment + " (LAN):"
	}
	keys := p.Keys
	if primary {
		keys = p.PrimaryKeys
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "\n%s\n", title)
	for _, member := range slices.Sorted(maps.Keys(p.Messages)) {
		fmt.Fprintf(out, "  %s: %s\n", member, p.Messages[member])
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintf(out, "  %s [%d/%d]\n", key, keys[key], p.NumNodes)
	}
}
