package catalog

import (
	"iter"
	"slices"

	"github.com/hashicorp/go-memdb"
)

// The indexes of tables. Every table has byID.
const (
	byID       = "id"
	byIDPrefix = "id_prefix"
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
	uuidPrefix = "uuid_prefix"

	byTemplatePrefix = "template_prefix"
)

// rowIndexer makes the key of a row in one index; nil leaves the row out.
// Look-ups hand in finished keys, so nothing is found by reflection.
type rowIndexer[R any] func(row R) []byte

// FromObject is for memdb.SingleIndexer.
func (f rowIndexer[R]) FromObject(raw any) (bool, []byte, error) {
	key := f(raw.(R))
	return key != nil, key, nil
}

// FromArgs is for memdb.Indexer.
func (f rowIndexer[R]) FromArgs(args ...any) ([]byte, error) { return args[0].([]byte), nil }

// PrefixFromArgs is for memdb.PrefixIndexer. Only Txn.DeletePrefix hands in a string.
func (f rowIndexer[R]) PrefixFromArgs(args ...any) ([]byte, error) {
	if prefix, ok := args[0].(string); ok {
		return []byte(prefix), nil
	}
	return args[0].([]byte), nil
}

// first returns the first row at key, or the zero R.
func first[R any](txn *memdb.Txn, table, index string, key []byte) R {
	raw, err := txn.First(table, index, key)
	must(err)
	row, _ := raw.(R)
	return row
}

// firstWatch is first; it adds a channel to ws that closes when the answer may
// differ: for a row that exists, only when that row changes.
func firstWatch[R any](txn *memdb.Txn, ws WatchSet, table, index string, key []byte) R {
	ch, raw, err := txn.FirstWatch(table, index, key)
	must(err)
	ws.Add(ch)
	row, _ := raw.(R)
	return row
}

// rows walks the rows whose key starts with prefix, in key order. Index names
// a non-unique index or ends in _prefix.
func rows[R any](txn *memdb.Txn, ws WatchSet, table, index string, prefix []byte) iter.Seq[R] {
	it, err := txn.Get(table, index, prefix)
	must(err)
	ws.Add(it.WatchCh())
	return func(yield func(R) bool) {
		for raw := it.Next(); raw != nil; raw = it.Next() {
			if !yield(raw.(R)) {
				return
			}
		}
	}
}

// must stops at errors that only a fault in this package can cause: a missing
// table, an index without a key.
func must(err error) {
	if err != nil {
		panic("catalog: " + err.Error())
	}
}

// collect is rows in a slice, for loops that change what they walk.
func collect[R any](txn *memdb.Txn, table, index string, prefix []byte) []R {
	return slices.Collect(rows[R](txn, nil, table, index, prefix))
}
