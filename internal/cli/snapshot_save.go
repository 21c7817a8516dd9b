package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/consulstate"
	"praetor/internal/durable"
)

// The forms of a snapshot, as the API names them.
const (
	formatPraetor = "praetor"
	formatConsul  = "consul"
)

type snapshotSaveOptions struct {
	client client
	suffix []string
	format string
}

func newSnapshotSaveCommand() *cobra.Command {
	var opts snapshotSaveOptions
	cmd := &cobra.Command{
		Use:   "save [options] FILE",
		Short: "Saves snapshot of Consul server state",
		Long: `Saves the state of the servers in a file, and reads the file again to see that
it is good. A file that is there already is replaced, once the new one is whole.

With -format=consul the file is one for Consul 1.21 and 1.22: "consul snapshot
inspect" and "consul snapshot restore" read it. What Consul has no place for is
left out and listed on the standard error. Both forms can be restored here.`,
		Example: `praetor snapshot save backup.snap
praetor snapshot save -stale backup.snap
praetor snapshot save -append-filename=version,dc backup.snap
praetor snapshot save -format=consul back-to-consul.snap`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSnapshotSave(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	cmd.Flags().StringSliceVar(&opts.suffix, "append-filename", nil, "What to add to the file's name, before its extension: version, dc, or both.")
	cmd.Flags().StringVar(&opts.format, "format", formatPraetor, "The form of the state: praetor, which holds everything, or consul, which Consul can restore.")
	return cmd
}

func runSnapshotSave(cmd *cobra.Command, args []string, opts snapshotSaveOptions) error {
	path, err := oneFile(args)
	if err != nil {
		return err
	}
	parameters := url.Values{}
	switch opts.format {
	case formatPraetor:
	case formatConsul:
		parameters.Set("format", formatConsul)
	default:
		return fail("Unknown format: %s", opts.format)
	}
	var omitted []string
	opts.client.answered = func(h http.Header) { omitted = h.Values("X-Praetor-Snapshot-Omitted") }
	cl, err := opts.client.openWith(parameters)
	if err != nil {
		return err
	}
	if path, err = opts.rename(cl, path); err != nil {
		return err
	}
	archive, meta, err := cl.Snapshot().Save(opts.client.query())
	if err != nil {
		return fail("Error saving snapshot: %s", err)
	}
	defer archive.Close()
	if err := saveVerified(path, archive); err != nil {
		return err
	}
	for i, what := range omitted {
		if i == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "What Consul will not have of this state:")
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "  * %s\n", what)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Saved and verified snapshot to index %d\n", meta.LastIndex)
	return nil
}

// rename puts what -append-filename asks for into a file's name.
func (o *snapshotSaveOptions) rename(cl *api.Client, path string) (string, error) {
	ext := filepath.Ext(path)
	name := strings.TrimSuffix(path, ext)
	if slices.Contains(o.suffix, "version") {
		state, err := cl.Operator().AutopilotState(o.client.query())
		if err != nil {
			return "", fail("Error getting the leader's version: %s", err)
		}
		name += "-" + state.Servers[state.Leader].Version
	}
	if slices.Contains(o.suffix, "dc") {
		dc := o.client.datacenter
		if dc == "" {
			self, err := cl.Agent().Self()
			if err != nil {
				return "", fail("Error getting the datacenter: %s", err)
			}
			dc, _ = self["Config"]["Datacenter"].(string)
		}
		name += "-" + dc
	}
	return name + ext, nil
}

// saveVerified writes an archive so that a file called path is good at any moment:
// the old one, or the new one on the disk and read back.
func saveVerified(path string, archive io.Reader) error {
	unverified := path + ".unverified"
	err := durable.Write(unverified, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, archive)
		return err
	})
	if err != nil {
		return fail("Error writing unverified snapshot file: %s", err)
	}
	file, err := os.Open(unverified)
	if err != nil {
		return fail("Error opening snapshot file for verify: %s", err)
	}
	err = consulstate.Verify(file)
	file.Close()
	if err != nil {
		return fail("Error verifying snapshot file: %s", err)
	}
	if err := durable.Move(unverified, path); err != nil {
		return fail("Error renaming %q to %q: %s", unverified, path, err)
	}
	return nil
}
