package catalog

import (
	"github.com/tinylib/msgp/msgp"

	"praetor/internal/memdb"
)

// tables are all tables. Those in snapshots stand in the order of their
// records: a row comes after those that it refers to. Each is declared in the
// file of its noun; DESIGN.md §1 draws them, and a test compares.
var tables = []*table{
	nodeTable, virtualTable, serviceTable, checkTable, sessionTable, queryTable, configTable, keyTable, tombstoneTable,
	indexTable, autopilotTable, coordinateTable, aclPolicyTable, aclRoleTable, aclTokenTable,
	aclAuthMethodTable, aclBindingRuleTable,
	caRootTable, caConfigTable, caStateTable,
	instanceTable, tagTable, countTable, historyTable,
}

// table is one table: how its rows are found and how they travel in snapshots.
type table struct {
	name    string
	indexes []memdb.Index
	record  recordType // 0: the rows are derived from others, and in no snapshot
	consul  string     // what Consul calls such records, as `snapshot inspect` shows them
	write   func(*Tx, *snapshotWriter)
	restore func(*restorer, []byte) error
}

// row is a pointer to a T that snapshots can hold.
type row[T any] interface {
	*T
	msgp.Marshaler
	msgp.Unmarshaler
}

// stored declares a table of rows that snapshots hold. restore checks that a
// row fits to those before it, and stores it.
func stored[T any, R row[T]](name string, record recordType, consul string, id rowIndexer[R],
	restore func(*restorer, R) error, others ...memdb.Index) *table {
	t := derived(name, id, others...)
	t.record, t.consul = record, consul
	t.write = func(tx *Tx, sw *snapshotWriter) { writeTable[R](tx, sw, record, name) }
	t.restore = func(re *restorer, body []byte) error {
		return restoreRow(body, func(r R) error { return restore(re, r) })
	}
	return t
}

// derived declares a table of rows that follow from others.
func derived[R any](name string, id rowIndexer[R], others ...memdb.Index) *table {
	return &table{name: name, indexes: append([]memdb.Index{unique(byID, id)}, others...)}
}

// unique declares an index in which a key belongs to one row; many, one in which
// several rows may share a key. A row whose key is nil is in neither.
func unique[R any](name string, key rowIndexer[R]) memdb.Index {
	return memdb.Index{Name: name, Unique: true, Keys: key.keys}
}

func many[R any](name string, key rowIndexer[R]) memdb.Index {
	return memdb.Index{Name: name, Keys: key.keys}
}

// newDB makes an empty database with the rows that always exist.
func newDB() *memdb.DB {
	declared := make([]memdb.Table, len(tables))
	for i, t := range tables {
		declared[i] = memdb.Table{Name: t.name, Indexes: t.indexes}
	}
	db := memdb.New(declared)
	txn := db.Txn(true)
	seedIndexes(txn)
	txn.Commit()
	return db
}

// tableOf returns the table whose rows have a record type, nil if there is none.
func tableOf(record recordType) *table {
	for _, t := range tables {
		if t.record == record && record != 0 {
			return t
		}
	}
	return nil
}
