package cli

import (
	"bufio"
	"encoding/json"

	"github.com/spf13/cobra"

	"praetor/catalog"
	"praetor/internal/consulstate"
)

func newSnapshotDecodeCommand() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:   "decode FILE",
		Short: "Decodes the raft snapshot file",
		Long: `Prints every record of a snapshot as a line of JSON: {"Data": …, "Type": …}. It
needs no server.`,
		Example: "praetor snapshot decode backup.snap",
		RunE:    func(cmd *cobra.Command, args []string) error { return runSnapshotDecode(cmd, args, identity) },
	}
	identityFlag(cmd, &identity)
	return cmd
}

// decodedRecord is one line of the output.
type decodedRecord struct {
	Data any
	Type string
}

// runSnapshotDecode reads the file twice: nothing is printed of a damaged one.
func runSnapshotDecode(cmd *cobra.Command, args []string, identity string) error {
	path, err := oneFile(args)
	if err != nil {
		return err
	}
	meta, err := readSnapshot(path, identity, consulstate.PassOver)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	lines := json.NewEncoder(out)
	if err := lines.Encode(decodedRecord{meta, "SnapshotHeader"}); err != nil {
		return err
	}
	if _, err := readSnapshot(path, identity, func(r catalog.Record) error {
		data, err := r.JSON()
		if err != nil {
			return err
		}
		return lines.Encode(decodedRecord{json.RawMessage(data), r.Type})
	}); err != nil {
		return err
	}
	return out.Flush()
}
