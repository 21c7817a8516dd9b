package cli

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// catalogChange is something that happened to the catalog, as the API shows it.
type catalogChange struct {
	Index       uint64
	Time        time.Time `json:",omitzero"`
	Kind        string
	Event       string
	Node        string `json:",omitempty"`
	ServiceName string `json:",omitempty"`
	ServiceID   string `json:",omitempty"`
	CheckID     string `json:",omitempty"`
	CheckName   string `json:",omitempty"`
	From        string `json:",omitempty"`
	To          string `json:",omitempty"`
	Output      string `json:",omitempty"`
	Address     string `json:",omitempty"`
	AccessorID  string `json:",omitempty"`
	Agent       string `json:",omitempty"`
}

type catalogHistoryOptions struct {
	client                     client
	service, node, kind, since string
	limit                      int
	output                     outputFormat
}

func newCatalogHistoryCommand() *cobra.Command {
	var opts catalogHistoryOptions
	cmd := &cobra.Command{
		Use:   "history [options]",
		Short: "Lists what happened to the catalog, when, and who did it",
		Long: `Lists registrations and what changed in them, flips of checks, what was
deregistered, new leaders and restored snapshots, the latest first. Servers
remember it for a day; "history" in their configuration says how long.`,
		Example: `praetor catalog history -since=1h
praetor catalog history -service=web -kind=check
praetor catalog history -node=web-1 -format=json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCatalogHistory(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.service, "service", "", "Only what happened to this service.")
	fs.StringVar(&opts.node, "node", "", "Only what happened on this node.")
	fs.StringVar(&opts.kind, "kind", "", "Only changes of a node, service, check, leader or snapshot.")
	fs.StringVar(&opts.since, "since", "", "Only what happened since this time (RFC 3339), or so long ago at most (90m).")
	fs.IntVar(&opts.limit, "limit", 100, "List so many changes at most.")
	return cmd
}

func runCatalogHistory(cmd *cobra.Command, args []string, opts catalogHistoryOptions) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	wanted := url.Values{"limit": {strconv.Itoa(opts.limit)}}
	for name, value := range map[string]string{"service": opts.service, "node": opts.node, "kind": opts.kind, "since": opts.since} {
		if value != "" {
			wanted.Set(name, value)
		}
	}
	cl, err := opts.client.openWith(wanted)
	if err != nil {
		return err
	}
	var changes []catalogChange
	if _, err := cl.Raw().Query("/v1/catalog/history", &changes, opts.client.query()); err != nil {
		return fail("Error asking for the history: %s", err)
	}
	return printList(cmd, &opts.output, changes, func() {
		rows := [][]string{{"Index", "Time", "Node", "Service", "Agent", "Token", "Change"}}
		for _, c := range changes {
			rows = append(rows, []string{strconv.FormatUint(c.Index, 10), timeText(c.Time), cmp.Or(c.Node, "-"),
				cmp.Or(c.ServiceID, c.ServiceName, "-"), cmp.Or(c.Agent, "-"), cmp.Or(c.AccessorID, "-"), c.text()})
		}
		printColumns(cmd, rows)
	})
}

func (c *catalogChange) text() string {
	words := []string{c.Kind}
	if c.CheckID != "" {
		words = append(words, strconv.Quote(cmp.Or(c.CheckName, c.CheckID)))
	}
	if c.From != "" && c.To != "" {
		return strings.Join(append(words, c.From+" -> "+c.To), " ")
	}
	words = append(words, c.Event)
	if detail := cmp.Or(c.To, c.Address); detail != "" {
		words = append(words, detail)
	}
	return strings.Join(words, " ")
}
