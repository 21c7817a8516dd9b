package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newIntentionCommand() *cobra.Command {
	return newGroup("intention", "Interact with Connect service intentions",
		`Says which services may connect to which others in the mesh. What is said of a
service by name counts before what is said of every service, "*".

  praetor intention create web db
  praetor intention create -deny '*' db
  praetor intention check web db
  praetor intention match db
  praetor intention list
  praetor intention get web db
  praetor intention delete web db`,
		newIntentionCheckCommand(), newIntentionCreateCommand(), newIntentionDeleteCommand(),
		newIntentionGetCommand(), newIntentionListCommand(), newIntentionMatchCommand())
}

// intentionName is [[PARTITION/]NAMESPACE/]NAME.
type intentionName struct{ partition, namespace, name string }

func parseIntentionName(text string) (intentionName, error) {
	switch parts := strings.Split(text, "/"); len(parts) {
	case 1:
		return intentionName{name: parts[0]}, nil
	case 2:
		return intentionName{namespace: parts[0], name: parts[1]}, nil
	case 3:
		return intentionName{parts[0], parts[1], parts[2]}, nil
	}
	return intentionName{}, fmt.Errorf("input can contain at most two '/'")
}

type intentionCreateOptions struct {
	client      client
	allow, deny bool
	files       bool
	replace     bool
	meta        pairs
}

func newIntentionCreateCommand() *cobra.Command {
	var opts intentionCreateOptions
	cmd := &cobra.Command{
		Use:   "create [options] SRC DST",
		Short: "Create intentions for service connections",
		Long: `Says that a service may connect to another, or with -deny that it may not. With
-file the arguments are files with intentions as JSON.`,
		Example: `praetor intention create web db
praetor intention create -deny '*' db
praetor intention create -file web-db.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runIntentionCreate(cmd, args, opts) },
	}
	registerConfig(cmd, &opts.client)
	cmd.Flags().BoolVar(&opts.allow, "allow", false, "The source may connect; so it is without -deny too.")
	cmd.Flags().BoolVar(&opts.deny, "deny", false, "The source may not connect.")
	cmd.Flags().BoolVar(&opts.files, "file", false, "The arguments are JSON files, each with one intention.")
	cmd.Flags().BoolVar(&opts.replace, "replace", false, "Replace an intention of the same source and destination.")
	cmd.Flags().Var(&opts.meta, "meta", "Metadata of the intention, KEY=VALUE. May be repeated.")
	return cmd
}

func runIntentionCreate(cmd *cobra.Command, args []string, opts intentionCreateOptions) error {
	if opts.allow && opts.deny {
		return fail("Only one of -allow or -deny may be specified.")
	}
	list, err := opts.intentions(args)
	if err != nil {
		return fail("Error: %s", err)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	for _, in := range list {
		if err := opts.create(cmd, cl.Connect(), in); err != nil {
			return err
		}
	}
	return nil
}

// intentions are what the arguments stand for.
func (opts *intentionCreateOptions) intentions(args []string) ([]*api.Intention, error) {
	if opts.files {
		return readIntentions(args)
	}
	if len(args) != 2 {
		return nil, fmt.Errorf("Must specify two arguments: source and destination")
	}
	source, err := parseIntentionName(args[0])
	if err != nil {
		return nil, fmt.Errorf("Invalid intention source: %s", err)
	}
	destination, err := parseIntentionName(args[1])
	if err != nil {
		return nil, fmt.Errorf("Invalid intention destination: %s", err)
	}
	in := &api.Intention{
		SourcePartition: source.partition, SourceNS: source.namespace, SourceName: source.name,
		DestinationPartition: destination.partition, DestinationNS: destination.namespace, DestinationName: destination.name,
		SourceType: api.IntentionSourceConsul, Action: api.IntentionActionAllow, Meta: opts.meta.values,
	}
	if opts.deny {
		in.Action = api.IntentionActionDeny
	}
	return []*api.Intention{in}, nil
}

func readIntentions(files []string) ([]*api.Intention, error) {
	var list []*api.Intention
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		in := &api.Intention{}
		if err := json.Unmarshal(text, in); err != nil {
			return nil, err
		}
		list = append(list, in)
	}
	return list, nil
}

func (opts *intentionCreateOptions) create(cmd *cobra.Command, connect *api.Connect, in *api.Intention) error {
	if opts.replace {
		old, _, err := connect.IntentionGetExact(in.SourceString(), in.DestinationString(), nil)
		if err != nil {
			return fail("Error looking up intention for replacement with source %q and destination %q: %s", in.SourceString(), in.DestinationString(), err)
		}
		if old != nil {
			if in.ID = old.ID; in.ID != "" {
				//lint:ignore SA1019 the command keeps the ID, as Consul's does
				_, err = connect.IntentionUpdate(in, nil)
			} else {
				_, err = connect.IntentionUpsert(in, nil)
			}
			if err != nil {
				return fail("Error replacing intention with source %q and destination %q: %s", in.SourceString(), in.DestinationString(), err)
			}
			return nil
		}
	}
	//lint:ignore SA1019 the command gives intentions an ID, as Consul's does
	if _, _, err := connect.IntentionCreate(in, nil); err != nil {
		return fail("Error creating intention %q: %s", in, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Created: %s\n", in)
	return nil
}

func newIntentionCheckCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "check [options] SRC DST",
		Short:   "Check whether a connection between two services is allowed",
		Long:    `Prints whether a service may connect to another, and exits with 1 if it may not.`,
		Example: "praetor intention check web db",
		RunE:    func(cmd *cobra.Command, args []string) error { return runIntentionCheck(cmd, args, c) },
	}
	registerConfig(cmd, &c)
	return cmd
}

// exitCheckFailed tells a check that failed from a connection that is denied.
const exitCheckFailed = 2

func runIntentionCheck(cmd *cobra.Command, args []string, c client) error {
	if len(args) != 2 {
		return exit{code: exitCheckFailed, text: "Error: command requires exactly two arguments: src and dst"}
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	allowed, _, err := cl.Connect().IntentionCheck(&api.IntentionCheck{Source: args[0], Destination: args[1], SourceType: api.IntentionSourceConsul}, c.query())
	if err != nil {
		return exit{code: exitCheckFailed, text: fmt.Sprintf("Error checking the connection: %s", err)}
	}
	if !allowed {
		fmt.Fprintln(cmd.OutOrStdout(), "Denied")
		return exit{code: exitError}
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Allowed")
	return nil
}

func newIntentionListCommand() *cobra.Command {
	var (
		c      client
		output outputFormat
	)
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List all intentions",
		Long:    `Lists all intentions, those that count before others first.`,
		Example: "praetor intention list",
		RunE:    func(cmd *cobra.Command, args []string) error { return runIntentionList(cmd, c, output) },
	}
	registerConfig(cmd, &c)
	output.register(cmd)
	return cmd
}

func runIntentionList(cmd *cobra.Command, c client, output outputFormat) error {
	if err := output.check(); err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	list, _, err := cl.Connect().Intentions(c.query())
	if err != nil {
		return fail("Failed to retrieve the intentions list: %s", err)
	}
	if len(list) == 0 && !output.isJSON() {
		return exit{code: exitNoMatch, text: "There are no intentions."}
	}
	rows := [][]string{{"ID", "Source", "Action", "Destination", "Precedence"}}
	for _, in := range list {
		rows = append(rows, []string{in.ID, in.SourceString(), string(in.Action), in.DestinationString(), strconv.Itoa(in.Precedence)})
	}
	return printList(cmd, &output, list, func() { printColumns(cmd, rows) })
}

type intentionMatchOptions struct {
	client              client
	source, destination bool
}

func newIntentionMatchCommand() *cobra.Command {
	var opts intentionMatchOptions
	cmd := &cobra.Command{
		Use:   "match [options] SRC|DST",
		Short: "Show intentions that match a source or destination",
		Long:  `Lists the intentions about a service, in the order in which they count.`,
		Example: `praetor intention match db
praetor intention match -source web`,
		RunE: func(cmd *cobra.Command, args []string) error { return runIntentionMatch(cmd, args, opts) },
	}
	registerConfig(cmd, &opts.client)
	cmd.Flags().BoolVar(&opts.source, "source", false, "The service connects to others.")
	cmd.Flags().BoolVar(&opts.destination, "destination", false, "Others connect to the service; so it is without -source too.")
	return cmd
}

func runIntentionMatch(cmd *cobra.Command, args []string, opts intentionMatchOptions) error {
	switch {
	case len(args) != 1:
		return misused("Error: command requires exactly one argument: src or dst")
	case opts.source && opts.destination:
		return fail("Error: only one of -source or -destination may be specified")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	by := api.IntentionMatchDestination
	if opts.source {
		by = api.IntentionMatchSource
	}
	matches, _, err := cl.Connect().IntentionMatch(&api.IntentionMatch{By: by, Names: args}, opts.client.query())
	if err != nil {
		return fail("Error matching the connection: %s", err)
	}
	for _, in := range matches[args[0]] {
		fmt.Fprintln(cmd.OutOrStdout(), in)
	}
	return nil
}

const textIntentionArguments = "command requires exactly 1 or 2 arguments"

func newIntentionGetCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "get [options] SRC DST | ID",
		Short:   "Show information about an intention",
		Long:    `Shows an intention, by source and destination or by ID.`,
		Example: "praetor intention get web db",
		RunE:    func(cmd *cobra.Command, args []string) error { return runIntentionGet(cmd, args, c) },
	}
	registerConfig(cmd, &c)
	return cmd
}

func runIntentionGet(cmd *cobra.Command, args []string, c client) error {
	if len(args) != 1 && len(args) != 2 {
		return fail("%s", textIntentionArguments)
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	var in *api.Intention
	if len(args) == 1 {
		//lint:ignore SA1019 it is asked for by ID
		in, _, err = cl.Connect().IntentionGet(args[0], c.query())
	} else {
		in, _, err = cl.Connect().IntentionGetExact(args[0], args[1], c.query())
	}
	switch {
	case err != nil:
		return fail("Error reading the intention: %s", err)
	case in == nil && len(args) == 1:
		return fail("Intention not found with ID %q", args[0])
	case in == nil:
		return fail("Intention not found with source %q and destination %q", args[0], args[1])
	}
	return showIntention(cmd, in)
}

func showIntention(cmd *cobra.Command, in *api.Intention) error {
	rows := [][]string{{"Source:", in.SourceString()}, {"Destination:", in.DestinationString()}}
	for _, row := range [][]string{{"Action:", string(in.Action)}, {"ID:", in.ID}, {"Description:", in.Description}} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(in.Meta)) {
		rows = append(rows, []string{"Meta[" + key + "]:", in.Meta[key]})
	}
	rows = append(rows, []string{"Created At:", in.CreatedAt.Local().Format(time.RFC850)})
	writeColumns(cmd.OutOrStdout(), rows, 2)
	if len(in.Permissions) == 0 {
		return nil
	}
	text, err := json.MarshalIndent(in.Permissions, "", "  ")
	if err != nil {
		return fail("Error encoding the permissions: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Permissions:\n%s\n", text)
	return nil
}

func newIntentionDeleteCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "delete [options] SRC DST | ID",
		Short:   "Delete an intention",
		Long:    `Deletes an intention, by source and destination or by ID.`,
		Example: "praetor intention delete web db",
		RunE:    func(cmd *cobra.Command, args []string) error { return runIntentionDelete(cmd, args, c) },
	}
	registerConfig(cmd, &c)
	return cmd
}

func runIntentionDelete(cmd *cobra.Command, args []string, c client) error {
	if len(args) != 1 && len(args) != 2 {
		return fail("%s", textIntentionArguments)
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		//lint:ignore SA1019 it is deleted by ID
		_, err = cl.Connect().IntentionDelete(args[0], nil)
	} else {
		_, err = cl.Connect().IntentionDeleteExact(args[0], args[1], nil)
	}
	if err != nil {
		return fail("Error deleting the intention: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Intention deleted.")
	return nil
}
