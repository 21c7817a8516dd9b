package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newACLTemplatedPolicyCommand() *cobra.Command {
	return newGroup("templated-policy", "Look at the policies that are made of a name",
		`Templated policies are policies for what everybody needs: a service, a node, DNS.
Tokens and roles have them with a name.

  praetor acl templated-policy list
  praetor acl templated-policy read -name=builtin/service
  praetor acl templated-policy preview -name=builtin/service -var=name:api`,
		newACLTemplatedPolicyListCommand(), newACLTemplatedPolicyPreviewCommand(), newACLTemplatedPolicyReadCommand())
}

type aclTemplatedPolicyOptions struct {
	client    client
	output    aclOutput
	name      string
	file      string
	variables list
}

func (o *aclTemplatedPolicyOptions) register(cmd *cobra.Command) {
	registerACL(cmd, &o.client)
	o.output.register(cmd)
	o.output.refusal = "unknown format: %q"
}

func newACLTemplatedPolicyListCommand() *cobra.Command {
	var opts aclTemplatedPolicyOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List templated policies",
		Long:    "Lists the names of all templated policies.",
		Example: "praetor acl templated-policy list",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLTemplatedPolicyList(cmd, opts) },
	}
	opts.register(cmd)
	return cmd
}

func runACLTemplatedPolicyList(cmd *cobra.Command, opts aclTemplatedPolicyOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().TemplatedPolicyList(opts.client.query())
	if err != nil {
		return fail("Failed to retrieve the templated policies list: %s", err)
	}
	var names strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		names.WriteString(name + "\n")
	}
	return opts.output.print(cmd, all, names.String())
}

func newACLTemplatedPolicyReadCommand() *cobra.Command {
	var opts aclTemplatedPolicyOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Show a templated policy",
		Long:    "Prints what a templated policy is for and what it needs; with -meta its template too.",
		Example: "praetor acl templated-policy read -name=builtin/node -meta",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLTemplatedPolicyRead(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().StringVar(&opts.name, "name", "", "Name of the templated policy.")
	return cmd
}

func runACLTemplatedPolicyRead(cmd *cobra.Command, opts aclTemplatedPolicyOptions) error {
	if opts.name == "" {
		return misused("Must specify the -name parameter")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	t, _, err := cl.ACL().TemplatedPolicyReadByName(opts.name, opts.client.query())
	switch {
	case err != nil:
		return fail("Error reading templated policy %q: %s", opts.name, err)
	case t == nil:
		return fail("Templated policy not found with name %q", opts.name)
	}
	return opts.output.print(cmd, t, opts.output.template(t))
}

// templateNames says what the name is of in the templates that are known, and has one
// for an example.
var templateNames = map[string]struct{ what, example string }{
	"builtin/service":     {"The name of the service.", "api"},
	"builtin/node":        {"The node name.", "node-1"},
	"builtin/api-gateway": {"The api gateway service name.", "api-gateway"},
}

const templateWidth = 17

func (o *aclOutput) template(t *api.ACLTemplatedPolicyResponse) string {
	b := newBlock(templateWidth, "")
	b.row("Name", t.TemplateName)
	b.row("Description", t.Description)
	example := "consul acl token create -templated-policy " + t.TemplateName
	if t.Schema == "" {
		b.row("Input variables", "None")
	} else {
		name, known := templateNames[t.TemplateName]
		if !known { // of a newer server
			name.what, name.example = "A name.", "NAME"
		}
		b.line("Input variables:")
		b.line("\tName: String - Required - %s", name.what)
		example += " -var name:" + name.example
	}
	b.line("Example usage:")
	b.line("\t%s", example)
	if o.meta {
		b.line("Schema:\n%s\n", t.Schema)
		b.line("Raw Template:\n%s", t.Template)
	}
	return b.String()
}

func newACLTemplatedPolicyPreviewCommand() *cobra.Command {
	var opts aclTemplatedPolicyOptions
	cmd := &cobra.Command{
		Use:   "preview [options]",
		Short: "Show the policy that a templated policy makes",
		Long:  "Prints the policy that a templated policy makes of a name.",
		Example: `praetor acl templated-policy preview -name=builtin/service -var=name:api
praetor acl templated-policy preview -file=api.hcl`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLTemplatedPolicyPreview(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().StringVar(&opts.name, "name", "", "Name of the templated policy.")
	cmd.Flags().StringVar(&opts.file, "file", "", "File with one templated policy, in HCL: TemplatedPolicy \"builtin/service\" { Name = \"api\" }.")
	registerVariables(cmd, &opts.variables)
	return cmd
}

func runACLTemplatedPolicyPreview(cmd *cobra.Command, opts aclTemplatedPolicyOptions) error {
	flags := templateFlags{opts.name, opts.file}
	if flags.isEmpty() {
		return fail("Cannot preview a templated policy without specifying -name or -file")
	}
	templates, err := flags.resolve(cmd, opts.variables)
	if err != nil {
		return err
	}
	if len(templates) != 1 {
		return fail("Can only preview a single templated policy at a time.")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	policy, _, err := cl.ACL().TemplatedPolicyPreview(templates[0], nil)
	if err != nil {
		return fail("Failed to generate the templated policy preview: %s", err)
	}
	return opts.output.print(cmd, policy, opts.output.policy(policy))
}
