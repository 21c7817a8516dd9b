package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

type eventOptions struct {
	client  client
	name    string
	node    string
	service string
	tag     string
}

func newEventCommand() *cobra.Command {
	var opts eventOptions
	cmd := &cobra.Command{
		Use:   "event [options] [PAYLOAD]",
		Short: "Fire a new event",
		Long: `Sends an event with a small payload to all agents of the datacenter, or to
those that the filters let through. What they do about it is their watches'
business.`,
		Example: `praetor event -name=deploy v1.2.3
praetor event -name=restart -service='^web$' -tag=canary`,
		RunE: func(cmd *cobra.Command, args []string) error { return runEvent(cmd, args, opts) },
	}
	opts.client.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.name, "name", "", "Name of the event; required.")
	fs.StringVar(&opts.node, "node", "", "Only agents whose node name matches this regular expression.")
	fs.StringVar(&opts.service, "service", "", "Only agents that have a service whose name matches this regular expression.")
	fs.StringVar(&opts.tag, "tag", "", "With -service: only services with a tag that matches this regular expression.")
	return cmd
}

func runEvent(cmd *cobra.Command, args []string, opts eventOptions) error {
	if err := opts.check(cmd, args); err != nil {
		return err
	}
	event := &api.UserEvent{Name: opts.name, NodeFilter: opts.node, ServiceFilter: opts.service, TagFilter: opts.tag}
	if len(args) == 1 {
		event.Payload = []byte(args[0])
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if _, err := askAgent(cl); err != nil {
		return err
	}
	id, _, err := cl.Event().Fire(event, nil)
	if err != nil {
		return fail("Error firing event: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Event ID: %s\n", id)
	return nil
}

// check finds filters that an agent would accept but no agent could match
// (reference/cli.md §4).
func (o *eventOptions) check(cmd *cobra.Command, args []string) error {
	if o.name == "" {
		return fail("Event name must be specified\n\n%s", help(cmd))
	}
	for _, filter := range []struct{ name, expression string }{{"node", o.node}, {"service", o.service}, {"tag", o.tag}} {
		if filter.name == "tag" && o.tag != "" && o.service == "" {
			return fail("Cannot provide tag filter without service filter.")
		}
		if _, err := regexp.Compile(filter.expression); err != nil {
			return fail("Failed to compile %s filter regexp: %s", filter.name, strings.TrimSpace(err.Error()))
		}
	}
	if len(args) > 1 {
		return fail("Too many command line arguments.\n\n%s", help(cmd))
	}
	return nil
}
