package raftstore

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// notedLog keeps the note of a log, and stops the server when an entry that the
// log should hold cannot be read.
type notedLog struct {
	closableLog
	path string
	note *note

	failed atomic.Bool // the last entries could not be written

	mu     sync.Mutex
	report func(error) // nil: not running, GetLog just fails
}

// isMonotonic reports whether a log takes no gaps.
func isMonotonic(l raft.LogStore) bool {
	m, ok := l.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// IsMonotonic answers for the log below.
func (l *notedLog) IsMonotonic() bool { return isMonotonic(l.closableLog) }

// GetLog reads one entry. It does not return when the entry is damaged and raft
// is about to apply it: raft would end the process with a stack. The goroutine
// ends, raft waits for it as for any, and whoever is told closes the Store.
func (l *notedLog) GetLog(index uint64, out *raft.Log) error {
	err := l.find(index, out)
	if err == nil || errors.Is(err, wal.ErrClosed) || errors.Is(err, raft.ErrLogNotFound) {
		return err
	}
	l.mu.Lock()
	report := l.report
	l.mu.Unlock()
	err = damaged(l.path, "index %d: %w", index, err)
	if report == nil {
		return err
	}
	report(err)
	if applying() {
		runtime.Goexit()
	}
	return err
}

// errMissing reports an entry that is not there though those around it are.
var errMissing = errors.New(raft.ErrLogNotFound.Error())

// reads is how often an entry is looked for that should be there. Another goroutine may
// take the end of the log, or all of it, and write it anew, between a look for the entry
// and those for the ends of the log.
const reads = 3

// find reads one entry. It returns raft.ErrLogNotFound for one that the log need not
// hold, and errMissing for one that it should.
func (l *notedLog) find(index uint64, out *raft.Log) error {
	for range reads {
		err := l.closableLog.GetLog(index, out)
		if !errors.Is(err, raft.ErrLogNotFound) || !l.IsMonotonic() { // another log may have a gap that a snapshot covers
			return err
		}
		// In this order: a log that was empty and has entries by now is not taken for one
		// that begins at 0.
		last, lerr := l.LastIndex()
		first, ferr := l.FirstIndex()
		if ferr != nil || lerr != nil || first == 0 || index < first || index > last {
			return err
		}
	}
	return errMissing
}

// applying reports whether raft asks for an entry to apply it: then, and only
// then, an error makes it panic. Raft's other goroutines take the error: one that
// sends to a follower has to, or the one that reads the answers waits for ever.
func applying() bool {
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*Raft).processLogs") {
			return true
		}
		if !more {
			return false
		}
	}
}

// watch sets the function that damage is reported to.
func (l *notedLog) watch(report func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report = report
}

// StoreLog stores one entry.
func (l *notedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries, and notes that they are there.
func (l *notedLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	err := l.closableLog.StoreLogs(logs)
	l.failed.Store(err != nil)
	if err != nil {
		return err
	}
	l.note.appended(logs[0].Index, logs[len(logs)-1])
	return nil
}

// DeleteRange deletes a prefix or a suffix. Before the end of the log goes, the
// note is lowered, for good: it must never say more than the log holds.
func (l *notedLog) DeleteRange(min, max uint64) error {
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	switch {
	case last == 0 || max < first || min > last || min > max:
		return l.closableLog.DeleteRange(min, max)
	case min <= first && max < last:
		if err := l.closableLog.DeleteRange(min, max); err != nil {
			return err
		}
		l.note.began(max + 1)
		return nil
	case min <= first:
		err = l.note.lower(func(n *noted) { n.first, n.last, n.term, n.sum = max+1, max, 0, 0 })
	default:
		err = l.lowerTo(min - 1)
	}
	if err != nil {
		return fmt.Errorf("truncate raft log: %w", err)
	}
	return l.closableLog.DeleteRange(min, max)
}

func (l *notedLog) lowerTo(last uint64) error {
	var end raft.Log
	if err := l.closableLog.GetLog(last, &end); err != nil {
		return err
	}
	return l.note.lower(func(n *noted) { n.last, n.term, n.sum = last, end.Term, entrySum(&end) })
}

var _ raft.MonotonicLogStore = (*notedLog)(nil)
