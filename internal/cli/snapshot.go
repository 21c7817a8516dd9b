package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"praetor/catalog"
	"praetor/internal/archive"
	"praetor/internal/consulstate"
)

func newSnapshotCommand() *cobra.Command {
	return newGroup("snapshot", "Saves, restores and inspects snapshots of Consul server state",
		`Snapshots hold the whole state of a datacenter's servers: the catalog, keys,
sessions and settings. Snapshots saved from Consul can be restored as well.

  praetor snapshot save backup.snap
  praetor snapshot inspect backup.snap
  praetor snapshot restore backup.snap`,
		newSnapshotDecodeCommand(), newSnapshotInspectCommand(), newSnapshotRestoreCommand(), newSnapshotSaveCommand())
}

// oneFile returns the one argument of a snapshot command.
func oneFile(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", fail("Missing FILE argument")
	case 1:
		return args[0], nil
	}
	return "", fail("Too many arguments (expected 1, got %d)", len(args))
}

// readArchive reads a whole archive and passes the records of its state to each as
// they come. They count only if it returns without an error.
func readArchive(r io.Reader, each func(catalog.Record) error) (*archive.Meta, error) {
	state, to := io.Pipe()
	read := make(chan error, 1)
	go func() { // waited for below
		_, err := consulstate.Records(state, each)
		state.CloseWithError(err)
		read <- err
	}()
	meta, err := archive.Read(r, to)
	to.CloseWithError(err)
	if rerr := <-read; err == nil && rerr != nil {
		err = fmt.Errorf("failed to read snapshot file: %w", rerr)
	}
	return meta, err
}

// readSnapshot reads an archive, or a state.bin that has its meta.json beside it.
func readSnapshot(path string, each func(catalog.Record) error) (*archive.Meta, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fail("Error opening snapshot file: %s", err)
	}
	defer file.Close()
	var meta *archive.Meta
	if filepath.Base(path) == "state.bin" {
		meta, err = readRaftState(file, each)
	} else {
		meta, err = readArchive(file, each)
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

// noRecord drops a record: for callers that only check an archive.
func noRecord(catalog.Record) error { return nil }
