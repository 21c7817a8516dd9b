package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newCatalogCommand() *cobra.Command {
	return newGroup("catalog", "Interact with the catalog",
		`Lists what the whole cluster knows: datacenters, nodes and services.

  praetor catalog nodes -service=web
  praetor catalog services -tags`,
		newCatalogDatacentersCommand(), newCatalogHistoryCommand(), newCatalogNodesCommand(), newCatalogServicesCommand())
}

func tooManyArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return misused("Too many arguments (expected 0, got %d)", len(args))
}

func newCatalogDatacentersCommand() *cobra.Command {
	var (
		c      client
		output outputFormat
	)
	cmd := &cobra.Command{
		Use:     "datacenters [options]",
		Short:   "Lists all known datacenters",
		Long:    "Lists the datacenters known through the WAN pool, the nearest first.",
		Example: "praetor catalog datacenters",
		RunE:    func(cmd *cobra.Command, args []string) error { return runCatalogDatacenters(cmd, args, c, output) },
	}
	c.register(cmd)
	c.registerServer(cmd)
	output.register(cmd)
	return cmd
}

func runCatalogDatacenters(cmd *cobra.Command, args []string, c client, output outputFormat) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if err := output.check(); err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	list, err := cl.Catalog().Datacenters()
	if err != nil {
		return fail("Error listing datacenters: %s", err)
	}
	return printList(cmd, &output, list, func() { printLines(cmd, list) })
}

type catalogNodesOptions struct {
	client   client
	detailed bool
	filter   string
	near     string
	nodeMeta pairs
	service  string
	output   outputFormat
}

func newCatalogNodesCommand() *cobra.Command {
	var opts catalogNodesOptions
	cmd := &cobra.Command{
		Use:   "nodes [options]",
		Short: "Lists all nodes in the given datacenter",
		Long:  "Lists the nodes of a datacenter, all or those that run a service.",
		Example: `praetor catalog nodes
praetor catalog nodes -service=redis -detailed`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCatalogNodes(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.detailed, "detailed", false, "Print full IDs, tagged addresses and metadata.")
	fs.StringVar(&opts.filter, "filter", "", "Filter expression to apply.")
	fs.StringVar(&opts.near, "near", "", "Sort by round trip time from this node; _agent is the agent asked.")
	fs.Var(&opts.nodeMeta, "node-meta", "Only nodes with this metadata, KEY=VALUE. May be repeated.")
	fs.StringVar(&opts.service, "service", "", "Only nodes that run this service.")
	return cmd
}

func runCatalogNodes(cmd *cobra.Command, args []string, opts catalogNodesOptions) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	nodes, err := listNodes(cl, opts)
	if err != nil {
		return fail("Error listing nodes: %s", err)
	}
	if len(nodes) == 0 && !opts.output.isJSON() {
		fmt.Fprintln(cmd.ErrOrStderr(), "No nodes match the given query - try expanding your search.")
		return nil
	}
	return printList(cmd, &opts.output, nodes, func() {
		if opts.detailed {
			printColumns(cmd, detailedNodes(nodes))
		} else {
			printColumns(cmd, nodeRows(nodes))
		}
	})
}

func listNodes(cl *api.Client, opts catalogNodesOptions) ([]*api.Node, error) {
	q := opts.client.query()
	q.Near, q.Filter, q.NodeMeta = opts.near, opts.filter, opts.nodeMeta.values
	if opts.service == "" {
		nodes, _, err := cl.Catalog().Nodes(q)
		return nodes, err
	}
	instances, _, err := cl.Catalog().Service(opts.service, "", q)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var nodes []*api.Node
	for _, s := range instances {
		if !seen[s.Node] {
			seen[s.Node] = true
			nodes = append(nodes, &api.Node{ID: s.ID, Node: s.Node, Address: s.Address, Datacenter: s.Datacenter, TaggedAddresses: s.TaggedAddresses, Meta: s.NodeMeta})
		}
	}
	return nodes, nil
}

// shortIDLength is how much of a node ID the plain list shows.
const shortIDLength = 8

func nodeRows(nodes []*api.Node) [][]string {
	rows := [][]string{{"Node", "ID", "Address", "DC"}}
	for _, n := range nodes {
		rows = append(rows, []string{n.Node, n.ID[:min(len(n.ID), shortIDLength)], n.Address, n.Datacenter})
	}
	return rows
}

func detailedNodes(nodes []*api.Node) [][]string {
	rows := [][]string{{"Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"}}
	for _, n := range nodes {
		rows = append(rows, []string{n.Node, n.ID, n.Address, n.Datacenter, joinPairs(n.TaggedAddresses), joinPairs(n.Meta)})
	}
	return rows
}

func joinPairs(m map[string]string) string {
	list := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, k+"="+m[k])
	}
	return strings.Join(list, ", ")
}

type catalogServicesOptions struct {
	client   client
	node     string
	nodeMeta pairs
	tags     bool
	output   outputFormat
}

func newCatalogServicesCommand() *cobra.Command {
	var opts catalogServicesOptions
	cmd := &cobra.Command{
		Use:   "services [options]",
		Short: "Lists all registered services in a datacenter",
		Long:  "Lists service names, all or those of one node.",
		Example: `praetor catalog services
praetor catalog services -node=web-1 -tags`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCatalogServices(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.node, "node", "", "Only services of this node (name or ID).")
	fs.Var(&opts.nodeMeta, "node-meta", "Only services of nodes with this metadata, KEY=VALUE. May be repeated.")
	fs.BoolVar(&opts.tags, "tags", false, "Print each service's tags beside it.")
	return cmd
}

func runCatalogServices(cmd *cobra.Command, args []string, opts catalogServicesOptions) error {
	if err := tooManyArguments(args); err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	services, err := listServices(cl, opts)
	if err != nil {
		return fail("Error listing services: %s", err)
	}
	if opts.output.isJSON() {
		return opts.output.print(cmd, services, nil)
	}
	if len(services) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "No services match the given query - try expanding your search.")
		return nil
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		row := []string{name}
		if opts.tags {
			row = append(row, strings.Join(slices.Sorted(slices.Values(services[name])), ","))
		}
		rows = append(rows, row)
	}
	if last := len(rows) - 1; opts.tags && rows[last][1] == "" {
		rows[last] = rows[last][:1] // what is printed ends without blanks
	}
	printTabs(cmd, rows)
	return nil
}

func listServices(cl *api.Client, opts catalogServicesOptions) (map[string][]string, error) {
	q := opts.client.query()
	q.NodeMeta = opts.nodeMeta.values
	if opts.node == "" {
		services, _, err := cl.Catalog().Services(q)
		return services, err
	}
	node, _, err := cl.Catalog().Node(opts.node, q)
	services := map[string][]string{}
	if err != nil || node == nil {
		return services, err
	}
	for _, s := range node.Services {
		services[s.Service] = append(services[s.Service], s.Tags...)
	}
	return services, nil
}
