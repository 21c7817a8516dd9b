package raftstore

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// fsm shows a Machine to raft.
type fsm struct {
	machine Machine
	found   uint64          // the last index of the log when this server started
	halted  func(error)     // told once, of the error in halt; nil while recovering
	applied func(*raft.Log) // told of the last entry of each batch; nil while recovering
	log     *unsyncedLog    // what the machine gets is synced there first; nil while recovering
	closing chan struct{}
	done    atomic.Uint64 // the last entry that the machine has, of those it was given

	halt error // of the machine: it gets nothing more. Only raft's goroutine uses it
}

func newFSM(machine Machine, found uint64) *fsm {
	return &fsm{machine: machine, found: found, closing: make(chan struct{})}
}

// release lets raft's goroutine go on that a halted machine holds up. Raft is
// shutting down.
func (f *fsm) release() { close(f.closing) }

// ApplyBatch hands a batch's commands to the machine in one call. A
// configuration entry gets no result.
func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	entries := make([]Entry, 0, len(logs))
	for _, l := range logs {
		if l.Type == raft.LogCommand {
			entries = append(entries, Entry{Index: l.Index, Data: l.Data, Age: f.age(l), Time: l.AppendedAt, Note: l.Extensions})
		}
	}
	if f.halt == nil && f.log != nil && !f.log.wait(logs[len(logs)-1].Index, f.closing) {
		f.halt = raft.ErrRaftShutdown
	}
	results := f.apply(entries)
	if f.halt == nil {
		f.done.Store(logs[len(logs)-1].Index)
		if f.applied != nil {
			f.applied(logs[len(logs)-1])
		}
	}
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
	var results []any
	if f.halt == nil {
		results, f.halt = f.machine.Apply(entries)
		if f.halt != nil {
			f.wait()
		}
	}
	if f.halt == nil && len(results) != len(entries) {
		panic(fmt.Sprintf("raftstore: machine gave %d results for %d entries", len(results), len(entries)))
	}
	for len(results) < len(entries) {
		results = append(results, f.halt)
	}
	return results
}

// wait tells of a halt and returns when raft shuts down: raft must not take what
// was not applied for applied, or it would answer barriers and let this server
// read. Recovery gets its error from Snapshot.
func (f *fsm) wait() {
	if f.halted != nil {
		f.halted(f.halt)
		<-f.closing
	}
}

// Apply is used by recovery, entry by entry.
func (f *fsm) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// Snapshot captures the machine. A halted one lacks entries that raft would count
// as contained.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.halt != nil {
		return nil, f.halt
	}
	snap, err := f.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	return persister{snap}, nil
}

// Restore replaces the machine's state.
func (f *fsm) Restore(r io.ReadCloser) error {
	if f.halt != nil {
		return f.halt
	}
	return f.machine.Restore(r)
}

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
