package cli

import (
	"fmt"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newACLCommand() *cobra.Command {
	return newGroup("acl", "Interact with access rules: tokens, policies and roles",
		`Says who may do what. Rules stand in policies; tokens have policies, alone or
gathered in roles; auth methods and binding rules make tokens of logins.

  praetor acl bootstrap
  praetor acl policy create -name=readers -rules=@readers.hcl
  praetor acl token create -policy-name=readers -description="the dashboard"
  praetor acl explain -accessor-id=986193b5 key:write app/config`,
		newACLAuthMethodCommand(), newACLBindingRuleCommand(), newACLBootstrapCommand(), newACLExplainCommand(),
		newACLPolicyCommand(), newACLRoleCommand(), newACLSetAgentTokenCommand(), newACLTemplatedPolicyCommand(), newACLTokenCommand())
}

// registerACL adds the flags of every command about access rules.
func registerACL(cmd *cobra.Command, c *client) {
	c.register(cmd)
	c.registerServer(cmd)
	c.registerNamespace(cmd)
	c.registerPartition(cmd)
}

// missingFlag refuses a command line without a flag, and shows what there is. The usage
// line names consul whatever we are called: scripts cut the message there.
func missingFlag(cmd *cobra.Command, name string) error {
	usage := strings.Replace(help(cmd), "Usage: "+cmd.Root().Name()+" ", "Usage: consul ", 1)
	return exit{code: exitError, text: strings.TrimSuffix(fmt.Sprintf("Missing required '-%s' flag\n%s", name, usage), "\n")}
}

// aclOutput is how a command prints what it was answered.
type aclOutput struct {
	outputFormat
	meta bool
}

func (o *aclOutput) register(cmd *cobra.Command) {
	o.outputFormat.register(cmd)
	cmd.Flags().BoolVar(&o.meta, "meta", false, "Print hashes and indexes too.")
}

// print prints an answer as JSON, or its text.
func (o *aclOutput) print(cmd *cobra.Command, answer any, text string) error {
	return o.outputFormat.print(cmd, answer, func() {
		if text != "" {
			fmt.Fprintln(cmd.OutOrStdout(), text)
		}
	})
}

// uuidLen is the length of a whole ID: a shorter one is the beginning of one.
const uuidLen = 36

// wholeID finds the one ID that begins so among those that list gives. The errors'
// words are Consul's.
func wholeID(partial string, list func() ([]string, error), none, several string) (string, error) {
	if len(partial) == uuidLen {
		return partial, nil
	}
	ids, err := list()
	if err != nil {
		return "", err
	}
	whole := ""
	for _, id := range ids {
		switch {
		case !strings.HasPrefix(id, partial):
		case whole != "":
			return "", fmt.Errorf("%s", several)
		default:
			whole = id
		}
	}
	if whole == "" || partial == "" {
		return "", fmt.Errorf(none, partial)
	}
	return whole, nil
}

type aclBootstrapOptions struct {
	client client
	output aclOutput
}

func newACLBootstrapCommand() *cobra.Command {
	var opts aclBootstrapOptions
	cmd := &cobra.Command{
		Use:   "bootstrap [options] [FILE]",
		Short: "Make the first management token",
		Long: `Makes the token that may do everything, once for a cluster. FILE holds the secret
it is to have, a UUID; - reads it from stdin. Without it the servers choose one.`,
		Example: "praetor acl bootstrap\nuuidgen | praetor acl bootstrap -",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLBootstrap(cmd, args, opts) },
	}
	registerACL(cmd, &opts.client)
	opts.output.register(cmd)
	return cmd
}

func runACLBootstrap(cmd *cobra.Command, args []string, opts aclBootstrapOptions) error {
	if len(args) > 1 {
		return misused("This command takes up to one argument")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	secret := ""
	if len(args) == 1 {
		data, err := readFile(cmd, args[0])
		if err != nil {
			return fail("Error reading provided token: %s", err)
		}
		secret = strings.TrimSpace(string(data))
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	token, _, err := cl.ACL().BootstrapWithToken(secret)
	if err != nil {
		return fail("Failed ACL bootstrapping: %s", err)
	}
	return opts.output.print(cmd, token, opts.output.token(token))
}

// agentTokens are the tokens that an agent uses itself, by the words of the command
// line.
var agentTokens = map[string]func(*api.Agent, string, *api.WriteOptions) (*api.WriteMeta, error){
	"default":     (*api.Agent).UpdateDefaultACLToken,
	"agent":       (*api.Agent).UpdateAgentACLToken,
	"recovery":    (*api.Agent).UpdateAgentRecoveryACLToken,
	"replication": (*api.Agent).UpdateReplicationACLToken,
	"dns":         (*api.Agent).UpdateDNSToken,

	"config_file_service_registration": (*api.Agent).UpdateConfigFileRegistrationToken,
}

func newACLSetAgentTokenCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "set-agent-token [options] TYPE TOKEN",
		Short: "Give a running agent a token of its own",
		Long: `Tells the agent which secret to use from now on; "" takes the token away. TYPE
says what for:

  default                           requests that bring no token
  agent                             what the agent does by itself
  recovery                          this agent's endpoints when no server answers
  replication                       copying from the primary datacenter
  config_file_service_registration  services in configuration files
  dns                               DNS lookups

TOKEN may be the secret, @FILE, or - for stdin. Agents forget it when they end
unless acl.enable_token_persistence is set.`,
		Example: "praetor acl set-agent-token agent @agent.token\npraetor acl set-agent-token default \"\"",
		RunE:    func(cmd *cobra.Command, args []string) error { return runACLSetAgentToken(cmd, args, c) },
	}
	registerACL(cmd, &c)
	return cmd
}

func runACLSetAgentToken(cmd *cobra.Command, args []string, c client) error {
	switch len(args) {
	case 0:
		return misused("Error! Missing TYPE and TOKEN arguments")
	case 1:
		if agentTokens[args[0]] == nil {
			return fail("Error! MISSING TYPE argument")
		}
		return misused("Error! Missing TOKEN argument")
	case 2:
	default:
		return fail("Error! Too many arguments: expected 2 got %d", len(args))
	}
	secret, err := readData(cmd, args[1])
	if err != nil {
		return fail("Error! %s", err)
	}
	set := agentTokens[args[0]]
	if set == nil {
		return fail("Unknown token type")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	if _, err := set(cl.Agent(), strings.TrimSpace(string(secret)), nil); err != nil {
		return fail("Failed to set ACL token %q: %s", args[0], err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "ACL token %q set successfully\n", args[0])
	return nil
}
