package raftstore

import (
	"github.com/hashicorp/raft"
	"github.com/hashicorp/raft-wal/types"
)

// readBytes bounds what a server keeps in memory of the log it read when it started, in
// bytes of commands.
const readBytes = 32 << 20

// read holds entries that were read and checked when the log was opened: raft reads all
// that no snapshot has twice more, for the servers it names and to apply it.
type read struct {
	after uint64 // entries up to here are in a snapshot
	bytes int
	logs  []raft.Log // without a gap; the newest, if they are too many
}

// of takes the entries of a segment; those outside its limits were deleted.
func (r *read) of(segment types.SegmentInfo) func(*raft.Log) {
	return func(l *raft.Log) {
		if l.Index > r.after && l.Index >= segment.MinIndex && (segment.MaxIndex == 0 || l.Index <= segment.MaxIndex) {
			r.add(l)
		}
	}
}

func (r *read) add(l *raft.Log) {
	if n := len(r.logs); n > 0 && r.logs[n-1].Index+1 != l.Index {
		r.logs, r.bytes = nil, 0
	}
	r.logs = append(r.logs, *l)
	r.bytes += len(l.Data) + len(l.Extensions)
	for r.bytes > readBytes {
		r.drop(r.logs[0].Index)
	}
}

// get finds an entry, nil if it is not held.
func (r *read) get(index uint64) *raft.Log {
	if r == nil || len(r.logs) == 0 || index < r.logs[0].Index || index > r.logs[len(r.logs)-1].Index {
		return nil
	}
	return &r.logs[index-r.logs[0].Index]
}

// drop forgets the entries up to index.
func (r *read) drop(index uint64) {
	if r == nil {
		return
	}
	for len(r.logs) > 0 && r.logs[0].Index <= index {
		r.bytes -= len(r.logs[0].Data) + len(r.logs[0].Extensions)
		r.logs[0] = raft.Log{}
		r.logs = r.logs[1:]
	}
	if len(r.logs) == 0 {
		r.logs = nil
	}
}
