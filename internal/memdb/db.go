package memdb

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Index finds rows of a table by a key.
type Index struct {
	Name string
	// Unique tells that a key belongs to one row. Where it is false the row's key in the
	// table's first index is appended to it, so a key must not be the beginning of another.
	Unique bool
	// Keys adds the keys of a row to list: none if the row is not in the index. The bytes
	// are the index's from then on.
	Keys func(row any, list [][]byte) [][]byte
}

// Table is a kind of rows. Its first index is the rows' identity: unique, with one key
// for each row.
type Table struct {
	Name    string
	Indexes []Index
}

// DB is a set of tables. Use New.
type DB struct {
	tables map[string]*table
	roots  atomic.Pointer[[]*node]

	mu    sync.Mutex // of the one transaction that writes
	marks uint64     // given out to edits
}

type table struct {
	indexes []*index // the first is the identity
	named   map[string]*index
}

type index struct {
	Index
	root int // in DB.roots
}

// New makes a database of empty tables.
func New(tables []Table) *DB {
	db := &DB{tables: make(map[string]*table, len(tables))}
	var roots []*node
	for _, t := range tables {
		made := &table{named: map[string]*index{}}
		for _, declared := range t.Indexes {
			ix := &index{declared, len(roots)}
			made.named[ix.Name] = ix
			made.indexes = append(made.indexes, ix)
			roots = append(roots, &node{})
		}
		db.tables[t.Name] = made
	}
	db.roots.Store(&roots)
	return db
}

// Txn is a transaction.
type Txn struct {
	db    *DB
	roots []*node

	// Of one that writes:
	open  bool
	edit  edit
	marks []uint64    // by root: what edit marks its nodes with
	keys  [2][][]byte // room for those of a row
}

// Txn opens a transaction. One that writes must be ended by Commit or Abort.
func (db *DB) Txn(write bool) *Txn {
	if !write {
		return &Txn{db: db, roots: *db.roots.Load()}
	}
	db.mu.Lock()
	t := &Txn{db: db, roots: slices.Clone(*db.roots.Load()), open: true}
	t.marks = make([]uint64, len(t.roots))
	return t
}

// keep has the tree of a root stay as it is now for whoever has it.
func (t *Txn) keep(root int) { t.marks[root] = 0 }

// change prepares for changes of the tree of a root.
func (t *Txn) change(root int) (*edit, *node) {
	if t.marks[root] == 0 {
		t.db.marks++
		t.marks[root] = t.db.marks
	}
	t.edit.mark = t.marks[root]
	return &t.edit, t.roots[root]
}

func (t *Txn) put(root int, l *leaf) {
	e, n := t.change(root)
	t.roots[root] = e.put(n, 0, l)
}

// drop removes a row's leaf. It is not there if the row has the key twice, or another row
// has taken a key that should have been its own.
func (t *Txn) drop(root int, key []byte, row any) {
	if l, _ := t.roots[root].find(key); l == nil || l.row != row {
		return
	}
	e, n := t.change(root)
	t.roots[root] = e.drop(n, 0, key)
}

// Commit makes what was written visible, and then closes the channels of what changed.
func (t *Txn) Commit() {
	if !t.open {
		return
	}
	t.open = false
	roots := t.roots // and no more of t
	t.db.roots.Store(&roots)
	for i := range t.edit.replaced {
		t.edit.replaced[i].retire()
	}
	t.edit.replaced = nil
	t.db.mu.Unlock() // only now: the next commit may retire what this one moved
}

// Abort throws away what was written. It does nothing after Commit.
func (t *Txn) Abort() {
	if t.open {
		t.open = false
		t.db.mu.Unlock()
	}
}

func (t *Txn) table(name string) *table {
	table := t.db.tables[name]
	if table == nil {
		panic(fmt.Sprintf("memdb: no table %q", name))
	}
	return table
}

func (t *Txn) index(table, name string) *index {
	ix := t.table(table).named[name]
	if ix == nil {
		panic(fmt.Sprintf("memdb: table %q has no index %q", table, name))
	}
	return ix
}

// Get returns the row at a key of a unique index, nil if there is none. What would change
// the answer goes to ws.
func (t *Txn) Get(ws WatchSet, table, index string, key []byte) any {
	ix := t.index(table, index)
	if !ix.Unique {
		panic(fmt.Sprintf("memdb: several rows of %q may have a key of %q", table, index))
	}
	l, w := t.roots[ix.root].find(key)
	if l == nil {
		if ws != nil {
			t.tell(ws, w.ofPlace(), ix.root)
		}
		return nil
	}
	if ws != nil {
		t.tell(ws, l.watch.ofRow(), ix.root)
	}
	return l.row
}

// First returns the first row whose key begins with prefix, nil if there is none.
func (t *Txn) First(table, index string, prefix []byte) (row any) {
	found, _ := t.roots[t.index(table, index).root].under(prefix)
	found.each(func(r any) bool { row = r; return false })
	return row
}

// Rows walks the rows whose key begins with prefix, in order, as they are now: what this
// transaction writes meanwhile does not change the walk. What would change the answer goes
// to ws.
func (t *Txn) Rows(ws WatchSet, table, index string, prefix []byte) iter.Seq[any] {
	root := t.index(table, index).root
	found, w := t.roots[root].under(prefix)
	if ws != nil {
		t.tell(ws, w.ofPlace(), root)
	}
	if t.open && found.node != nil {
		t.keep(root)
	}
	return func(yield func(any) bool) { found.each(yield) }
}

// Watch returns the channel that Rows would add, of a transaction that reads. While it is
// open no row whose key begins with prefix has come, changed or gone since this
// transaction's moment, and other transactions are given the same.
func (t *Txn) Watch(table, index string, prefix []byte) <-chan struct{} {
	_, w := t.roots[t.index(table, index).root].under(prefix)
	return w.ofPlace()
}

// tell adds a channel to ws. What it stands for then stays as it is: a transaction that
// writes would not close it for a change in place.
func (t *Txn) tell(ws WatchSet, ch <-chan struct{}, root int) {
	ws[ch] = struct{}{}
	if t.open {
		t.keep(root)
	}
}

// Last returns the row with the greatest key, nil if there is none.
func (t *Txn) Last(table, index string) any { return t.roots[t.index(table, index).root].last() }

// LongestPrefix returns the row with the longest key that key begins with, nil if there is
// none.
func (t *Txn) LongestPrefix(table, index string, key []byte) any {
	return t.roots[t.index(table, index).root].longest(key)
}

// Insert stores a row, in place of the one with its identity if there is one.
func (t *Txn) Insert(name string, row any) {
	table := t.table(name)
	id, old := t.identity(name, table, row)
	t.put(table.indexes[0].root, &leaf{key: id, row: row})
	for i := 1; i < len(table.indexes); i++ {
		ix := table.indexes[i]
		keys := ix.keys(row, id, &t.keys[0])
		if old != nil {
			for _, key := range ix.keys(old, id, &t.keys[1]) {
				if !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
					t.drop(ix.root, key, old)
				}
			}
		}
		for _, key := range keys {
			t.put(ix.root, &leaf{key: key, row: row})
		}
	}
}

// Delete removes the row with the identity of row, and reports whether it was there.
func (t *Txn) Delete(name string, row any) bool {
	table := t.table(name)
	id, old := t.identity(name, table, row)
	if old == nil {
		return false
	}
	for i := range table.indexes {
		ix := table.indexes[i]
		for _, key := range ix.keys(old, id, &t.keys[0]) {
			t.drop(ix.root, key, old)
		}
	}
	return true
}

// identity is a row's key in the first index, and the row that is there now.
func (t *Txn) identity(name string, table *table, row any) (id []byte, old any) {
	if !t.open {
		panic("memdb: a write in a transaction that reads")
	}
	first := table.indexes[0]
	keys := first.Keys(row, t.keys[0][:0])
	if len(keys) != 1 {
		panic(fmt.Sprintf("memdb: %d keys of %T in %s", len(keys), row, name))
	}
	if l, _ := t.roots[first.root].find(keys[0]); l != nil {
		old = l.row
	}
	return keys[0], old
}

// keys are those under which a row with an identity stands in the index. They stay valid
// until room is used again.
func (ix *index) keys(row any, id []byte, room *[][]byte) [][]byte {
	list := ix.Keys(row, (*room)[:0])
	if !ix.Unique {
		for i, key := range list {
			list[i] = slices.Concat(key, id)
		}
	}
	*room = list
	return list
}
