package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

// Checks by which an agent shows maintenance (reference/cli.md §3, maint).
const (
	nodeMaintenance    = "_node_maintenance"
	serviceMaintenance = "_service_maintenance:"
)

type maintOptions struct {
	client  client
	enable  bool
	disable bool
	reason  string
	service string
}

func newMaintCommand() *cobra.Command {
	var opts maintOptions
	cmd := &cobra.Command{
		Use:   "maint [options]",
		Short: "Controls node or service maintenance mode",
		Long: `Takes this agent's node, or one of its services, out of discovery and back in.
Without options it lists what is in maintenance.`,
		Example: `praetor maint
praetor maint -enable -reason="disk swap"
praetor maint -enable -service=web
praetor maint -disable`,
		RunE: func(cmd *cobra.Command, args []string) error { return runMaint(cmd, opts) },
	}
	opts.client.register(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.enable, "enable", false, "Begin maintenance.")
	fs.BoolVar(&opts.disable, "disable", false, "End maintenance.")
	fs.StringVar(&opts.reason, "reason", "", "With -enable: text that tells others why.")
	fs.StringVar(&opts.service, "service", "", "ID of a service, instead of the node.")
	return cmd
}

func runMaint(cmd *cobra.Command, opts maintOptions) error {
	switch {
	case opts.enable && opts.disable:
		return fail("Only one of -enable or -disable may be provided")
	case !opts.enable && opts.reason != "":
		return fail("Reason may only be provided with -enable")
	case !opts.enable && !opts.disable && opts.service != "":
		return fail("Service requires either -enable or -disable")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	switch {
	case opts.enable:
		return enableMaintenance(cmd, cl.Agent(), opts)
	case opts.disable:
		return disableMaintenance(cmd, cl.Agent(), opts)
	}
	return listMaintenance(cmd, cl.Agent())
}

func enableMaintenance(cmd *cobra.Command, agent *api.Agent, opts maintOptions) error {
	if opts.service == "" {
		if err := agent.EnableNodeMaintenance(opts.reason); err != nil {
			return fail("Error enabling node maintenance: %s", err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "Node maintenance is now enabled")
		return nil
	}
	if err := agent.EnableServiceMaintenance(opts.service, opts.reason); err != nil {
		return fail("Error enabling service maintenance: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Service maintenance is now enabled for %q\n", opts.service)
	return nil
}

func disableMaintenance(cmd *cobra.Command, agent *api.Agent, opts maintOptions) error {
	if opts.service == "" {
		if err := agent.DisableNodeMaintenance(); err != nil {
			return fail("Error disabling node maintenance: %s", err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "Node maintenance is now disabled")
		return nil
	}
	if err := agent.DisableServiceMaintenance(opts.service); err != nil {
		return fail("Error disabling service maintenance: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Service maintenance is now disabled for %q\n", opts.service)
	return nil
}

// listMaintenance prints the node first, then services by ID.
func listMaintenance(cmd *cobra.Command, agent *api.Agent) error {
	self, err := agent.NodeName()
	if err != nil {
		return fail("Error querying Consul agent: %s", err)
	}
	checks, err := agent.Checks()
	if err != nil {
		return fail("Error querying checks: %s", err)
	}
	out := cmd.OutOrStdout()
	if check := checks[nodeMaintenance]; check != nil {
		fmt.Fprintf(out, "Node:\n  Name:   %s\n  Reason: %s\n\n", self, check.Notes)
	}
	for _, id := range slices.Sorted(maps.Keys(checks)) {
		if strings.HasPrefix(id, serviceMaintenance) {
			fmt.Fprintf(out, "Service:\n  ID:     %s\n  Reason: %s\n\n", checks[id].ServiceID, checks[id].Notes)
		}
	}
	return nil
}
