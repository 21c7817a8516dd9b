package cli

import (
	"fmt"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/acl/builtin"
)

func newACLPolicyCommand() *cobra.Command {
	return newGroup("policy", "Manage the rules that tokens and roles can have",
		`Policies hold rules, in HCL or JSON.

  praetor acl policy create -name=app -rules='key_prefix "app/" { policy = "write" }'
  praetor acl policy read -name=app
  praetor acl policy update -name=app -rules=@app.hcl`,
		newACLPolicyCreateCommand(), newACLPolicyDeleteCommand(), newACLPolicyListCommand(), newACLPolicyReadCommand(), newACLPolicyUpdateCommand())
}

// wholePolicyID finds a policy by the beginning of its ID; those that are always
// there go by their names too.
func wholePolicyID(cl *api.Client, c *client, partial string) (string, error) {
	for _, p := range []builtin.Policy{builtin.GlobalManagement(), builtin.GlobalReadOnly()} {
		if partial == p.Name {
			return p.ID, nil
		}
	}
	return wholeID(partial, func() (ids []string, err error) {
		list, _, err := cl.ACL().PolicyList(c.query())
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return ids, err
	}, "No such policy ID with prefix: %s", "Partial policy ID is not unique")
}

// byIDOrName are the flags that name a policy or a role.
type byIDOrName struct{ id, name string }

func (n *byIDOrName) register(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&n.id, "id", "", "ID of the "+what+", or its beginning if no other one begins so.")
	cmd.Flags().StringVar(&n.name, "name", "", "Name of the "+what+".")
}

func (n *byIDOrName) check() error {
	if n.id == "" && n.name == "" {
		return misused("Must specify either the -id or -name parameters")
	}
	return nil
}

// policyID is the ID of the policy that is named.
func (n *byIDOrName) policyID(cl *api.Client, c *client) (string, error) {
	if n.id != "" {
		return wholePolicyID(cl, c, n.id)
	}
	p, _, err := cl.ACL().PolicyReadByName(n.name, c.query())
	if err == nil && p == nil {
		err = fmt.Errorf("No such policy with name: %s", n.name)
	}
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

type aclPolicyOptions struct {
	client      client
	output      aclOutput
	named       byIDOrName
	description string
	rules       string
	datacenters list
	noMerge     bool
}

func (o *aclPolicyOptions) register(cmd *cobra.Command) {
	registerACL(cmd, &o.client)
	o.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.description, "description", "", "What the policy is for.")
	fs.StringVar(&o.rules, "rules", "", "The rules in HCL or JSON; @FILE for a file, - for stdin.")
	fs.Var(&o.datacenters, "valid-datacenter", "Datacenter in which the policy counts; all if there is none. May be repeated.")
}

// loadedRules are the rules that were given.
func (o *aclPolicyOptions) loadedRules(cmd *cobra.Command) (string, error) {
	text, err := readData(cmd, o.rules)
	if err != nil {
		return "", fail("Error loading rules: %s", err)
	}
	return string(text), nil
}

func newACLPolicyCreateCommand() *cobra.Command {
	var opts aclPolicyOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create a policy",
		Long:  "Makes a policy.",
		Example: `praetor acl policy create -name=app -description="what the app may do" -rules=@app.hcl
praetor acl policy create -name=nodes -rules='node_prefix "" { policy = "read" }' -valid-datacenter=dc1`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLPolicyCreate(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().StringVar(&opts.named.name, "name", "", "Name of the policy.")
	return cmd
}

func runACLPolicyCreate(cmd *cobra.Command, opts aclPolicyOptions) error {
	if opts.named.name == "" {
		return missingFlag(cmd, "name")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	rules, err := opts.loadedRules(cmd)
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	policy, _, err := cl.ACL().PolicyCreate(&api.ACLPolicy{
		Name: opts.named.name, Description: opts.description, Rules: rules, Datacenters: opts.datacenters,
	}, nil)
	if err != nil {
		return fail("Failed to create new policy: %s", err)
	}
	return opts.output.print(cmd, policy, opts.output.policy(policy))
}

func newACLPolicyUpdateCommand() *cobra.Command {
	var opts aclPolicyOptions
	cmd := &cobra.Command{
		Use:   "update [options]",
		Short: "Change a policy",
		Long: `Changes what is given and keeps the rest; with -no-merge what is not given is
emptied. With -id, -name is the policy's new name.`,
		Example: `praetor acl policy update -name=app -rules=@app.hcl
praetor acl policy update -id=35b8 -name=backend`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLPolicyUpdate(cmd, opts) },
	}
	opts.register(cmd)
	opts.named.register(cmd, "policy")
	cmd.Flags().BoolVar(&opts.noMerge, "no-merge", false, "Empty what is not given.")
	return cmd
}

func runACLPolicyUpdate(cmd *cobra.Command, opts aclPolicyOptions) error {
	if err := opts.named.check(); err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	rules, err := opts.loadedRules(cmd)
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := opts.named.policyID(cl, &opts.client)
	if err != nil {
		return fail("Error determining policy ID: %s", err)
	}
	policy := &api.ACLPolicy{ID: id}
	if !opts.noMerge {
		if policy, _, err = cl.ACL().PolicyRead(id, opts.client.query()); err != nil {
			return fail("Error when retrieving current policy: %s", err)
		}
	}
	override(&policy.Name, opts.named.name)
	given := cmd.Flags().Changed
	if given("description") {
		policy.Description = opts.description
	}
	if given("rules") {
		policy.Rules = rules
	}
	if given("valid-datacenter") {
		policy.Datacenters = opts.datacenters
	}
	if policy, _, err = cl.ACL().PolicyUpdate(policy, nil); err != nil {
		return fail("Error updating policy %q: %s", id, err)
	}
	return opts.output.print(cmd, policy, opts.output.policy(policy))
}

func newACLPolicyReadCommand() *cobra.Command {
	var opts aclPolicyOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Show a policy",
		Long:    "Prints a policy with its rules.",
		Example: "praetor acl policy read -name=app\npraetor acl policy read -id=35b8 -meta",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLPolicyRead(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.named.register(cmd, "policy")
	return cmd
}

func runACLPolicyRead(cmd *cobra.Command, opts aclPolicyOptions) error {
	if err := opts.named.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	policy, err := readPolicy(cl, &opts)
	if err != nil {
		return err
	}
	return opts.output.print(cmd, policy, opts.output.policy(policy))
}

func readPolicy(cl *api.Client, opts *aclPolicyOptions) (*api.ACLPolicy, error) {
	if opts.named.id == "" {
		p, _, err := cl.ACL().PolicyReadByName(opts.named.name, opts.client.query())
		switch {
		case err != nil:
			return nil, fail("Error reading policy %q: Failed to find policy with name %s: %s", "name:"+opts.named.name, opts.named.name, err)
		case p == nil:
			return nil, fail("Error policy not found: %s", opts.named.name)
		}
		return p, nil
	}
	id, err := wholePolicyID(cl, &opts.client, opts.named.id)
	if err != nil {
		return nil, fail("Error determining policy ID: %s", err)
	}
	p, _, err := cl.ACL().PolicyRead(id, opts.client.query())
	if err != nil {
		return nil, fail("Error reading policy %q: %s", "id:"+id, err)
	}
	return p, nil
}

func newACLPolicyDeleteCommand() *cobra.Command {
	var opts aclPolicyOptions
	cmd := &cobra.Command{
		Use:     "delete [options]",
		Short:   "Delete a policy",
		Long:    "Deletes a policy. Tokens and roles that have it stay, without it.",
		Example: "praetor acl policy delete -name=app",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLPolicyDelete(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.named.register(cmd, "policy")
	return cmd
}

func runACLPolicyDelete(cmd *cobra.Command, opts aclPolicyOptions) error {
	if err := opts.named.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := opts.named.policyID(cl, &opts.client)
	if err != nil {
		return fail("Error determining policy ID: %s", err)
	}
	// The library's PolicyDelete drops the answer before it reads why it was refused.
	if _, err := cl.Raw().Delete("/v1/acl/policy/"+id, nil); err != nil {
		return fail("Error deleting policy %q: %s", id, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Policy %q deleted successfully\n", id)
	return nil
}

func newACLPolicyListCommand() *cobra.Command {
	var opts aclPolicyOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List policies",
		Long:    "Lists all policies, without their rules.",
		Example: "praetor acl policy list\npraetor acl policy list -format=json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLPolicyList(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	return cmd
}

func runACLPolicyList(cmd *cobra.Command, opts aclPolicyOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().PolicyList(opts.client.query())
	if err != nil {
		return fail("Failed to retrieve the policy list: %s", err)
	}
	return opts.output.print(cmd, all, opts.output.policyList(all))
}
