package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type servicesExportOptions struct {
	client     client
	name       string
	peers      string
	partitions string
}

func newServicesExportCommand() *cobra.Command {
	var opts servicesExportOptions
	cmd := &cobra.Command{
		Use:     "export [options]",
		Short:   "Export a service from one peer or admin partition to another",
		Long:    `Adds peers to those that may call a service. None is removed.`,
		Example: "praetor services export -name=web -consumer-peers=east,west",
		RunE:    func(cmd *cobra.Command, args []string) error { return runServicesExport(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	cmd.Flags().StringVar(&opts.name, "name", "", "The name of the service.")
	cmd.Flags().StringVar(&opts.peers, "consumer-peers", "", "Peers that may call it, separated by commas.")
	cmd.Flags().StringVar(&opts.partitions, "consumer-partitions", "", "Admin partitions that may call it; other editions use it.")
	return cmd
}

func runServicesExport(cmd *cobra.Command, opts servicesExportOptions) error {
	switch {
	case opts.name == "":
		return misused("Missing the required -name flag")
	case opts.peers == "" && opts.partitions == "":
		return misused("Missing the required -consumer-peers or -consumer-partitions flag")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	entry, err := exportedEntry(cl)
	if err != nil {
		return fail("Error reading config entry %s/default: %s", api.ExportedServices, err)
	}
	addConsumers(entry, opts)
	done, _, err := cl.ConfigEntries().CAS(entry, entry.ModifyIndex, nil)
	if err != nil {
		return fail("Error writing config entry: %s", err)
	}
	if !done {
		return fail("Config entry was changed during update. Please try again")
	}
	to := ""
	switch {
	case opts.partitions == "":
		to = fmt.Sprintf("cluster peers %q", opts.peers)
	case opts.peers == "":
		to = fmt.Sprintf("partitions %q", opts.partitions)
	default:
		to = fmt.Sprintf("cluster peers %q and to partitions %q", opts.peers, opts.partitions)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Successfully exported service %q to %s\n", opts.name, to)
	return nil
}

// exportedEntry returns the entry that says what is exported, an empty one if
// there is none.
func exportedEntry(cl *api.Client) (*api.ExportedServicesConfigEntry, error) {
	entries, _, err := cl.ConfigEntries().List(api.ExportedServices, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e, ok := e.(*api.ExportedServicesConfigEntry); ok && e.Name == "default" {
			return e, nil
		}
	}
	return &api.ExportedServicesConfigEntry{Name: "default"}, nil
}

func addConsumers(entry *api.ExportedServicesConfigEntry, opts servicesExportOptions) {
	i := slices.IndexFunc(entry.Services, func(s api.ExportedService) bool { return s.Name == opts.name })
	if i < 0 {
		i = len(entry.Services)
		entry.Services = append(entry.Services, api.ExportedService{Name: opts.name})
	}
	s := &entry.Services[i]
	add := func(list string, consumer func(name string) api.ServiceConsumer) {
		for name := range strings.SplitSeq(list, ",") {
			if c := consumer(strings.TrimSpace(name)); c != (api.ServiceConsumer{}) && !slices.Contains(s.Consumers, c) {
				s.Consumers = append(s.Consumers, c)
			}
		}
	}
	add(opts.peers, func(name string) api.ServiceConsumer { return api.ServiceConsumer{Peer: name} })
	add(opts.partitions, func(name string) api.ServiceConsumer { return api.ServiceConsumer{Partition: name} })
}

type exportedServicesOptions struct {
	client client
	output outputFormat
	filter string
}

func newExportedServicesCommand() *cobra.Command {
	var opts exportedServicesOptions
	cmd := &cobra.Command{
		Use:     "exported-services [options]",
		Short:   "Lists exported services",
		Long:    `Lists the services that peers may call, and these peers.`,
		Example: "praetor services exported-services",
		RunE:    func(cmd *cobra.Command, args []string) error { return runExportedServices(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.filter, "filter", "", "An expression that services must match.")
	return cmd
}

func runExportedServices(cmd *cobra.Command, opts exportedServicesOptions) error {
	if opts.output.check() != nil {
		return fail("Invalid format, valid formats are {pretty|json}")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	q := opts.client.query()
	q.Filter = opts.filter
	services, _, err := cl.ExportedServices(q)
	switch {
	case err != nil:
		return fail("Error reading exported services: %s", err)
	case opts.output.isJSON():
		return opts.output.print(cmd, services, nil)
	case len(services) == 0:
		fmt.Fprintln(cmd.OutOrStdout(), "No exported services found")
		return nil
	}
	rows := [][]string{{"Service", "Consumer Peers"}}
	for _, s := range services {
		rows = append(rows, []string{s.Service, strings.Join(s.Consumers.Peers, ", ")})
	}
	printColumns(cmd, rows)
	return nil
}
