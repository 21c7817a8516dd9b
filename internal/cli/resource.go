package cli

import "github.com/spf13/cobra"

// textNoResources ends every command about resources: Consul had them as a trial and
// its agents serve none unless that is switched on.
const textNoResources = "404 page not found: this agent has no resources; see the commands catalog, config, intention and acl"

func newResourceCommand() *cobra.Command {
	const two = "Must specify two arguments: resource type and resource name"
	return addParseLine(newGroup("resource", "Interact with Consul's resources",
		`For scripts that ask for resources, Consul's trial of another API, of which
Praetor has none: every command fails and says so.

  praetor resource list catalog.v2beta1.Service`,
		newResourceVerb("read", "Read a resource", "TYPE NAME", 2, two),
		newResourceVerb("delete", "Delete a resource", "TYPE NAME", 2, two),
		newResourceVerb("list", "List all resources of a type", "TYPE", 1, "Must include resource type argument"),
		newResourceVerb("apply", "Write a resource", "FILE", 1, "Must provide exactly one positional argument: the file, or '-' for stdin")))
}

func newResourceVerb(verb, short, args string, count int, missing string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " " + args,
		Short:   short,
		Long:    "Fails: there are no resources.",
		Example: "praetor resource " + verb + " " + args,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) < count {
				return fail("Incorrect argument format: %s", missing)
			}
			return fail("%s", textNoResources)
		},
	}
}
