package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
)

func newConnectCACommand() *cobra.Command {
	return addParseLine(newGroup("ca", "Interact with the Consul Connect Certificate Authority (CA)",
		`Looks at, and changes, how the certificate authority of the mesh signs. Needs
operator:write where ACLs are on.

  praetor connect ca get-config
  praetor connect ca set-config -config-file=ca.json`,
		newConnectCAGetCommand(), newConnectCASetCommand()))
}

type connectCAGetOptions struct {
	client client
}

func newConnectCAGetCommand() *cobra.Command {
	var opts connectCAGetOptions
	cmd := &cobra.Command{
		Use:   "get-config [options]",
		Short: "Display the current Connect Certificate Authority (CA) configuration",
		Long: `Prints the configuration in force as JSON. Keys, tokens and passwords in it are
hidden: what is printed can be changed and given to set-config, which leaves those
that are hidden as they are.`,
		Example: "praetor connect ca get-config",
		RunE:    func(cmd *cobra.Command, args []string) error { return runConnectCAGet(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	return cmd
}

func runConnectCAGet(cmd *cobra.Command, opts connectCAGetOptions) error {
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	config, _, err := cl.Connect().CAGetConfig(opts.client.query())
	if err != nil {
		return fail("Error querying CA configuration: %s", err)
	}
	text, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		return fail("Error formatting CA configuration: %s", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return nil
}

type connectCASetOptions struct {
	client client
	file   string
	force  bool
}

func newConnectCASetCommand() *cobra.Command {
	var opts connectCASetOptions
	cmd := &cobra.Command{
		Use:   "set-config [options]",
		Short: "Modify the current Connect CA configuration",
		Long: `Replaces the whole configuration. Another key, root or provider makes another root
at once; the old one signs it, so that both are trusted while certificates are
renewed.`,
		Example: "praetor connect ca set-config -config-file=ca.json",
		RunE:    func(cmd *cobra.Command, args []string) error { return runConnectCASet(cmd, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	cmd.Flags().StringVar(&opts.file, "config-file", "", "File with the configuration, JSON.")
	cmd.Flags().BoolVar(&opts.force, "force-without-cross-signing", false, "Go on though the old root cannot sign the new one: connections fail until all certificates are renewed.")
	return cmd
}

func runConnectCASet(cmd *cobra.Command, opts connectCASetOptions) error {
	if opts.file == "" {
		return fail("The -config-file flag is required")
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(opts.file)
	if err != nil {
		return fail("Error reading config file: %s", err)
	}
	var config api.CAConfig
	if err := json.Unmarshal(text, &config); err != nil {
		return fail("Error parsing config file: %s", err)
	}
	config.ForceWithoutCrossSigning = config.ForceWithoutCrossSigning || opts.force
	if _, err := cl.Connect().CASetConfig(&config, nil); err != nil {
		return fail("Error setting CA configuration: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Configuration updated!")
	return nil
}
