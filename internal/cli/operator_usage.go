package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newOperatorUsageCommand() *cobra.Command {
	return newGroup("usage", "Provides cluster-level usage information",
		`Counts what the catalog holds.

  praetor operator usage instances`,
		newUsageInstancesCommand())
}

type usageInstancesOptions struct {
	client   client
	billable bool
	connect  bool
	all      bool
	output   outputFormat
}

func newUsageInstancesCommand() *cobra.Command {
	var opts usageInstancesOptions
	cmd := &cobra.Command{
		Use:   "instances [options]",
		Short: "Display service instance usage information",
		Long:  "Counts service instances and nodes, of one datacenter or of all.",
		Example: `praetor operator usage instances
praetor operator usage instances -billable -all-datacenters`,
		RunE: func(cmd *cobra.Command, args []string) error { return runUsageInstances(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.billable, "billable", false, "Only instances that are neither proxies, gateways, nor servers.")
	fs.BoolVar(&opts.connect, "connect", false, "Only proxies, gateways and connect-native instances.")
	fs.BoolVar(&opts.all, "all-datacenters", false, "Count every datacenter.")
	return cmd
}

func runUsageInstances(cmd *cobra.Command, opts usageInstancesOptions) error {
	if opts.billable && opts.connect {
		return fail("Cannot specify both -billable and -connect flags")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	q := opts.client.query()
	q.Global = opts.all
	answer, _, err := cl.Operator().Usage(q)
	if err != nil {
		return fail("Error fetching usage information: %s", err)
	}
	if opts.output.isJSON() {
		return opts.output.print(cmd, answer.Usage, nil)
	}
	usage := usageTables{answer.Usage, slices.Sorted(maps.Keys(answer.Usage)), opts.all}
	if !opts.connect {
		usage.printTotals(cmd)
		section(cmd, "Billable Services", usage.billable())
		fmt.Fprint(cmd.OutOrStdout(), sectionEnd)
		section(cmd, "Nodes", usage.nodes())
		fmt.Fprint(cmd.OutOrStdout(), sectionEnd)
	}
	if !opts.billable {
		section(cmd, "Connect Services", usage.connect())
	}
	return nil
}

// sectionEnd follows the tables that another may follow.
const sectionEnd = "\n\n"

// section writes a table under its title.
func section(cmd *cobra.Command, title string, rows [][]string) {
	fmt.Fprintln(cmd.OutOrStdout(), title)
	printTabs(cmd, rows)
}

// blankRow parts a table's total from its rows: a first cell with its padding.
var blankRow = []string{"", ""}

// usageTables lays out the counts of some datacenters.
type usageTables struct {
	usage       map[string]api.ServiceUsage
	datacenters []string
	all         bool // the tables of services name the datacenter
}

func (u usageTables) printTotals(cmd *cobra.Command) {
	total := 0
	for _, dc := range u.datacenters {
		total += u.usage[dc].BillableServiceInstances
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Billable Service Instances Total: %d\n", total)
	for _, dc := range u.datacenters {
		fmt.Fprintf(cmd.OutOrStdout(), "%s Billable Service Instances: %d\n", dc, u.usage[dc].BillableServiceInstances)
	}
	fmt.Fprintln(cmd.OutOrStdout())
}

func (u usageTables) billable() [][]string {
	rows := [][]string{u.row("Datacenter", "Services", "Service instances")}
	services, instances := 0, 0
	for _, dc := range u.datacenters {
		one := u.usage[dc]
		rows = append(rows, u.row(dc, strconv.Itoa(one.Services), strconv.Itoa(one.BillableServiceInstances)))
		services, instances = services+one.Services, instances+one.BillableServiceInstances
	}
	if u.all {
		rows = append(rows, blankRow, []string{"Total", strconv.Itoa(services), strconv.Itoa(instances)})
	}
	return rows
}

func (u usageTables) nodes() [][]string {
	rows := [][]string{{"Datacenter", "Count", ""}}
	total := 0
	for _, dc := range u.datacenters {
		rows = append(rows, []string{dc, strconv.Itoa(u.usage[dc].Nodes)})
		total += u.usage[dc].Nodes
	}
	return append(rows, blankRow, []string{"Total", strconv.Itoa(total)})
}

func (u usageTables) connect() [][]string {
	rows := [][]string{u.row("Datacenter", "Type", "Service instances")}
	total := 0
	for _, dc := range u.datacenters {
		kinds := u.usage[dc].ConnectServiceInstances
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			rows = append(rows, u.row(dc, kind, strconv.Itoa(kinds[kind])))
			total += kinds[kind]
		}
	}
	if u.all {
		rows = append(rows, blankRow, []string{"Total", "", strconv.Itoa(total)})
	}
	return rows
}

// row leaves out the datacenter where there is only one.
func (u usageTables) row(datacenter string, cells ...string) []string {
	if !u.all {
		return cells
	}
	return append([]string{datacenter}, cells...)
}
