package catalog

import (
	"errors"
	"fmt"
	"slices"

	"praetor/internal/fault"
	"praetor/internal/memdb"
	"praetor/internal/version"
)

// ErrUnknownCommand is in the chain of the result of a command that only a newer
// version can have written. A server that met one must stop: the others have
// applied it.
var ErrUnknownCommand = errors.New("unknown command")

// Unknown returns the error of a result that has ErrUnknownCommand in its chain,
// nil for any other result.
func Unknown(result any) error {
	if err, failed := result.(error); failed && errors.Is(err, ErrUnknownCommand) {
		return err
	}
	return nil
}

// unknownAdvice is what to do about such a command; docs/upgrading.md has it step by step.
const unknownAdvice = `(nothing is lost, and this server changed nothing: install the version that the other servers run, or a later one, ` +
	`and start it again on the same data folder: docs/upgrading.md)`

// writer applies the commands of one batch to one memdb transaction.
//
// A command checks everything before its first write, since what is written
// to the transaction cannot be taken back. Past that point nothing can fail.
// Only a Txn finds out while it writes: it gets a memdb transaction that holds
// nothing else before it, and that is thrown away if it fails.
// What many commands of a batch would write again and again (index rows,
// totals, joins) is noted and written once, at commit.
type writer struct {
	db     *memdb.DB
	tell   func([]FreedLock) // before they are seen to be free
	lacks  []CommandType     // unknown on purpose, see NewLacking
	txn    *memdb.Txn
	in     *keyspace                // of the command being applied
	index  uint64                   // of the command being applied
	bumps  map[string]uint64        // index rows moved by the batch; 0 removes the row
	counts map[string]int           // what the batch adds to totals
	stale  map[instanceRef]struct{} // instances to join again
	freed  []FreedLock              // keys whose session ended

	history *historian
}

func newWriter(db *memdb.DB, tell func([]FreedLock)) *writer {
	return &writer{
		db: db, tell: tell, txn: db.Txn(true),
		bumps: make(map[string]uint64), counts: make(map[string]int), stale: make(map[instanceRef]struct{}),
	}
}

// commit makes the batch visible and wakes its watchers.
func (w *writer) commit() {
	if len(w.freed) > 0 {
		w.tell(w.freed)
	}
	w.flushInstances()
	w.flushIndexes()
	w.flushCounts()
	w.flushHistory()
	w.txn.Commit()
}

// part commits what the batch did so far, and goes on with the rest of it.
func (w *writer) part() {
	if len(w.bumps) > 0 { // every command moves an index
		w.commit()
		w.renew()
	}
}

// undo discards what was done since part, except for the command's index.
func (w *writer) undo() {
	w.txn.Abort()
	w.renew()
	w.bumps[indexLast] = w.index
}

func (w *writer) renew() {
	w.txn, w.freed = w.db.Txn(true), nil
	clear(w.bumps)
	clear(w.counts)
	clear(w.stale)
	w.history.forget()
}

// apply runs one command and returns its result.
func (w *writer) apply(e *Entry) any {
	if len(e.Data) > 0 && CommandType(e.Data[0]) == TxnCommand {
		w.part()
	}
	w.index = e.Index
	w.history.begin(e)
	result := w.run(e.Data)
	if Unknown(result) == nil {
		w.bumps[indexLast] = w.index // the one row that is no scope's
	}
	return result
}

func (w *writer) run(data []byte) any {
	if len(data) == 0 {
		return fault.New(fault.Internal, "decode command: no bytes")
	}
	t := CommandType(data[0])
	c := commandOf(t)
	if c == nil || slices.Contains(w.lacks, t) {
		return w.unknown("command %d", t)
	}
	return c.run(w, data[1:])
}

// unknown is the result of a command that this version cannot know how to apply.
func (w *writer) unknown(format string, args ...any) error {
	return &fault.Error{Kind: fault.Internal, Err: ErrUnknownCommand,
		Text: fmt.Sprintf("entry %d of the raft log holds %s, which %s does not know: a newer version wrote it", w.index, fmt.Sprintf(format, args...), version.Revision()),
		Hint: unknownAdvice}
}
