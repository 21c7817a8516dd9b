package cli

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/agent/config"
	"praetor/internal/configentry"
)

func newConfigCommand() *cobra.Command {
	return newGroup("config", "Interact with Consul's Centralized Configurations",
		`Writes, reads, lists and deletes the configuration that the whole cluster
keeps in common, such as the protocol of a service or who may call it.

  praetor config write web.hcl
  praetor config read -kind=service-defaults -name=web
  praetor config list -kind=service-defaults
  praetor config delete -kind=service-defaults -name=web`,
		newConfigDeleteCommand(), newConfigListCommand(), newConfigReadCommand(), newConfigWriteCommand())
}

// registerConfig adds the client flags of the config commands.
func registerConfig(cmd *cobra.Command, c *client) {
	c.register(cmd)
	c.registerServer(cmd)
	c.registerNamespace(cmd)
	c.registerPartition(cmd)
}

// entryName names one entry.
type entryName struct{ kind, name string }

func (n *entryName) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.kind, "kind", "", "The kind of the configuration entry.")
	cmd.Flags().StringVar(&n.name, "name", "", "The name of the configuration entry; mesh, global or default where a kind has but one.")
}

func (n *entryName) check() error {
	switch {
	case n.kind == "":
		return misused("Must specify the -kind parameter")
	case n.name == "":
		return misused("Must specify the -name parameter")
	}
	return nil
}

// onlyIf makes a change depend on the entry's index.
type onlyIf struct {
	cas         bool
	modifyIndex uint64
}

func (o *onlyIf) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.cas, "cas", false, "Do it only if the entry was last changed at -modify-index.")
	cmd.Flags().Uint64Var(&o.modifyIndex, "modify-index", 0, "The ModifyIndex of the entry for -cas; 0 if it must not exist.")
}

// readEntry reads an entry from a file, or from stdin for "-".
func readEntry(cmd *cobra.Command, file string) (configentry.Entry, error) {
	data, err := readFile(cmd, file)
	if err != nil {
		return nil, fail("Failed to load data: %s", err)
	}
	entry, err := config.ParseEntry(string(data))
	if err != nil {
		return nil, fail("Failed to decode config entry input: %s", err)
	}
	return entry, nil
}

// sentEntry is an entry as the client library takes it: what it knows of kinds
// need not be all that is known here.
type sentEntry struct {
	api.ConfigEntry // nil: only these methods are called
	configentry.Entry
}

func (e sentEntry) GetKind() string { return configentry.KindOf(e.Entry) }

// GetName gives kinds that have one entry its name.
func (e sentEntry) GetName() string {
	if e.GetKind() == configentry.KindProxyDefaults {
		return configentry.NameGlobal
	}
	return e.EntryName()
}

func (e sentEntry) MarshalJSON() ([]byte, error) { return configentry.Encode(e.Entry) }

type configWriteOptions struct {
	client client
	onlyIf onlyIf
}

func newConfigWriteCommand() *cobra.Command {
	var opts configWriteOptions
	cmd := &cobra.Command{
		Use:   "write [options] FILE",
		Short: "Create or update a centralized config entry",
		Long:  `Writes the entry that a file in HCL or JSON describes; - reads it from stdin.`,
		Example: `praetor config write web.hcl
praetor config write - < web.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runConfigWrite(cmd, args, opts) },
	}
	registerConfig(cmd, &opts.client)
	opts.onlyIf.register(cmd)
	return cmd
}

func runConfigWrite(cmd *cobra.Command, args []string, opts configWriteOptions) error {
	if len(args) != 1 {
		return misused("Must provide exactly one positional argument to specify the config entry to write")
	}
	entry, err := readEntry(cmd, args[0])
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	sent, done := sentEntry{Entry: entry}, false
	if opts.onlyIf.cas {
		done, _, err = cl.ConfigEntries().CAS(sent, opts.onlyIf.modifyIndex, nil)
	} else {
		done, _, err = cl.ConfigEntries().Set(sent, nil)
	}
	if err != nil {
		return fail("Error writing config entry %s/%s: %s", sent.GetKind(), sent.GetName(), err)
	}
	if !done {
		return fail("Config entry not updated: %s/%s", sent.GetKind(), sent.GetName())
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Config entry written: %s/%s\n", sent.GetKind(), sent.GetName())
	if configentry.PermitsPlaintext(entry) {
		fmt.Fprintln(cmd.ErrOrStderr(), plaintextWarning(entry))
	}
	return nil
}

func plaintextWarning(entry configentry.Entry) string {
	if configentry.KindOf(entry) == configentry.KindMesh {
		return "WARNING: AllowEnablingPermissiveMutualTLS=true allows insecure MutualTLSMode=permissive configurations in the proxy-defaults " +
			"and service-defaults config entries. You can set AllowEnablingPermissiveMutualTLS=false at any time to disallow additional permissive " +
			"configurations. To list services in permissive mode, run `consul config list -kind service-defaults -filter 'MutualTLSMode = \"permissive\"'`."
	}
	return "WARNING: MutualTLSMode=permissive lets services be reached without mutual TLS. Use it only while services move into the mesh."
}

type configReadOptions struct {
	client client
	entry  entryName
}

func newConfigReadCommand() *cobra.Command {
	var opts configReadOptions
	cmd := &cobra.Command{
		Use:     "read [options]",
		Short:   "Read a centralized config entry",
		Long:    `Prints an entry as JSON.`,
		Example: "praetor config read -kind=service-defaults -name=web",
		RunE:    func(cmd *cobra.Command, args []string) error { return runConfigRead(cmd, opts) },
	}
	registerConfig(cmd, &opts.client)
	opts.entry.register(cmd)
	return cmd
}

func runConfigRead(cmd *cobra.Command, opts configReadOptions) error {
	if err := opts.entry.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	kind, name := opts.entry.kind, opts.entry.name
	entry, _, err := cl.ConfigEntries().Get(kind, name, opts.client.query())
	if err != nil {
		return fail("Error reading config entry %s/%s: %s", kind, name, err)
	}
	text, err := json.MarshalIndent(entry, "", "    ")
	if err != nil {
		return fail("Failed to encode output data: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(text))
	return nil
}

type configListOptions struct {
	client client
	kind   string
	filter string
	output outputFormat
}

func newConfigListCommand() *cobra.Command {
	var opts configListOptions
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List centralized config entries of a given kind",
		Long:    `Prints the names of the entries of a kind.`,
		Example: "praetor config list -kind=service-defaults",
		RunE:    func(cmd *cobra.Command, args []string) error { return runConfigList(cmd, opts) },
	}
	registerConfig(cmd, &opts.client)
	opts.output.register(cmd)
	cmd.Flags().StringVar(&opts.kind, "kind", "", "The kind of the configuration entries.")
	cmd.Flags().StringVar(&opts.filter, "filter", "", "An expression that entries must match.")
	return cmd
}

func runConfigList(cmd *cobra.Command, opts configListOptions) error {
	if opts.kind == "" {
		return misused("Must specify the -kind parameter")
	}
	if err := opts.output.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	q := opts.client.query()
	q.Filter = opts.filter
	entries, _, err := cl.ConfigEntries().List(opts.kind, q)
	if err != nil {
		return fail("Error listing config entries for kind %q: %s", opts.kind, err)
	}
	return printList(cmd, &opts.output, entries, func() {
		for _, e := range entries {
			fmt.Fprintln(cmd.OutOrStdout(), e.GetName())
		}
	})
}

type configDeleteOptions struct {
	client client
	entry  entryName
	file   string
	onlyIf onlyIf
}

func newConfigDeleteCommand() *cobra.Command {
	var opts configDeleteOptions
	cmd := &cobra.Command{
		Use:   "delete [options]",
		Short: "Delete a centralized config entry",
		Long:  `Deletes an entry, by kind and name or as a file names it.`,
		Example: `praetor config delete -kind=service-defaults -name=web
praetor config delete -filename=web.hcl`,
		RunE: func(cmd *cobra.Command, args []string) error { return runConfigDelete(cmd, opts) },
	}
	registerConfig(cmd, &opts.client)
	opts.entry.register(cmd)
	cmd.Flags().StringVar(&opts.file, "filename", "", "A file that describes the entry, instead of -kind and -name.")
	opts.onlyIf.register(cmd)
	return cmd
}

func runConfigDelete(cmd *cobra.Command, opts configDeleteOptions) error {
	if opts.file != "" {
		if opts.entry != (entryName{}) {
			return fail("-filename can't be used with -kind or -name")
		}
		entry, err := readEntry(cmd, opts.file)
		if err != nil {
			return err
		}
		sent := sentEntry{Entry: entry}
		opts.entry = entryName{sent.GetKind(), sent.GetName()}
	}
	if err := opts.entry.check(); err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	kind, name, done := opts.entry.kind, opts.entry.name, true
	if opts.onlyIf.cas {
		done, _, err = cl.ConfigEntries().DeleteCAS(kind, name, opts.onlyIf.modifyIndex, nil)
	} else {
		_, err = cl.ConfigEntries().Delete(kind, name, nil)
	}
	if err != nil {
		return fail("Error deleting config entry %s/%s: %s", kind, name, err)
	}
	if !done {
		return fail("Config entry not deleted: %s/%s", kind, name)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Config entry deleted: %s/%s\n", kind, name)
	return nil
}
