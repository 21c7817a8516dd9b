package catalog

import (
	"github.com/hashicorp/go-memdb"

	"praetor/internal/fault"
)

// writer applies the commands of one batch to one memdb transaction.
//
// A command checks everything before its first write, since what is written
// to the transaction cannot be taken back. Past that point nothing can fail.
// Only a Txn finds out while it writes: it gets a memdb transaction that holds
// nothing else before it, and that is thrown away if it fails.
// What many commands of a batch would write again and again (index rows,
// totals, joins) is noted and written once, at commit.
type writer struct {
	db     *memdb.MemDB
	tell   func([]FreedLock) // before they are seen to be free
	txn    *memdb.Txn
	index  uint64                   // of the command being applied
	bumps  map[string]uint64        // index rows moved by the batch; 0 removes the row
	counts map[string]int           // what the batch adds to totals
	stale  map[instanceRef]struct{} // instances to join anew
	freed  []FreedLock              // keys whose session ended
}

func newWriter(db *memdb.MemDB, tell func([]FreedLock)) *writer {
	return &writer{
		db: db, tell: tell, txn: db.Txn(true),
		bumps: make(map[string]uint64), counts: make(map[string]int), stale: make(map[instanceRef]struct{}),
	}
}

// commit makes the batch visible and wakes who watched.
func (w *writer) commit() {
	if len(w.freed) > 0 {
		w.tell(w.freed)
	}
	w.flushInstances()
	w.flushIndexes()
	w.flushCounts()
	w.txn.Commit()
}

// part commits what the batch did so far, and goes on with the rest of it.
func (w *writer) part() {
	if len(w.bumps) > 0 { // every command moves an index
		w.commit()
		w.renew()
	}
}

// undo throws away what was done since part, but for the command's index.
func (w *writer) undo() {
	w.txn.Abort()
	w.renew()
	w.bump(indexLast)
}

func (w *writer) renew() {
	w.txn, w.freed = w.db.Txn(true), nil
	clear(w.bumps)
	clear(w.counts)
	clear(w.stale)
}

// apply runs one command and returns its result.
func (w *writer) apply(e Entry) any {
	if len(e.Data) > 0 && CommandType(e.Data[0]) == TxnCommand {
		w.part()
	}
	w.index = e.Index
	w.bump(indexLast)
	if len(e.Data) == 0 {
		return fault.New(fault.Internal, "decode command: no bytes")
	}
	c := commandOf(CommandType(e.Data[0]))
	if c == nil {
		return fault.New(fault.Internal, "decode command: unknown type %d; is this server older than the one that wrote it?", e.Data[0])
	}
	return c.run(w, e.Data[1:])
}
