package ops

import "praetor/internal/rpc"

var (
	// SnapshotSave answers with an archive of the whole state behind its reply
	// (reference/internals.md §15).
	SnapshotSave = rpc.ReadTransfer[SnapshotSaveRequest, SnapshotSaveReply]("Snapshot.Save")
	// SnapshotRestore replaces the whole state by that of the archive behind the
	// request, or changes nothing.
	SnapshotRestore = rpc.WriteTransfer[SnapshotRestoreRequest, Empty]("Snapshot.Restore")
)

// The forms of a snapshot.
const (
	SnapshotPraetor = "praetor" // lossless; "" is it too
	SnapshotConsul  = "consul"  // what Consul 1.x restores
)

// SnapshotSaveRequest does not block.
type SnapshotSaveRequest struct {
	rpc.ReadOptions
	Format string
}

// SnapshotSaveReply's Index is the snapshot's.
type SnapshotSaveReply struct {
	rpc.ReadMeta
	Format  string   // as asked for; older servers say nothing and know no other than their own
	Omitted []string // what the form has no place for
}

type SnapshotRestoreRequest struct {
	rpc.WriteOptions
}
