package catalog

import (
	"github.com/hashicorp/go-memdb"
	"github.com/tinylib/msgp/msgp"
)

// tables are all tables. Those in snapshots stand in the order of their
// records: a row comes after those that it refers to. Each is declared in the
// file of its noun; DESIGN.md §1 draws them, and a test compares.
var tables = []*table{
	nodeTable, virtualTable, serviceTable, checkTable, sessionTable, queryTable, configTable, keyTable, tombstoneTable,
	indexTable, autopilotTable, coordinateTable, aclPolicyTable, aclRoleTable, aclTokenTable,
	instanceTable, tagTable, countTable,
}

// table is one table: how its rows are found and how they travel in snapshots.
type table struct {
	name    string
	indexes map[string]*memdb.IndexSchema
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
	restore func(*restorer, R) error, others ...*memdb.IndexSchema) *table {
	t := derived(name, id, others...)
	t.record, t.consul = record, consul
	t.write = func(tx *Tx, sw *snapshotWriter) { writeTable[R](tx, sw, record, name) }
	t.restore = func(re *restorer, body []byte) error {
		return restoreRow(body, func(r R) error { return restore(re, r) })
	}
	return t
}

// derived declares a table of rows that follow from others.
func derived[R any](name string, id rowIndexer[R], others ...*memdb.IndexSchema) *table {
	t := &table{name: name, indexes: map[string]*memdb.IndexSchema{byID: unique(byID, id)}}
	for _, index := range others {
		t.indexes[index.Name] = index
	}
	return t
}

// unique declares an index in which a key belongs to one row; many, one in which
// several rows may share a key. A row whose key is nil is in neither.
func unique[R any](name string, key rowIndexer[R]) *memdb.IndexSchema {
	return &memdb.IndexSchema{Name: name, Unique: true, AllowMissing: name != byID, Indexer: key}
}

func many[R any](name string, key rowIndexer[R]) *memdb.IndexSchema {
	return &memdb.IndexSchema{Name: name, AllowMissing: true, Indexer: key}
}

// newDB makes an empty database with the rows that always exist.
func newDB() *memdb.MemDB {
	schema := &memdb.DBSchema{Tables: make(map[string]*memdb.TableSchema, len(tables))}
	for _, t := range tables {
		schema.Tables[t.name] = &memdb.TableSchema{Name: t.name, Indexes: t.indexes}
	}
	db, err := memdb.NewMemDB(schema)
	must(err)
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
