package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newACLAuthMethodCommand() *cobra.Command {
	return newGroup("auth-method", "Manage the ways to log in from outside",
		`An auth method says whose word counts for who somebody is: an issuer of JWTs, or a
Kubernetes cluster. Binding rules say what a login then may do.

  praetor acl auth-method create -type=jwt -name=ci -config=@ci.json
  praetor acl auth-method list`,
		newACLAuthMethodCreateCommand(), newACLAuthMethodDeleteCommand(), newACLAuthMethodListCommand(), newACLAuthMethodReadCommand(), newACLAuthMethodUpdateCommand())
}

type aclAuthMethodOptions struct {
	client      client
	output      aclOutput
	kind        string // -type
	name        string
	displayName string
	description string
	ttl         time.Duration
	locality    string
	config      string
	kubernetes  struct{ host, caCert, jwt string }
	noMerge     bool
}

// typeKubernetes is the type of methods that have flags of their own.
const typeKubernetes = "kubernetes"

func (o *aclAuthMethodOptions) register(cmd *cobra.Command) {
	registerACL(cmd, &o.client)
	o.output.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.name, "name", "", "Name of the auth method.")
	fs.StringVar(&o.displayName, "display-name", "", "Name to show to people.")
	fs.StringVar(&o.description, "description", "", "What the method is for.")
	fs.DurationVar(&o.ttl, "max-token-ttl", 0, "How long tokens of this method count, such as 1h; for ever if there is none.")
	fs.StringVar(&o.locality, "token-locality", "", "Where its tokens count: local (this datacenter, the default) or global.")
	fs.StringVar(&o.config, "config", "", "The method's configuration as JSON; @FILE for a file, - for stdin.")
	fs.StringVar(&o.kubernetes.host, "kubernetes-host", "", "With type kubernetes: address of the Kubernetes API, host:port or a URL.")
	fs.StringVar(&o.kubernetes.caCert, "kubernetes-ca-cert", "", "With type kubernetes: certificate of its authority as PEM; @FILE for a file, - for stdin.")
	fs.StringVar(&o.kubernetes.jwt, "kubernetes-service-account-jwt", "", "With type kubernetes: JWT of an account that may review tokens.")
}

// apply writes what was given into a method.
func (o *aclAuthMethodOptions) apply(cmd *cobra.Command, m *api.ACLAuthMethod) error {
	given := cmd.Flags().Changed
	for _, field := range []struct {
		flag string
		set  func()
	}{
		{"display-name", func() { m.DisplayName = o.displayName }},
		{"description", func() { m.Description = o.description }},
		{"max-token-ttl", func() { m.MaxTokenTTL = o.ttl }},
		{"token-locality", func() { m.TokenLocality = o.locality }},
	} {
		if given(field.flag) {
			field.set()
		}
	}
	if o.config != "" {
		text, err := readData(cmd, o.config)
		if err != nil {
			return fail("Error loading configuration file: %s", err)
		}
		m.Config = nil
		if err := json.Unmarshal(text, &m.Config); err != nil {
			return fail("Error parsing JSON configuration file: %s", err)
		}
	}
	caCert, err := readData(cmd, o.kubernetes.caCert)
	if err != nil {
		return fail("Error loading Kubernetes CA certificate: %s", err)
	}
	if m.Config = maps.Clone(m.Config); m.Config == nil {
		m.Config = map[string]any{}
	}
	for _, member := range []struct{ flag, key, value string }{
		{"kubernetes-host", "Host", o.kubernetes.host},
		{"kubernetes-ca-cert", "CACert", string(caCert)},
		{"kubernetes-service-account-jwt", "ServiceAccountJWT", o.kubernetes.jwt},
	} {
		if given(member.flag) {
			m.Config[member.key] = member.value
		}
	}
	return nil
}

// checkKubernetes refuses a whole Kubernetes method without what it needs.
func (o *aclAuthMethodOptions) checkKubernetes(kind string) error {
	if kind != typeKubernetes || o.config != "" {
		return nil
	}
	for _, flag := range []struct{ name, value string }{
		{"kubernetes-host", o.kubernetes.host}, {"kubernetes-ca-cert", o.kubernetes.caCert}, {"kubernetes-service-account-jwt", o.kubernetes.jwt},
	} {
		if flag.value == "" {
			return misused("Missing required '-%s' flag", flag.name)
		}
	}
	return nil
}

func (o *aclAuthMethodOptions) print(cmd *cobra.Command, m *api.ACLAuthMethod) error {
	text, err := o.output.authMethod(m)
	if err != nil {
		return err
	}
	return o.output.print(cmd, m, text)
}

func newACLAuthMethodCreateCommand() *cobra.Command {
	var opts aclAuthMethodOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create an auth method",
		Long:  "Makes an auth method of the type jwt, kubernetes or aws-iam.",
		Example: `praetor acl auth-method create -type=jwt -name=ci -max-token-ttl=1h -config=@ci.json
praetor acl auth-method create -type=kubernetes -name=k8s -kubernetes-host=https://10.0.0.1:6443 \
    -kubernetes-ca-cert=@ca.pem -kubernetes-service-account-jwt=eyJ...`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLAuthMethodCreate(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().StringVar(&opts.kind, "type", "", "Type of the method: jwt, kubernetes or aws-iam.")
	return cmd
}

func runACLAuthMethodCreate(cmd *cobra.Command, opts aclAuthMethodOptions) error {
	switch {
	case opts.kind == "":
		return missingFlag(cmd, "type")
	case opts.name == "":
		return missingFlag(cmd, "name")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	if err := opts.checkKubernetes(opts.kind); err != nil {
		return err
	}
	method := &api.ACLAuthMethod{Type: opts.kind, Name: opts.name}
	if err := opts.apply(cmd, method); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if method, _, err = cl.ACL().AuthMethodCreate(method, nil); err != nil {
		return fail("Failed to create new auth method: %s", err)
	}
	return opts.print(cmd, method)
}

func newACLAuthMethodUpdateCommand() *cobra.Command {
	var opts aclAuthMethodOptions
	cmd := &cobra.Command{
		Use:   "update [options]",
		Short: "Change an auth method",
		Long: `Changes what is given and keeps the rest; with -no-merge what is not given is
emptied. A method keeps its type.`,
		Example: "praetor acl auth-method update -name=ci -max-token-ttl=30m",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLAuthMethodUpdate(cmd, opts) },
	}
	opts.register(cmd)
	cmd.Flags().BoolVar(&opts.noMerge, "no-merge", false, "Empty what is not given.")
	return cmd
}

func runACLAuthMethodUpdate(cmd *cobra.Command, opts aclAuthMethodOptions) error {
	if opts.name == "" {
		return fail("Cannot update an auth method without specifying the -name parameter")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	method, _, err := cl.ACL().AuthMethodRead(opts.name, opts.client.query())
	switch {
	case err != nil:
		return fail("Error when retrieving current auth method: %s", err)
	case method == nil:
		return fail("Auth method not found with name %q", opts.name)
	}
	if opts.noMerge {
		if err := opts.checkKubernetes(method.Type); err != nil {
			return err
		}
		method = &api.ACLAuthMethod{Name: opts.name, Type: method.Type}
	}
	if err := opts.apply(cmd, method); err != nil {
		return err
	}
	if method, _, err = cl.ACL().AuthMethodUpdate(method, nil); err != nil {
		return fail("Error updating auth method %q: %s", opts.name, err)
	}
	return opts.print(cmd, method)
}

func newACLAuthMethodReadCommand() *cobra.Command {
	var opts aclAuthMethodOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Show an auth method",
		Long:    "Prints an auth method with its configuration.",
		Example: "praetor acl auth-method read -name=ci",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLAuthMethodRead(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.name, "name", "", "Name of the auth method.")
	return cmd
}

// noMethodName refuses a command line without the name of a method.
const noMethodName = "Must specify the -name parameter"

func runACLAuthMethodRead(cmd *cobra.Command, opts aclAuthMethodOptions) error {
	if opts.name == "" {
		return fail(noMethodName)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	method, _, err := cl.ACL().AuthMethodRead(opts.name, opts.client.query())
	switch {
	case err != nil:
		return fail("Error reading auth method %q: %s", opts.name, err)
	case method == nil:
		return fail("Auth method not found with name %q", opts.name)
	}
	return opts.print(cmd, method)
}

func newACLAuthMethodDeleteCommand() *cobra.Command {
	var opts aclAuthMethodOptions
	cmd := &cobra.Command{
		Use:     "delete [options]",
		Short:   "Delete an auth method",
		Long:    "Deletes an auth method, with its binding rules and all tokens that it made.",
		Example: "praetor acl auth-method delete -name=ci",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLAuthMethodDelete(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	cmd.Flags().StringVar(&opts.name, "name", "", "Name of the auth method.")
	return cmd
}

func runACLAuthMethodDelete(cmd *cobra.Command, opts aclAuthMethodOptions) error {
	if opts.name == "" {
		return fail(noMethodName)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	if _, err := cl.ACL().AuthMethodDelete(opts.name, nil); err != nil {
		return fail("Error deleting auth method %q: %s", opts.name, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Auth method %q deleted successfully\n", opts.name)
	return nil
}

func newACLAuthMethodListCommand() *cobra.Command {
	var opts aclAuthMethodOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List auth methods",
		Long:    "Lists all auth methods of a datacenter.",
		Example: "praetor acl auth-method list",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLAuthMethodList(cmd, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	return cmd
}

func runACLAuthMethodList(cmd *cobra.Command, opts aclAuthMethodOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	all, _, err := cl.ACL().AuthMethodList(opts.client.query())
	if err != nil {
		return fail("Failed to retrieve the auth method list: %s", err)
	}
	return opts.output.print(cmd, all, opts.output.authMethodList(all))
}
