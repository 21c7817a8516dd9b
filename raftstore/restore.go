package raftstore

import (
	"context"
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// Restore replaces the machine's state, on every server, by a snapshot of size
// bytes that was taken at index. When it returns nil the snapshot is on a
// quorum's disks and applied here. The log goes on behind both index and its
// own end, so that no server takes an old entry for a new one. state must be
// what Machine.Restore accepts: raft ends the process when it does not.
//
// Writes under way fail, with a text that says why. An error with ErrUncertain
// in its chain means that the restore may have been done, or may yet be. It takes
// no context: it cannot be given up half way.
func (s *Store) Restore(index uint64, size int64, state io.Reader) error {
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Index: index, Size: size}
	// raft's call takes no context and must not be left with a reader of the caller's.
	return translate(s.calls.do(context.Background(), func() error {
		return s.folder.logs.plainly(func() error { return s.raft.Restore(meta, state, 0) })
	}))
}

// closeGap empties a log whose entries all are older than the newest snapshot: a
// restore or an installed snapshot was kept, and the process ended before the
// entries went. The next entry would not follow them.
func closeGap(logs raft.LogStore, snapshots raft.SnapshotStore) error {
	list, err := snapshots.List()
	if err != nil || len(list) == 0 {
		return err
	}
	first, err := logs.FirstIndex()
	if err != nil {
		return err
	}
	last, err := logs.LastIndex()
	if err != nil || last == 0 || last >= list[0].Index {
		return err
	}
	if err := logs.DeleteRange(first, last); err != nil {
		return fmt.Errorf("remove entries that a snapshot at %d replaced: %w", list[0].Index, err)
	}
	return nil
}
