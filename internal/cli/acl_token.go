package cli

import (
	"fmt"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/acl"
)

func newACLTokenCommand() *cobra.Command {
	return newGroup("token", "Manage the tokens that requests bring",
		`A token's secret is what requests bring; its accessor ID is what it is spoken of by.

  praetor acl token create -policy-name=app -description="the app"
  praetor acl token list
  praetor acl token delete -accessor-id=986193b5`,
		newACLTokenCloneCommand(), newACLTokenCreateCommand(), newACLTokenDeleteCommand(), newACLTokenListCommand(), newACLTokenReadCommand(), newACLTokenUpdateCommand())
}

// accessor is the flag that names a token, and its older form.
type accessor struct{ id, old string }

func (a *accessor) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.id, "accessor-id", "", "Accessor ID of the token, or its beginning if no other one begins so; \"anonymous\" is the token of those who bring none.")
	cmd.Flags().StringVar(&a.old, "id", "", "Deprecated: use -accessor-id.")
}

// given is what was typed; refusal is what to say if nothing was.
func (a *accessor) given(cmd *cobra.Command, refusal string) (string, error) {
	switch {
	case a.id != "":
		return a.id, nil
	case a.old != "":
		fmt.Fprintln(cmd.ErrOrStderr(), "Use the -accessor-id parameter to specify token by Accessor ID")
		return a.old, nil
	}
	return "", fail("%s", refusal)
}

const (
	readsNoToken   = "Must specify the -accessor-id parameter"
	updatesNoToken = "Cannot update a token without specifying the -accessor-id parameter"
)

// wholeAccessor finds a token by the beginning of its accessor.
func wholeAccessor(cl *api.Client, c *client, partial string) (string, error) {
	if partial == "anonymous" {
		return acl.AnonymousAccessor, nil
	}
	id, err := wholeID(partial, func() (ids []string, err error) {
		list, _, err := cl.ACL().TokenList(c.query())
		for _, t := range list {
			ids = append(ids, t.AccessorID)
		}
		return ids, err
	}, "No such token ID with prefix: %s", "Partial token ID is not unique")
	if err != nil {
		return "", fail("Error determining token ID: %s", err)
	}
	return id, nil
}

type aclTokenCreateOptions struct {
	client      client
	output      aclOutput
	accessor    string
	secret      string
	description string
	local       bool
	ttl         time.Duration
	grants      grantFlags
	variables   list
}

func newACLTokenCreateCommand() *cobra.Command {
	var opts aclTokenCreateOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create a token",
		Long:  "Makes a token with policies, roles and identities, and prints it with its secret.",
		Example: `praetor acl token create -description="the app" -policy-name=app -role-name=readers
praetor acl token create -service-identity=web:dc1 -expires-ttl=24h
praetor acl token create -templated-policy=builtin/node -var=name:n1`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLTokenCreate(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.accessor, "accessor", "", "Accessor ID to give it, a UUID; chosen by the servers if there is none.")
	fs.StringVar(&opts.secret, "secret", "", "Secret to give it, a UUID; chosen by the servers if there is none.")
	fs.StringVar(&opts.description, "description", "", "What the token is for.")
	fs.BoolVar(&opts.local, "local", false, "The token counts in this datacenter only.")
	fs.DurationVar(&opts.ttl, "expires-ttl", 0, "How long it counts, such as 24h; for ever if there is none.")
	opts.grants.register(cmd, "", "to give it")
	opts.grants.registerRoles(cmd, "", "to give it")
	opts.grants.templates.register(cmd, "", "to give it")
	registerVariables(cmd, &opts.variables)
	return cmd
}

func runACLTokenCreate(cmd *cobra.Command, opts aclTokenCreateOptions) error {
	if opts.grants.isEmpty() {
		return fail("Cannot create a token without specifying -policy-name, -policy-id, -role-name, -role-id, -service-identity, -node-identity, -templated-policy, or -templated-policy-file at least once")
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
	token := &api.ACLToken{AccessorID: opts.accessor, SecretID: opts.secret, Description: opts.description, Local: opts.local, ExpirationTTL: opts.ttl}
	has.giveToken(token)
	if token, _, err = cl.ACL().TokenCreate(token, nil); err != nil {
		return fail("Failed to create new token: %s", err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

func (g *grants) giveToken(t *api.ACLToken) {
	t.Policies, t.Roles, t.ServiceIdentities, t.NodeIdentities, t.TemplatedPolicies = g.policies, g.roles, g.services, g.nodes, g.templates
}

type aclTokenCloneOptions struct {
	client      client
	output      aclOutput
	token       accessor
	description string
}

func newACLTokenCloneCommand() *cobra.Command {
	var opts aclTokenCloneOptions
	cmd := &cobra.Command{
		Use:     "clone [options]",
		Short:   "Create a token like another",
		Long:    "Makes a token with all that another has, but for accessor and secret.",
		Example: `praetor acl token clone -accessor-id=986193b5 -description="the second app"`,
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLTokenClone(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.token.register(cmd)
	cmd.Flags().StringVar(&opts.description, "description", "", "What the new token is for; that of the other if there is none.")
	return cmd
}

func runACLTokenClone(cmd *cobra.Command, opts aclTokenCloneOptions) error {
	partial, err := opts.token.given(cmd, updatesNoToken)
	if err != nil {
		return err
	}
	if err := opts.output.check(); err != nil {
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
	token, _, err := cl.ACL().TokenClone(id, opts.description, nil)
	if err != nil {
		return fail("Error cloning token: %s", err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

type aclTokenReadOptions struct {
	client         client
	output         aclOutput
	token          accessor
	self, expanded bool
}

func newACLTokenReadCommand() *cobra.Command {
	var opts aclTokenReadOptions
	cmd := &cobra.Command{
		Use:   "read [options]",
		Short: "Show a token",
		Long: `Prints a token: its secret only to those who may write access rules. What a token
may do, and why, says praetor acl explain.`,
		Example: `praetor acl token read -accessor-id=986193b5 -expanded
praetor acl token read -self`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLTokenRead(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	opts.token.register(cmd)
	cmd.Flags().BoolVar(&opts.self, "self", false, "Show the token that this request brings.")
	cmd.Flags().BoolVar(&opts.expanded, "expanded", false, "Show the rules of all that the token has too.")
	return cmd
}

func runACLTokenRead(cmd *cobra.Command, opts aclTokenReadOptions) error {
	if opts.self {
		return readOwnToken(cmd, opts)
	}
	partial, err := opts.token.given(cmd, readsNoToken)
	if err != nil {
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
	if opts.expanded {
		token, _, err := cl.ACL().TokenReadExpanded(id, opts.client.query())
		if err != nil {
			return fail("Error reading token %q: %s", id, err)
		}
		return opts.output.print(cmd, token, opts.output.expandedToken(token))
	}
	token, _, err := cl.ACL().TokenRead(id, opts.client.query())
	if err != nil {
		return fail("Error reading token %q: %s", id, err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

func readOwnToken(cmd *cobra.Command, opts aclTokenReadOptions) error {
	if opts.expanded {
		return fail("Cannot use both -expanded and -self. Instead, use -expanded and -accessor-id=<accessor id>.")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	token, _, err := cl.ACL().TokenReadSelf(opts.client.query())
	if err != nil {
		return fail("Error reading token: %s", err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

func newACLTokenDeleteCommand() *cobra.Command {
	var (
		c     client
		token accessor
	)
	cmd := &cobra.Command{
		Use:     "delete [options]",
		Short:   "Delete a token",
		Long:    "Deletes a token: requests that bring its secret are refused from then on.",
		Example: "praetor acl token delete -accessor-id=986193b5-e2b5-eb26-6264-b524ea60cc6d",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLTokenDelete(cmd, c, token) },
	}
	registerACL(cmd, &c)
	token.register(cmd)
	return cmd
}

func runACLTokenDelete(cmd *cobra.Command, c client, token accessor) error {
	partial, err := token.given(cmd, readsNoToken)
	if err != nil {
		return err
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	id, err := wholeAccessor(cl, &c, partial)
	if err != nil {
		return err
	}
	if _, err := cl.ACL().TokenDelete(id, nil); err != nil {
		return fail("Error deleting token %q: %s", id, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Token %q deleted successfully\n", id)
	return nil
}

func newACLTokenListCommand() *cobra.Command {
	var (
		c      client
		output aclOutput
	)
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List tokens",
		Long:    "Lists all tokens: their secrets only to those who may write access rules.",
		Example: "praetor acl token list\npraetor acl token list -format=json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLTokenList(cmd, c, output) },
	}
	registerACL(cmd, &c)
	output.register(cmd)
	return cmd
}

func runACLTokenList(cmd *cobra.Command, c client, output aclOutput) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().TokenList(c.query())
	if err != nil {
		return fail("Failed to retrieve the token list: %s", err)
	}
	return output.print(cmd, all, output.tokens(all))
}
