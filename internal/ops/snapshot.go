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

// SnapshotSaveRequest does not block.
type SnapshotSaveRequest struct {
	rpc.ReadOptions
}

// SnapshotSaveReply's Index is the snapshot's.
type SnapshotSaveReply struct {
	rpc.ReadMeta
}

type SnapshotRestoreRequest struct {
	rpc.WriteOptions
}
