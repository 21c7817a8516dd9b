package cli

import (
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"praetor/catalog"
	"praetor/internal/archive"
	"praetor/internal/backup"
	"praetor/internal/consulstate"
)

func newSnapshotCommand() *cobra.Command {
	return newGroup("snapshot", "Saves, restores and inspects snapshots of Consul server state",
		`Snapshots hold the whole state of a datacenter's servers: the catalog, keys,
sessions and settings. Snapshots saved from Consul can be restored as well, and
save -format=consul writes one for Consul.

  praetor snapshot save backup.snap
  praetor snapshot inspect backup.snap
  praetor snapshot restore backup.snap

"praetor snapshot agent" saves them by itself, again and again.`,
		newSnapshotAgentCommand(), newSnapshotDecodeCommand(), newSnapshotInspectCommand(), newSnapshotRestoreCommand(), newSnapshotSaveCommand())
}

// oneFile returns the one argument of a snapshot command.
func oneFile(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", misused("Missing FILE argument")
	case 1:
		return args[0], nil
	}
	return "", misused("Too many arguments (expected 1, got %d)", len(args))
}

// identityFlag adds the flag of commands that read files which may be encrypted.
func identityFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "identity", "", "File with the private key (AGE-SECRET-KEY-…) of a snapshot that is encrypted.")
}

// readSnapshot reads an archive, which may be encrypted, or a state.bin that has its
// meta.json beside it.
func readSnapshot(path, identity string, each func(catalog.Record) error) (*archive.Meta, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fail("Error opening snapshot file: %s", err)
	}
	defer file.Close()
	var meta *archive.Meta
	if filepath.Base(path) == "state.bin" {
		meta, err = readRaftState(file, each)
	} else {
		var opened io.Reader
		if opened, err = backup.Decrypt(file, identity); err == nil {
			meta, err = consulstate.ReadArchive(opened, each)
		}
	}
	if err != nil {
		return nil, fail("Error reading snapshot: %s", err)
	}
	return meta, nil
}

func readRaftState(file *os.File, each func(catalog.Record) error) (*archive.Meta, error) {
	meta, err := archive.ReadMeta(filepath.Join(filepath.Dir(file.Name()), "meta.json"))
	if err != nil {
		return nil, err
	}
	_, err = consulstate.Records(file, each)
	return meta, err
}
