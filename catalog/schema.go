package catalog

import (
	"fmt"
	"iter"
	"slices"

	"praetor/internal/memdb"
)

// The indexes of tables. Every table has byID.
const (
	byID       = "id"
	byUUID     = "uuid"     // node: digits of the node ID
	byName     = "name"     // query: folded name; virtual: folded service name
	byInstance = "instance" // check: node and service ID, "" for node-level checks
	byStatus   = "status"   // check: folded status, if it is not passing
	byMesh     = "mesh"     // instance: folded name of what it serves in the mesh
	byAddress  = "address"  // node, service: the 16 bytes of the address
	byNode     = "node"     // session: folded name of its node
	bySession  = "session"  // kv: session that holds the key; query: that it goes with
	byTemplate = "template" // query: templates by folded name, for the longest prefix
	byFree     = "free"     // virtual: those that no service has
	bySource   = "source"   // config: sources of intentions
	byLegacy   = "legacy"   // config: IDs of intentions
)

// rowIndexer makes the key of a row in one index; nil leaves the row out.
type rowIndexer[R any] func(row R) []byte

// keys is memdb.Index.Keys.
func (f rowIndexer[R]) keys(row any, list [][]byte) [][]byte {
	if key := f(row.(R)); key != nil {
		list = append(list, key)
	}
	return list
}

// first returns the row at key of a unique index, or the zero R.
func first[R any](txn *memdb.Txn, table, index string, key []byte) R {
	return firstWatch[R](txn, nil, table, index, key)
}

// firstWatch is first; it adds a channel to ws that closes when the answer may
// differ: for a row that exists, only when that row changes.
func firstWatch[R any](txn *memdb.Txn, ws WatchSet, table, index string, key []byte) R {
	row, _ := txn.Get(ws, table, index, key).(R)
	return row
}

// firstUnder returns the first row whose key starts with prefix, or the zero R.
func firstUnder[R any](txn *memdb.Txn, table, index string, prefix []byte) R {
	row, _ := txn.First(table, index, prefix).(R)
	return row
}

// rows walks the rows whose key starts with prefix, in key order.
func rows[R any](txn *memdb.Txn, ws WatchSet, table, index string, prefix []byte) iter.Seq[R] {
	all := txn.Rows(ws, table, index, prefix)
	return func(yield func(R) bool) {
		all(func(row any) bool { return yield(row.(R)) })
	}
}

// watchRows adds the channel to ws that rows would, and returns it.
func watchRows(txn *memdb.Txn, ws WatchSet, table, index string, prefix []byte) <-chan struct{} {
	changed := txn.Watch(table, index, prefix)
	ws.Add(changed)
	return changed
}

// remove deletes a row that is there: that it is not can only be a fault in this package.
func remove(txn *memdb.Txn, table string, row any) {
	if !txn.Delete(table, row) {
		panic(fmt.Sprintf("catalog: %T to be removed is not in %s", row, table))
	}
}

// collect is rows in a slice, for loops that change what they walk.
func collect[R any](txn *memdb.Txn, table, index string, prefix []byte) []R {
	return slices.Collect(rows[R](txn, nil, table, index, prefix))
}
