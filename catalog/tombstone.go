package catalog

import (
	"hash/maphash"
	"strings"

	"praetor/internal/memdb"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

const tableTombstone = "tombstone"

// tombstoneTable has one row, the tree of all tombstones of the default scope. In
// snapshots each tombstone is a record.
var tombstoneTable = func() *table {
	t := derived(tableTombstone, func(r *tombstones) []byte { return r.in.partsKey("") })
	t.record, t.consul = 5, "Tombstone"
	t.write = func(tx *Tx, sw *snapshotWriter) {
		var row tombstone
		graves(tx.txn, home).walk(func(g *grave) {
			row = tombstone{Key: g.key, Index: g.index}
			sw.row(t.record, &row)
		})
	}
	t.restore = func(re *restorer, body []byte) error { return restoreRow(body, re.tombstone) }
	return t
}()

// tombstones is the row of the table.
type tombstones struct {
	in   *keyspace
	root *grave
}

// grave is a tombstone, and the root of a tree of tombstones. It is a treap that
// never changes: a change copies the path to it, so that readers keep theirs. Each
// root knows the indexes below it, so that neither a read nor a reaping has to walk
// what it does not change. Methods work on nil, the empty tree.
type grave struct {
	key            string
	index          uint64
	oldest, newest uint64 // indexes in this tree
	weight         uint64 // greatest at the root
	left, right    *grave // lesser and greater keys
}

// weightSeed makes weights nobody's choice: chosen ones would make a tree a list.
// The shape of a tree shows nowhere, so servers may differ in it.
var weightSeed = maphash.MakeSeed()

// with is a copy of t that has other trees below it.
func (t *grave) with(left, right *grave) *grave {
	c := *t
	c.left, c.right, c.oldest, c.newest = left, right, t.index, t.index
	for _, below := range [...]*grave{left, right} {
		if below != nil {
			c.oldest, c.newest = min(c.oldest, below.oldest), max(c.newest, below.newest)
		}
	}
	return &c
}

// put is t with a tombstone at key, in place of one that is there.
func (t *grave) put(key string, index uint64) *grave {
	return t.insert(&grave{key: key, index: index, weight: maphash.String(weightSeed, key)})
}

func (t *grave) insert(g *grave) *grave {
	switch {
	case t == nil:
		return g.with(nil, nil)
	case g.key == t.key:
		return g.with(t.left, t.right)
	case g.weight > t.weight: // so it is not below t
		return g.with(t.split(g.key, false))
	case g.key < t.key:
		return t.with(t.left.insert(g), t.right)
	}
	return t.with(t.left, t.right.insert(g))
}

// split parts the keys before bound from the others. With under, those that
// start with bound count as before it.
func (t *grave) split(bound string, under bool) (before, rest *grave) {
	switch {
	case t == nil:
		return nil, nil
	case t.key < bound || under && strings.HasPrefix(t.key, bound):
		middle, rest := t.right.split(bound, under)
		return t.with(t.left, middle), rest
	}
	before, middle := t.left.split(bound, under)
	return before, t.with(middle, t.right)
}

// join is the tree of both; the keys of t come before those of u.
func (t *grave) join(u *grave) *grave {
	switch {
	case t == nil:
		return u
	case u == nil:
		return t
	case t.weight > u.weight:
		return t.with(t.left, t.right.join(u))
	}
	return u.with(t.join(u.left), u.right)
}

// has reports whether there is a tombstone at key.
func (t *grave) has(key string) bool {
	for t != nil && t.key != key {
		if key < t.key {
			t = t.left
		} else {
			t = t.right
		}
	}
	return t != nil
}

// drop is t without the tombstone at key, which is there.
func (t *grave) drop(key string) *grave {
	switch {
	case key == t.key:
		return t.left.join(t.right)
	case key < t.key:
		return t.with(t.left.drop(key), t.right)
	}
	return t.with(t.left, t.right.drop(key))
}

// dropUnder is t without the keys that start with prefix.
func (t *grave) dropUnder(prefix string) *grave {
	before, rest := t.split(prefix, false)
	_, after := rest.split(prefix, true)
	return before.join(after)
}

// dropUntil is t without the tombstones up to an index.
func (t *grave) dropUntil(index uint64) *grave {
	switch {
	case t == nil || t.oldest > index:
		return t
	case t.newest <= index:
		return nil
	}
	left, right := t.left.dropUntil(index), t.right.dropUntil(index)
	if t.index <= index {
		return left.join(right)
	}
	return t.with(left, right)
}

// newestUnder is the greatest index of the keys that start with prefix, 0 if there
// are none.
func (t *grave) newestUnder(prefix string) uint64 {
	for t != nil && !strings.HasPrefix(t.key, prefix) {
		if prefix < t.key {
			t = t.left
		} else {
			t = t.right
		}
	}
	if t == nil {
		return 0
	}
	newest := t.index
	for l := t.left; l != nil; {
		if l.key < prefix {
			l = l.right
			continue
		}
		newest, l = max(newest, l.index, l.right.max()), l.left
	}
	for r := t.right; r != nil; {
		if !strings.HasPrefix(r.key, prefix) {
			r = r.left
			continue
		}
		newest, r = max(newest, r.index, r.left.max()), r.right
	}
	return newest
}

func (t *grave) max() uint64 {
	if t == nil {
		return 0
	}
	return t.newest
}

// walk visits the tombstones in the order of their keys.
func (t *grave) walk(visit func(*grave)) {
	if t != nil {
		t.left.walk(visit)
		visit(t)
		t.right.walk(visit)
	}
}

// graves is the tree of a scope as a transaction sees it.
func graves(txn *memdb.Txn, in *keyspace) *grave {
	if row := first[*tombstones](txn, tableTombstone, byID, in.partsKey("")); row != nil {
		return row.root
	}
	return nil
}

func (w *writer) setGraves(t *grave) { w.txn.Insert(tableTombstone, &tombstones{w.in, t}) }

// ReapCommand carries a Reap; its result is nil or an error.
const ReapCommand CommandType = 7

var reapCommand = succeeds(ReapCommand, "tombstone", (*writer).reap)

// Reap is the command that forgets the deletions up to an index. After it the
// index of a prefix may go back (reference/internals.md §6).
type Reap struct {
	Index uint64
}

// Deletions returns the index of the latest deletion of a key, 0 before the first.
func (tx *Tx) Deletions() uint64 { return tx.index(indexTombstones) }

// reap removes tombstones. It moves no index: no answer changes. A leader that has something
// to tell the history has nothing reaped, and writes it beside that.
func (w *writer) reap(r *Reap) error {
	if w.noteEvent(); r.Index == 0 {
		return nil
	}
	w.setGraves(graves(w.txn, w.in).dropUntil(r.Index))
	return nil
}

// tombstone takes a deletion of a snapshot.
func (re *restorer) tombstone(t *tombstone) error {
	all := graves(re.w.txn, re.w.in)
	switch {
	case t.Key == "":
		return errNoKey
	case all.has(t.Key):
		return errTwice
	}
	re.w.setGraves(all.put(t.Key, t.Index))
	return re.indexes(0, t.Index)
}
