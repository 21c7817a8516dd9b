package cli

import (
	"fmt"
	"os"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/backup"
)

type snapshotRestoreOptions struct {
	client   client
	identity string
}

func newSnapshotRestoreCommand() *cobra.Command {
	var opts snapshotRestoreOptions
	cmd := &cobra.Command{
		Use:   "restore [options] FILE",
		Short: "Restores snapshot of Consul server state",
		Long: `Replaces the whole state of the servers by that of a snapshot, also one that
was saved from Consul. The servers check all of it first: a damaged file changes
nothing.`,
		Example: `praetor snapshot restore backup.snap
praetor snapshot restore -identity=key.txt consul-1764382000000000000.snap.age`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSnapshotRestore(cmd, args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	identityFlag(cmd, &opts.identity)
	return cmd
}

func runSnapshotRestore(cmd *cobra.Command, args []string, opts snapshotRestoreOptions) error {
	path, err := oneFile(args)
	if err != nil {
		return err
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fail("Error opening snapshot file: %s", err)
	}
	defer file.Close()
	opened, err := backup.Decrypt(file, opts.identity)
	if err != nil {
		return fail("Error reading snapshot: %s", err)
	}
	if err := cl.Snapshot().Restore(&api.WriteOptions{}, opened); err != nil {
		return fail("Error restoring snapshot: %s", err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Restored snapshot")
	return nil
}
