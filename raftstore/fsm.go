package raftstore

import (
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// fsm shows a Machine to raft.
type fsm struct {
	machine Machine
	found   uint64 // the last index of the log when this server started
}

// ApplyBatch hands a batch's commands to the machine in one call. A
// configuration entry gets no result.
func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	entries := make([]Entry, 0, len(logs))
	for _, l := range logs {
		if l.Type == raft.LogCommand {
			entries = append(entries, Entry{Index: l.Index, Data: l.Data, Age: f.age(l)})
		}
	}
	results := f.apply(entries)
	if len(entries) == len(logs) {
		return results
	}
	all, next := make([]any, len(logs)), 0
	for i, l := range logs {
		if l.Type == raft.LogCommand {
			all[i] = results[next]
			next++
		}
	}
	return all
}

// age is Entry.Age.
func (f *fsm) age(l *raft.Log) time.Duration {
	if l.Index > f.found || l.AppendedAt.IsZero() {
		return 0
	}
	return max(time.Since(l.AppendedAt), 0)
}

func (f *fsm) apply(entries []Entry) []any {
	if len(entries) == 0 {
		return nil
	}
	results := f.machine.Apply(entries)
	if len(results) != len(entries) {
		panic(fmt.Sprintf("raftstore: machine gave %d results for %d entries", len(results), len(entries)))
	}
	return results
}

// Apply is used by recovery, entry by entry.
func (f *fsm) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// Snapshot captures the machine.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	snap, err := f.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	return persister{snap}, nil
}

// Restore replaces the machine's state.
func (f *fsm) Restore(r io.ReadCloser) error { return f.machine.Restore(r) }

// persister writes a Snapshot to raft's snapshot store.
type persister struct {
	snap Snapshot
}

// Persist writes all, or leaves no snapshot.
func (p persister) Persist(sink raft.SnapshotSink) error {
	if own, ok := sink.(*snapshotSink); ok {
		own.ours = true
	}
	if err := p.snap.Write(sink); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("write snapshot %s: %w", sink.ID(), err)
	}
	return sink.Close()
}

// Release has nothing to give back: a Snapshot is immutable memory.
func (p persister) Release() {}

var _ raft.BatchingFSM = (*fsm)(nil)
