package cli

import (
	"fmt"
	"slices"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newACLRoleCommand() *cobra.Command {
	return newGroup("role", "Manage roles: policies under one name",
		`A role gathers policies and identities, for many tokens to have.

  praetor acl role create -name=readers -policy-name=kv-read -policy-name=dns
  praetor acl role list`,
		newACLRoleCreateCommand(), newACLRoleDeleteCommand(), newACLRoleListCommand(), newACLRoleReadCommand(), newACLRoleUpdateCommand())
}

// wholeRoleID finds a role by the beginning of its ID.
func wholeRoleID(cl *api.Client, c *client, partial string) (string, error) {
	return wholeID(partial, func() (ids []string, err error) {
		list, _, err := cl.ACL().RoleList(c.query())
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return ids, err
	}, "No such role ID with prefix: %s", "Partial role ID is not unique")
}

type aclRoleOptions struct {
	client      client
	output      aclOutput
	named       byIDOrName
	description string
	grants      grantFlags
	replaced    templateFlags // of an update; those added are in grants
	variables   list
	noMerge     bool
}

func (g *grants) giveRole(r *api.ACLRole) {
	r.Policies, r.ServiceIdentities, r.NodeIdentities, r.TemplatedPolicies = g.policies, g.services, g.nodes, g.templates
}

func newACLRoleCreateCommand() *cobra.Command {
	var opts aclRoleOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create a role",
		Long:  "Makes a role with policies and identities.",
		Example: `praetor acl role create -name=readers -policy-name=kv-read
praetor acl role create -name=web -service-identity=web -templated-policy=builtin/dns`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLRoleCreate(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.named.name, "name", "", "Name of the role.")
	cmd.Flags().StringVar(&opts.description, "description", "", "What the role is for.")
	opts.grants.register(cmd, "", "to give it")
	opts.grants.templates.register(cmd, "", "to give it")
	registerVariables(cmd, &opts.variables)
	return cmd
}

func runACLRoleCreate(cmd *cobra.Command, opts aclRoleOptions) error {
	if opts.named.name == "" {
		return missingFlag(cmd, "name")
	}
	if opts.grants.isEmpty() {
		return fail("Cannot create a role without specifying -policy-name, -policy-id, -service-identity, -node-identity, -templated-policy-file or -templated-policy at least once")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	has, err := opts.grants.resolve(cmd, cl, &opts.client, opts.variables)
	if err != nil {
		return err
	}
	role := &api.ACLRole{Name: opts.named.name, Description: opts.description}
	has.giveRole(role)
	if role, _, err = cl.ACL().RoleCreate(role, nil); err != nil {
		return fail("Failed to create new role: %s", err)
	}
	return opts.output.print(cmd, role, opts.output.role(role))
}

func newACLRoleUpdateCommand() *cobra.Command {
	var opts aclRoleOptions
	cmd := &cobra.Command{
		Use:   "update [options]",
		Short: "Change a role",
		Long: `Adds what is given to what the role has; a service identity takes the place of
one with the same name. With -no-merge the role has what is given alone.`,
		Example: `praetor acl role update -id=9c2f -policy-name=dns
praetor acl role update -id=9c2f1c1a-c9d2-4a9e-8c5e-7e8f0b1c2d3e -no-merge -name=readers -policy-name=dns`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLRoleUpdate(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.named.id, "id", "", "ID of the role, or its beginning if no other one begins so; with -no-merge all of it.")
	cmd.Flags().StringVar(&opts.named.name, "name", "", "Its new name.")
	cmd.Flags().StringVar(&opts.description, "description", "", "What the role is for.")
	opts.grants.register(cmd, "", "to give it")
	opts.grants.templates.register(cmd, "append-", "to have beside those it has")
	opts.replaced.register(cmd, "replace-", "to have instead of those it has")
	registerVariables(cmd, &opts.variables)
	cmd.Flags().BoolVar(&opts.noMerge, "no-merge", false, "Take away what is not given.")
	return cmd
}

func runACLRoleUpdate(cmd *cobra.Command, opts aclRoleOptions) error {
	switch {
	case opts.named.id == "":
		return fail("Cannot update a role without specifying the -id parameter")
	case !opts.grants.templates.isEmpty() && !opts.replaced.isEmpty():
		return errBothTemplates
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	role, err := roleToUpdate(cl, &opts)
	if err != nil {
		return err
	}
	added, err := opts.grants.resolve(cmd, cl, &opts.client, opts.variables)
	if err != nil {
		return err
	}
	replaced, err := opts.replaced.resolve(cmd, opts.variables)
	if err != nil {
		return err
	}
	override(&role.Name, opts.named.name)
	if cmd.Flags().Changed("description") {
		role.Description = opts.description
	}
	has := roleGrants(role)
	has.policies = slices.Concat(has.policies, added.policies)
	has.services = slices.DeleteFunc(has.services, func(old *api.ACLServiceIdentity) bool {
		return slices.ContainsFunc(added.services, func(s *api.ACLServiceIdentity) bool { return s.ServiceName == old.ServiceName })
	})
	has.services = slices.Concat(has.services, added.services)
	has.nodes = slices.Concat(has.nodes, added.nodes)
	has.templates = placed(has.templates, replaced, added.templates)
	has.giveRole(role)
	id := role.ID
	if role, _, err = cl.ACL().RoleUpdate(role, nil); err != nil {
		return fail("Error updating role %q: %s", id, err)
	}
	return opts.output.print(cmd, role, opts.output.role(role))
}

// roleToUpdate is the role as it is, or with -no-merge an empty one.
func roleToUpdate(cl *api.Client, opts *aclRoleOptions) (*api.ACLRole, error) {
	if opts.noMerge {
		return &api.ACLRole{ID: opts.named.id}, nil
	}
	id, err := wholeRoleID(cl, &opts.client, opts.named.id)
	if err != nil {
		return nil, fail("Error determining role ID: %s", err)
	}
	role, _, err := cl.ACL().RoleRead(id, opts.client.query())
	switch {
	case err != nil:
		return nil, fail("Error when retrieving current role: %s", err)
	case role == nil:
		return nil, fail("Role not found with ID %q", id)
	}
	return role, nil
}

func newACLRoleReadCommand() *cobra.Command {
	var opts aclRoleOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Show a role",
		Long:    "Prints a role.",
		Example: "praetor acl role read -name=readers\npraetor acl role read -id=9c2f -format=json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLRoleRead(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.named.register(cmd, "role")
	return cmd
}

func runACLRoleRead(cmd *cobra.Command, opts aclRoleOptions) error {
	if err := opts.named.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	role, err := readRole(cl, &opts)
	if err != nil {
		return err
	}
	return opts.output.print(cmd, role, opts.output.role(role))
}

func readRole(cl *api.Client, opts *aclRoleOptions) (*api.ACLRole, error) {
	if opts.named.id == "" {
		role, _, err := cl.ACL().RoleReadByName(opts.named.name, opts.client.query())
		switch {
		case err != nil:
			return nil, fail("Error reading role %q: %s", opts.named.name, err)
		case role == nil:
			return nil, fail("Role not found with name %q", opts.named.name)
		}
		return role, nil
	}
	id, err := wholeRoleID(cl, &opts.client, opts.named.id)
	if err != nil {
		return nil, fail("Error determining role ID: %s", err)
	}
	role, _, err := cl.ACL().RoleRead(id, opts.client.query())
	switch {
	case err != nil:
		return nil, fail("Error reading role %q: %s", id, err)
	case role == nil:
		return nil, fail("Role not found with ID %q", id)
	}
	return role, nil
}

func newACLRoleDeleteCommand() *cobra.Command {
	var opts aclRoleOptions
	cmd := &cobra.Command{
		Use:     "delete [options]",
		Short:   "Delete a role",
		Long:    "Deletes a role. Tokens that have it stay, without it.",
		Example: "praetor acl role delete -name=readers",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLRoleDelete(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.named.register(cmd, "role")
	return cmd
}

func runACLRoleDelete(cmd *cobra.Command, opts aclRoleOptions) error {
	if opts.named.check() != nil {
		return misused("Must specify the -id or -name parameters")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := opts.named.roleID(cl, &opts.client)
	if err != nil {
		return fail("Error determining role ID: %s", err)
	}
	if _, err := cl.ACL().RoleDelete(id, nil); err != nil {
		return fail("Error deleting role %q: %s", id, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Role %q deleted successfully\n", id)
	return nil
}

// roleID is the ID of the role that is named.
func (n *byIDOrName) roleID(cl *api.Client, c *client) (string, error) {
	if n.id != "" {
		return wholeRoleID(cl, c, n.id)
	}
	r, _, err := cl.ACL().RoleReadByName(n.name, c.query())
	if err == nil && r == nil {
		err = fmt.Errorf("No such role with name: %s", n.name)
	}
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

func newACLRoleListCommand() *cobra.Command {
	var opts aclRoleOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List roles",
		Long:    "Lists all roles.",
		Example: "praetor acl role list",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLRoleList(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	return cmd
}

func runACLRoleList(cmd *cobra.Command, opts aclRoleOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().RoleList(opts.client.query())
	if err != nil {
		return fail("Failed to retrieve the role list: %s", err)
	}
	return opts.output.print(cmd, all, opts.output.roleList(all))
}
