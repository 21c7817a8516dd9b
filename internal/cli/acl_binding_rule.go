package cli

import (
	"fmt"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newACLBindingRuleCommand() *cobra.Command {
	return newGroup("binding-rule", "Manage what logins from outside may do",
		`A binding rule says what the tokens of an auth method get: an identity, a role, a
policy or a templated policy, for those logins that its selector fits.

  praetor acl binding-rule create -method=ci -bind-type=role -bind-name=deployer -selector='value.branch == main'
  praetor acl binding-rule list -method=ci`,
		newACLBindingRuleCreateCommand(), newACLBindingRuleDeleteCommand(), newACLBindingRuleListCommand(), newACLBindingRuleReadCommand(), newACLBindingRuleUpdateCommand())
}

// wholeRuleID finds a binding rule by the beginning of its ID.
func wholeRuleID(cl *api.Client, c *client, partial string) (string, error) {
	id, err := wholeID(partial, func() (ids []string, err error) {
		list, _, err := cl.ACL().BindingRuleList("", c.query())
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return ids, err
	}, "no such rule ID with prefix: %s: ACL not found", "Partial rule ID is not unique")
	if err != nil {
		return "", fail("Error determining binding rule ID: %s", err)
	}
	return id, nil
}

type aclBindingRuleOptions struct {
	client      client
	output      aclOutput
	id          string
	method      string
	bindType    string
	bindName    string
	bindVars    pairs
	selector    string
	description string
	noMerge     bool
}

func (o *aclBindingRuleOptions) register(cmd *cobra.Command) {
	registerACL(cmd, &o.client)
	o.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.bindType, "bind-type", string(api.BindingRuleBindTypeService), "What a login gets: service or node (an identity), role, policy or templated-policy.")
	fs.StringVar(&o.bindName, "bind-name", "", "The name of it; ${value.x} stands for what the login says.")
	fs.Var(&o.bindVars, "bind-vars", "With bind type templated-policy: its variable, name=VALUE. May be repeated.")
	fs.StringVar(&o.selector, "selector", "", "Which logins the rule is for, such as 'value.branch == main'; all if it is empty.")
	fs.StringVar(&o.description, "description", "", "What the rule is for.")
}

func (o *aclBindingRuleOptions) registerID(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.id, "id", "", "ID of the rule, or its beginning if no other one begins so.")
}

// variables are those of -bind-vars; nil without any.
func (o *aclBindingRuleOptions) variables() (*api.ACLTemplatedPolicyVariables, error) {
	var v *api.ACLTemplatedPolicyVariables
	for key, value := range o.bindVars.values {
		if !strings.EqualFold(key, "name") {
			return nil, fail("unknown variable in -bind-vars %q: templated policies have the variable name only", key)
		}
		v = &api.ACLTemplatedPolicyVariables{Name: value}
	}
	return v, nil
}

func newACLBindingRuleCreateCommand() *cobra.Command {
	var opts aclBindingRuleOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create a binding rule",
		Long:  "Makes a binding rule.",
		Example: `praetor acl binding-rule create -method=k8s -bind-type=service -bind-name='${serviceaccount.name}'
praetor acl binding-rule create -method=ci -bind-type=policy -bind-name=deploy -selector='value.branch == main'`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLBindingRuleCreate(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().StringVar(&opts.method, "method", "", "The auth method whose logins the rule is for.")
	return cmd
}

func runACLBindingRuleCreate(cmd *cobra.Command, opts aclBindingRuleOptions) error {
	switch {
	case opts.method == "":
		return missingFlag(cmd, "method")
	case opts.bindName == "":
		return missingFlag(cmd, "bind-name")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	variables, err := opts.variables()
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	rule, _, err := cl.ACL().BindingRuleCreate(&api.ACLBindingRule{
		AuthMethod: opts.method, Description: opts.description, Selector: opts.selector,
		BindType: api.BindingRuleBindType(opts.bindType), BindName: opts.bindName, BindVars: variables,
	}, nil)
	if err != nil {
		return fail("Failed to create new binding rule: %s", err)
	}
	return opts.output.print(cmd, rule, opts.output.bindingRule(rule))
}

func newACLBindingRuleUpdateCommand() *cobra.Command {
	var opts aclBindingRuleOptions
	cmd := &cobra.Command{
		Use:   "update [options]",
		Short: "Change a binding rule",
		Long: `Changes what is given and keeps the rest, but for bind type and variables: they
are service and none unless they are given again. With -no-merge what is not given
is emptied.`,
		Example: "praetor acl binding-rule update -id=5a2b -bind-type=role -bind-name=deployer",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLBindingRuleUpdate(cmd, opts) },
	}
	opts.register(cmd)
	opts.registerID(cmd)
	cmd.Flags().BoolVar(&opts.noMerge, "no-merge", false, "Empty what is not given.")
	return cmd
}

func runACLBindingRuleUpdate(cmd *cobra.Command, opts aclBindingRuleOptions) error {
	switch {
	case opts.id == "":
		return fail("Cannot update a binding rule without specifying the -id parameter")
	case opts.noMerge && opts.bindName == "":
		return missingFlag(cmd, "bind-name")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	variables, err := opts.variables()
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := wholeRuleID(cl, &opts.client, opts.id)
	if err != nil {
		return err
	}
	rule, _, err := cl.ACL().BindingRuleRead(id, opts.client.query())
	switch {
	case err != nil:
		return fail("Error when retrieving current binding rule: %s", err)
	case rule == nil:
		return fail("Binding rule not found with ID %q", id)
	}
	if opts.noMerge {
		rule = &api.ACLBindingRule{ID: id, AuthMethod: rule.AuthMethod}
	}
	given := cmd.Flags().Changed
	if given("description") {
		rule.Description = opts.description
	}
	if given("selector") {
		rule.Selector = opts.selector
	}
	override(&rule.BindName, opts.bindName)
	rule.BindType, rule.BindVars = api.BindingRuleBindType(opts.bindType), variables
	if rule, _, err = cl.ACL().BindingRuleUpdate(rule, nil); err != nil {
		return fail("Error updating binding rule %q: %s", id, err)
	}
	return opts.output.print(cmd, rule, opts.output.bindingRule(rule))
}

func newACLBindingRuleReadCommand() *cobra.Command {
	var opts aclBindingRuleOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Show a binding rule",
		Long:    "Prints a binding rule.",
		Example: "praetor acl binding-rule read -id=5a2b",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLBindingRuleRead(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.registerID(cmd)
	return cmd
}

func runACLBindingRuleRead(cmd *cobra.Command, opts aclBindingRuleOptions) error {
	if opts.id == "" {
		return misused("Must specify the -id parameter.")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := wholeRuleID(cl, &opts.client, opts.id)
	if err != nil {
		return err
	}
	rule, _, err := cl.ACL().BindingRuleRead(id, opts.client.query())
	switch {
	case err != nil:
		return fail("Error reading binding rule %q: %s", id, err)
	case rule == nil:
		return fail("Binding rule not found with ID %q", id)
	}
	return opts.output.print(cmd, rule, opts.output.bindingRule(rule))
}

func newACLBindingRuleDeleteCommand() *cobra.Command {
	var opts aclBindingRuleOptions
	cmd := &cobra.Command{
		Use:     "delete [options]",
		Short:   "Delete a binding rule",
		Long:    "Deletes a binding rule. Tokens that were made by it stay as they are.",
		Example: "praetor acl binding-rule delete -id=5a2b",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLBindingRuleDelete(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.registerID(cmd)
	return cmd
}

func runACLBindingRuleDelete(cmd *cobra.Command, opts aclBindingRuleOptions) error {
	if opts.id == "" {
		return misused("Must specify the -id parameter")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := wholeRuleID(cl, &opts.client, opts.id)
	if err != nil {
		return err
	}
	if _, err := cl.ACL().BindingRuleDelete(id, nil); err != nil {
		return fail("Error deleting binding rule %q: %s", id, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Binding rule %q deleted successfully\n", id)
	return nil
}

func newACLBindingRuleListCommand() *cobra.Command {
	var opts aclBindingRuleOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List binding rules",
		Long:    "Lists binding rules, all or those of an auth method.",
		Example: "praetor acl binding-rule list -method=ci",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLBindingRuleList(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.method, "method", "", "Only rules of this auth method.")
	return cmd
}

func runACLBindingRuleList(cmd *cobra.Command, opts aclBindingRuleOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().BindingRuleList(opts.method, opts.client.query())
	if err != nil {
		return fail("Failed to retrieve the binding rule list: %s", err)
	}
	return opts.output.print(cmd, all, opts.output.bindingRuleList(all))
}
