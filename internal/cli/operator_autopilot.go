package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newOperatorAutopilotCommand() *cobra.Command {
	return addParseLine(newGroup("autopilot", "Provides tools for modifying Autopilot configuration",
		`Looks at, and changes, how the leader looks after the servers: which it calls
healthy, and when it removes dead ones.

  praetor operator autopilot get-config
  praetor operator autopilot set-config -cleanup-dead-servers=false
  praetor operator autopilot state`,
		newAutopilotGetCommand(), newAutopilotSetCommand(), newAutopilotStateCommand()))
}

type autopilotGetOptions struct {
	client client
}

func newAutopilotGetCommand() *cobra.Command {
	var opts autopilotGetOptions
	cmd := &cobra.Command{
		Use:     "get-config [options]",
		Short:   "Display the current Autopilot configuration",
		Long:    "Prints the configuration in force.",
		Example: "praetor operator autopilot get-config",
		RunE:    func(cmd *cobra.Command, args []string) error { return runAutopilotGet(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	return cmd
}

func runAutopilotGet(cmd *cobra.Command, opts autopilotGetOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	config, err := cl.Operator().AutopilotGetConfiguration(opts.client.query())
	if err != nil {
		return fail("Error querying Autopilot configuration: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), `CleanupDeadServers = %v
LastContactThreshold = %s
MaxTrailingLogs = %d
MinQuorum = %d
ServerStabilizationTime = %s
RedundancyZoneTag = %q
DisableUpgradeMigration = %v
UpgradeVersionTag = %q
`, config.CleanupDeadServers, config.LastContactThreshold, config.MaxTrailingLogs, config.MinQuorum,
		config.ServerStabilizationTime, config.RedundancyZoneTag, config.DisableUpgradeMigration, config.UpgradeVersionTag)
	return nil
}

type autopilotSetOptions struct {
	client         client
	cleanup        boolean
	maxTrailing    number
	minQuorum      number
	lastContact    span
	stabilization  span
	redundancyZone string
	noMigration    boolean
	upgradeVersion string
}

func newAutopilotSetCommand() *cobra.Command {
	var opts autopilotSetOptions
	cmd := &cobra.Command{
		Use:     "set-config [options]",
		Short:   "Modify the current Autopilot configuration",
		Long:    "Changes the values given and keeps the others.",
		Example: "praetor operator autopilot set-config -min-quorum=3",
		RunE:    func(cmd *cobra.Command, args []string) error { return runAutopilotSet(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	boolVar(fs, &opts.cleanup, "cleanup-dead-servers", "Whether servers that failed are removed when others can take their place.")
	fs.Var(&opts.maxTrailing, "max-trailing-logs", "How many log entries a healthy server may be behind.")
	fs.Var(&opts.minQuorum, "min-quorum", "Fewest voters to be left when dead servers are removed.")
	fs.Var(&opts.lastContact, "last-contact-threshold", "How long a healthy server may be without contact to the leader, like 200ms.")
	fs.Var(&opts.stabilization, "server-stabilization-time", "How long a new server must be healthy before it gets a vote, like 10s.")
	fs.StringVar(&opts.redundancyZone, "redundancy-zone-tag", "", "Key of node metadata that names a server's redundancy zone: one of each votes.")
	boolVar(fs, &opts.noMigration, "disable-upgrade-migration", "Servers of a new version do not take over.")
	fs.StringVar(&opts.upgradeVersion, "upgrade-version-tag", "", "Key of node metadata that holds a server's version: those of the newest take over when they are enough.")
	return cmd
}

func runAutopilotSet(cmd *cobra.Command, opts autopilotSetOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	config, err := cl.Operator().AutopilotGetConfiguration(nil)
	if err != nil {
		return fail("Error querying Autopilot configuration: %s", err)
	}
	for flag, set := range map[string]func(){
		"cleanup-dead-servers":      func() { config.CleanupDeadServers = bool(opts.cleanup) },
		"max-trailing-logs":         func() { config.MaxTrailingLogs = uint64(opts.maxTrailing) },
		"min-quorum":                func() { config.MinQuorum = uint(opts.minQuorum) },
		"last-contact-threshold":    func() { config.LastContactThreshold = api.NewReadableDuration(time.Duration(opts.lastContact)) },
		"server-stabilization-time": func() { config.ServerStabilizationTime = api.NewReadableDuration(time.Duration(opts.stabilization)) },
		"redundancy-zone-tag":       func() { config.RedundancyZoneTag = opts.redundancyZone },
		"disable-upgrade-migration": func() { config.DisableUpgradeMigration = bool(opts.noMigration) },
		"upgrade-version-tag":       func() { config.UpgradeVersionTag = opts.upgradeVersion },
	} {
		if cmd.Flags().Changed(flag) {
			set()
		}
	}
	done, err := cl.Operator().AutopilotCASConfiguration(config, nil)
	if err != nil {
		return fail("Error setting Autopilot configuration: %s", err)
	}
	if !done {
		return fail("Configuration could not be atomically updated, please try again")
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Configuration updated!")
	return nil
}

type autopilotStateOptions struct {
	client client
	output outputFormat
}

func newAutopilotStateCommand() *cobra.Command {
	var opts autopilotStateOptions
	cmd := &cobra.Command{
		Use:     "state [options]",
		Short:   "Display the current Autopilot state",
		Long:    "Shows how the leader sees the servers: who is healthy, and how many may be lost.",
		Example: "praetor operator autopilot state\npraetor operator autopilot state -format=json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runAutopilotState(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.output.register(cmd)
	return cmd
}

func runAutopilotState(cmd *cobra.Command, opts autopilotStateOptions) error {
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	state, err := cl.Operator().AutopilotState(opts.client.query())
	if err != nil {
		return fail("Error querying Autopilot state: %s", err)
	}
	return opts.output.print(cmd, state, func() { fmt.Fprintln(cmd.OutOrStdout(), prettyState(state)) })
}

// prettyState is the block of reference/cli.md §8.
func prettyState(s *api.AutopilotState) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Healthy:                      %t\n", s.Healthy)
	fmt.Fprintf(&b, "Failure Tolerance:            %d\n", s.FailureTolerance)
	fmt.Fprintf(&b, "Optimistic Failure Tolerance: %d\n", s.OptimisticFailureTolerance)
	fmt.Fprintf(&b, "Leader:                       %s\n", s.Leader)
	b.WriteString("Voters:\n")
	for _, id := range s.Voters {
		fmt.Fprintf(&b, "   %s\n", id)
	}
	prettyPlacement(&b, s)
	b.WriteString("Servers:\n")
	for _, id := range slices.Sorted(maps.Keys(s.Servers)) {
		server := s.Servers[id]
		fmt.Fprintf(&b, "   %s\n", id)
		rows := []pilotRow{
			{"Name:", server.Name}, {"Address:", server.Address}, {"Version:", server.Version},
			{"Status:", server.Status}, {"Node Type:", server.NodeType}, {"Node Status:", server.NodeStatus},
			{"Healthy:", server.Healthy}, {"Last Contact:", server.LastContact},
			{"Last Term:", server.LastTerm}, {"Last Index:", server.LastIndex},
		}
		if server.RedundancyZone != "" {
			rows = append(rows, pilotRow{"Redundancy Zone:", server.RedundancyZone})
		}
		if server.UpgradeVersion != "" {
			rows = append(rows, pilotRow{"Upgrade Version:", server.UpgradeVersion})
		}
		if server.ReadReplica {
			rows = append(rows, pilotRow{"Read Replica:", true})
		}
		for _, row := range rows {
			fmt.Fprintf(&b, "      %-16s %v\n", row.name, row.value)
		}
		b.WriteString("      Meta\n")
		for _, key := range slices.Sorted(maps.Keys(server.Meta)) {
			fmt.Fprintf(&b, "         %q: %q\n", key, server.Meta[key])
		}
	}
	return b.String()
}

type pilotRow struct {
	name  string
	value any
}

// prettyPlacement writes what is there only with read replicas, redundancy zones or
// versions.
func prettyPlacement(b *strings.Builder, s *api.AutopilotState) {
	prettyIDs(b, "", "Read Replicas", s.ReadReplicas)
	if len(s.RedundancyZones) > 0 {
		b.WriteString("Redundancy Zones:\n")
	}
	for _, name := range slices.Sorted(maps.Keys(s.RedundancyZones)) {
		zone := s.RedundancyZones[name]
		fmt.Fprintf(b, "   %s:\n      Failure Tolerance: %d\n", name, zone.FailureTolerance)
		prettyIDs(b, "      ", "Voters", zone.Voters)
		prettyIDs(b, "      ", "Servers", zone.Servers)
	}
	if u := s.Upgrade; u != nil {
		fmt.Fprintf(b, "Upgrade:\n   Status:         %s\n   Target Version: %s\n", u.Status, u.TargetVersion)
		prettyIDs(b, "   ", "Target Version Voters", u.TargetVersionVoters)
		prettyIDs(b, "   ", "Target Version Non-Voters", u.TargetVersionNonVoters)
		prettyIDs(b, "   ", "Target Version ReadReplicas", u.TargetVersionReadReplicas)
		prettyIDs(b, "   ", "Other Version Voters", u.OtherVersionVoters)
		prettyIDs(b, "   ", "Other Version Non-Voters", u.OtherVersionNonVoters)
		prettyIDs(b, "   ", "Other Version ReadReplicas", u.OtherVersionReadReplicas)
	}
}

// prettyIDs writes a list under its name, and nothing of an empty one.
func prettyIDs(b *strings.Builder, indent, name string, ids []string) {
	if len(ids) == 0 {
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, name)
	for _, id := range ids {
		fmt.Fprintf(b, "%s   %s\n", indent, id)
	}
}
