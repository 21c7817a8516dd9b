package cli

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type membersOptions struct {
	client   client
	detailed bool
	wan      bool
	status   string
	segment  string
	filter   string
	output   outputFormat
}

func newMembersCommand() *cobra.Command {
	var opts membersOptions
	cmd := &cobra.Command{
		Use:   "members [options]",
		Short: "Lists the members of the cluster",
		Long:  "Lists the agents this one knows through gossip, with their state.",
		Example: `praetor members
praetor members -wan
praetor members -status=failed -detailed`,
		RunE: func(cmd *cobra.Command, args []string) error { return runMembers(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerPartition(cmd)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&opts.detailed, "detailed", false, "Show all tags instead of the usual columns.")
	fs.BoolVar(&opts.wan, "wan", false, "List the WAN pool of servers instead of this datacenter's agents.")
	fs.StringVar(&opts.status, "status", ".*", "Only members whose status matches this regular expression.")
	fs.StringVar(&opts.segment, "segment", api.AllSegments, "Only members of this network segment.")
	fs.StringVar(&opts.filter, "filter", "", "Filter expression to apply.")
	return cmd
}

func runMembers(cmd *cobra.Command, opts membersOptions) error {
	status, err := regexp.Compile(opts.status)
	if err != nil {
		return fail("Failed to compile status regexp: %s", err)
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	list, err := cl.Agent().MembersOpts(api.MembersOpts{WAN: opts.wan, Segment: segmentOf(opts), Filter: opts.filter})
	if err != nil {
		return fail("Error retrieving members: %s", err)
	}
	list = slices.DeleteFunc(list, func(m *api.AgentMember) bool { return !status.MatchString(memberStatus(m)) })
	if len(list) == 0 && !opts.output.isJSON() {
		return exit{code: exitNoMatch}
	}
	slices.SortFunc(list, compareMembers)
	return printList(cmd, &opts.output, list, func() {
		if opts.detailed {
			printColumns(cmd, detailedMembers(list))
		} else {
			printColumns(cmd, memberRows(list))
		}
	})
}

func segmentOf(opts membersOptions) string {
	if opts.wan {
		return ""
	}
	return opts.segment
}

func memberRows(list []*api.AgentMember) [][]string {
	rows := [][]string{{"Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Partition", "Segment"}}
	for _, m := range list {
		build, _, _ := strings.Cut(m.Tags["build"], ":")
		rows = append(rows, []string{
			m.Name, memberAddress(m), memberStatus(m), memberType(m), build,
			m.Tags["vsn"], m.Tags["dc"], memberPartition(m), memberSegment(m),
		})
	}
	return rows
}

func detailedMembers(list []*api.AgentMember) [][]string {
	rows := [][]string{{"Node", "Address", "Status", "Tags"}}
	for _, m := range list {
		tags := make([]string, 0, len(m.Tags))
		for k, v := range m.Tags {
			if k == "segment" {
				v = memberSegment(m)
			}
			tags = append(tags, k+"="+v)
		}
		if m.Tags["ap"] == "" {
			tags = append(tags, "ap="+memberPartition(m))
		}
		slices.Sort(tags)
		rows = append(rows, []string{m.Name, memberAddress(m), memberStatus(m), strings.Join(tags, ",")})
	}
	return rows
}

// compareMembers orders servers before clients, then by partition, segment and name.
func compareMembers(a, b *api.AgentMember) int {
	return cmp.Or(
		-cmp.Compare(memberType(a), memberType(b)),
		cmp.Compare(memberPartition(a), memberPartition(b)),
		cmp.Compare(memberSegment(a), memberSegment(b)),
		cmp.Compare(a.Name, b.Name),
	)
}

func memberAddress(m *api.AgentMember) string {
	return net.JoinHostPort(m.Addr, strconv.Itoa(int(m.Port)))
}

func memberType(m *api.AgentMember) string {
	switch role := m.Tags["role"]; role {
	case "consul":
		return "server"
	case "node":
		return "client"
	default:
		return "unknown"
	}
}

func memberPartition(m *api.AgentMember) string { return cmp.Or(m.Tags["ap"], "default") }

func memberSegment(m *api.AgentMember) string {
	if memberType(m) == "server" {
		return "<all>"
	}
	return cmp.Or(m.Tags["segment"], "<default>")
}

func memberStatus(m *api.AgentMember) string {
	names := []string{"none", "alive", "leaving", "left", "failed"}
	if m.Status >= 0 && m.Status < len(names) {
		return names[m.Status]
	}
	return fmt.Sprintf("unknown status: %d", m.Status)
}
