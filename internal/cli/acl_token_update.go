package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

type aclTokenUpdateOptions struct {
	client      client
	output      aclOutput
	token       accessor
	description string
	set, append grantFlags // what takes the place of what there is, and what is added to it
	variables   list

	mergePolicies, mergeRoles, mergeServices, mergeNodes bool // deprecated
}

func newACLTokenUpdateCommand() *cobra.Command {
	var opts aclTokenUpdateOptions
	cmd := &cobra.Command{
		Use:   "update [options]",
		Short: "Change a token",
		Long: `Changes a token. Policies, roles and templated policies that are given take the
place of those it has, with the -append- flags they are added; not given, they
stay. Service and node identities that are not given again are taken away.`,
		Example: `praetor acl token update -accessor-id=986193b5 -append-policy-name=app
praetor acl token update -accessor-id=986193b5 -role-name=readers -description="reads only"
praetor acl token update -accessor-id=anonymous -policy-name=dns`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLTokenUpdate(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.token.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.description, "description", "", "What the token is for.")
	const alone, beside = "to have instead of those it has", "to have beside those it has"
	opts.set.register(cmd, "", alone)
	opts.set.registerRoles(cmd, "", alone)
	opts.set.templates.register(cmd, "replace-", alone)
	opts.append.register(cmd, "append-", beside)
	opts.append.registerRoles(cmd, "append-", beside)
	opts.append.templates.register(cmd, "append-", beside)
	registerVariables(cmd, &opts.variables)
	fs.BoolVar(&opts.mergePolicies, "merge-policies", false, "Deprecated: use -append-policy-id or -append-policy-name.")
	fs.BoolVar(&opts.mergeRoles, "merge-roles", false, "Deprecated: use -append-role-id or -append-role-name.")
	fs.BoolVar(&opts.mergeServices, "merge-service-identities", false, "Deprecated: use -append-service-identity.")
	fs.BoolVar(&opts.mergeNodes, "merge-node-identities", false, "Deprecated: use -append-node-identity.")
	return cmd
}

// checkPlaces refuses flags of one kind that say both to replace and to add.
func (o *aclTokenUpdateOptions) checkPlaces() error {
	for _, kind := range []struct {
		set, append int
		text        string
	}{
		{len(o.set.ids) + len(o.set.names), len(o.append.ids) + len(o.append.names), "policy-id/policy-name flags with append- variants. " +
			"To set or overwrite existing policies, use -policy-id or -policy-name. To append to existing policies, use -append-policy-id or -append-policy-name."},
		{len(o.set.roleIDs) + len(o.set.roleNames), len(o.append.roleIDs) + len(o.append.roleNames), "role-id/role-name flags with append- variants. " +
			"To set or overwrite existing roles, use -role-id or -role-name. To append to existing roles, use -append-role-id or -append-role-name."},
		{len(o.set.services), len(o.append.services), "service-identity flag with append-service-identity. " +
			"To set or overwrite existing service identities, use -service-identity. To append to existing service identities, use -append-service-identity."},
		{len(o.set.nodes), len(o.append.nodes), "node-identity flag with append-node-identity. " +
			"To set or overwrite existing node identities, use -node-identity. To append to existing node identities, use -append-node-identity."},
	} {
		if kind.set > 0 && kind.append > 0 {
			return fail("Cannot combine the use of %s", kind.text)
		}
	}
	if !o.set.templates.isEmpty() && !o.append.templates.isEmpty() {
		return errBothTemplates
	}
	return nil
}

// adoptMerges turns the deprecated flags into what they are short of: what is given is
// added.
func (o *aclTokenUpdateOptions) adoptMerges(cmd *cobra.Command) {
	for _, merge := range []struct {
		wanted     bool
		flag, used string
		move       func()
	}{
		{o.mergePolicies, "merge-policies", "`append-policy-name` or `append-policy-id`", func() {
			o.append.names, o.append.ids = append(o.append.names, o.set.names...), append(o.append.ids, o.set.ids...)
			o.set.names, o.set.ids = nil, nil
		}},
		{o.mergeRoles, "merge-roles", "`append-role-name` or `append-role-id`", func() {
			o.append.roleNames, o.append.roleIDs = append(o.append.roleNames, o.set.roleNames...), append(o.append.roleIDs, o.set.roleIDs...)
			o.set.roleNames, o.set.roleIDs = nil, nil
		}},
		{o.mergeServices, "merge-service-identities", "`append-service-identity`", func() {
			o.append.services, o.set.services = append(o.append.services, o.set.services...), nil
		}},
		{o.mergeNodes, "merge-node-identities", "`append-node-identity`", func() {
			o.append.nodes, o.set.nodes = append(o.append.nodes, o.set.nodes...), nil
		}},
	} {
		if merge.wanted {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s is deprecated and will be removed in a future Consul version. Use %s instead.\n", merge.flag, merge.used)
			merge.move()
		}
	}
}

func runACLTokenUpdate(cmd *cobra.Command, opts aclTokenUpdateOptions) error {
	partial, err := opts.token.given(cmd, updatesNoToken)
	if err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	opts.adoptMerges(cmd)
	if err := opts.checkPlaces(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	id, err := wholeAccessor(cl, &opts.client, partial)
	if err != nil {
		return err
	}
	set, err := opts.set.resolve(cmd, cl, &opts.client, opts.variables)
	if err != nil {
		return err
	}
	added, err := opts.append.resolve(cmd, cl, &opts.client, opts.variables)
	if err != nil {
		return err
	}
	token, _, err := cl.ACL().TokenRead(id, opts.client.query())
	if err != nil {
		return fail("Error when retrieving current token: %s", err)
	}
	if cmd.Flags().Changed("description") {
		token.Description = opts.description
	}
	has := tokenGrants(token)
	has.policies = placed(has.policies, set.policies, added.policies)
	has.roles = placed(has.roles, set.roles, added.roles)
	has.templates = placed(has.templates, set.templates, added.templates)
	has.services = placedOrGone(has.services, set.services, added.services, opts.mergeServices)
	has.nodes = placedOrGone(has.nodes, set.nodes, added.nodes, opts.mergeNodes)
	has.giveToken(token)
	if token, _, err = cl.ACL().TokenUpdate(token, nil); err != nil {
		return fail("Failed to update token %s: %s", id, err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

// placed is what is set instead of what there is, or that with what is added.
func placed[T any](now, set, added []T) []T {
	if len(set) > 0 {
		return set
	}
	return slices.Concat(now, added)
}

// placedOrGone is placed for what is gone unless it is given again, or kept.
func placedOrGone[T any](now, set, added []T, keep bool) []T {
	if len(added) == 0 && !keep {
		return set
	}
	return placed(now, set, added)
}
