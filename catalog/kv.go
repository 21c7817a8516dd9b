package catalog

import (
	"bytes"
	"fmt"
	"iter"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

const tableKV = "kv"

var keyTable = stored(tableKV, 4, "KVS", kvID, (*restorer).kv, many(bySession, kvBySession))

// KVEntry is one key with its value (reference/http-kv-session-txn.md §1).
type KVEntry struct {
	LockIndex   uint64
	Key         string
	Flags       uint64
	Value       []byte
	Session     string
	CreateIndex uint64
	ModifyIndex uint64
}

// KVVerb is what a KVWrite does.
type KVVerb uint8

// The verbs. The Result of each is a bool: whether the write took place.
const (
	KVSet        KVVerb = iota // write; always true
	KVCAS                      // write if ModifyIndex is still Entry.ModifyIndex (0: if absent)
	KVDelete                   // delete; true also when absent
	KVDeleteCAS                // delete if ModifyIndex is still Entry.ModifyIndex; true when absent
	KVDeleteTree               // delete every key that starts with Entry.Key; always true
	KVLock                     // lock for Entry.Session and write; false if another session holds it
	KVUnlock                   // unlock and write, if Entry.Session holds it
)

// KVWriteCommand carries a KVWrite; its result is a bool or an error.
const KVWriteCommand CommandType = 4

var kvCommand = answers(KVWriteCommand, "kvs", (*writer).kvWrite)

// KVWrite is the command that changes keys.
type KVWrite struct {
	Verb  KVVerb
	Entry KVEntry
}

func (c *KVWrite) hasKnownVerb() bool { return c.Verb <= KVUnlock }

func kvID(e *KVEntry) []byte { return home.text(e.Key) }

// kvBySession finds the keys that a session holds.
func kvBySession(e *KVEntry) []byte {
	if e.Session == "" {
		return nil
	}
	return home.partsKey(e.Session)
}

// KVGet returns a key's entry, or nil. The index is the entry's, or for an
// absent key the table's.
func (tx *Tx) KVGet(ws WatchSet, key string) (uint64, *KVEntry) {
	if e := firstWatch[*KVEntry](tx.txn, ws, tableKV, byID, tx.in.text(key)); e != nil {
		return e.ModifyIndex, e
	}
	return tx.kvTableIndex(), nil
}

// KVList returns the entries whose keys start with prefix, in key order.
func (tx *Tx) KVList(ws WatchSet, prefix string) (uint64, []*KVEntry) {
	entries, index := make([]*KVEntry, 0), uint64(0)
	for e := range rows[*KVEntry](tx.txn, ws, tableKV, byID, tx.in.text(prefix)) {
		entries, index = append(entries, e), max(index, e.ModifyIndex)
	}
	return tx.KVListIndex(prefix, index), entries
}

// KVKeys returns keys that start with prefix, each cut after the first
// separator past the prefix, without repeats; "" cuts nothing.
func (tx *Tx) KVKeys(ws WatchSet, prefix, separator string) (uint64, []string) {
	keys, index := make([]string, 0), uint64(0)
	for e := range rows[*KVEntry](tx.txn, ws, tableKV, byID, tx.in.text(prefix)) {
		index = max(index, e.ModifyIndex)
		key := cutKey(e.Key, len(prefix), separator)
		if n := len(keys); n == 0 || keys[n-1] != key {
			keys = append(keys, key)
		}
	}
	return tx.KVListIndex(prefix, index), keys
}

// KVEach goes over the entries whose keys start with prefix, in key order. It watches
// nothing.
func (tx *Tx) KVEach(prefix string) iter.Seq[*KVEntry] {
	return rows[*KVEntry](tx.txn, nil, tableKV, byID, tx.in.text(prefix))
}

// cutKey cuts key after the first separator at or past from.
func cutKey(key string, from int, separator string) string {
	if separator == "" {
		return key
	}
	if at := strings.Index(key[from:], separator); at >= 0 {
		return key[:from+at+len(separator)]
	}
	return key
}

// WatchKVList watches what KVList and KVKeys do, and returns the channel: it is the same
// one while no entry below prefix changes; a new key beside the prefix may give another.
func (tx *Tx) WatchKVList(ws WatchSet, prefix string) <-chan struct{} {
	return watchRows(tx.txn, ws, tableKV, byID, tx.in.text(prefix))
}

// KVListIndex is the index of a list of the entries below a prefix, of which none is
// newer than index.
func (tx *Tx) KVListIndex(prefix string, index uint64) uint64 {
	if prefix == "" {
		return tx.kvTableIndex()
	}
	if index = max(index, graves(tx.txn, tx.in).newestUnder(prefix)); index == 0 {
		return tx.kvTableIndex()
	}
	return index
}

func (tx *Tx) kvTableIndex() uint64 {
	return max(tx.index(indexKVs), tx.index(indexTombstones))
}

// kvWrite runs one KVWrite and returns a bool or an error.
func (w *writer) kvWrite(c *KVWrite) any {
	if c.Verb == KVDeleteTree {
		w.deleteTree(c.Entry.Key)
		return true
	}
	if c.Entry.Key == "" {
		return fault.New(fault.Rejected, "Missing key name")
	}
	old := first[*KVEntry](w.txn, tableKV, byID, kvID(&c.Entry))
	switch c.Verb {
	case KVSet:
		w.setKey(old, &c.Entry)
	case KVCAS:
		if !casMatches(old, c.Entry.ModifyIndex) {
			return false
		}
		w.setKey(old, &c.Entry)
	case KVDelete:
		w.deleteKey(KeyDelete, old)
	case KVDeleteCAS:
		if old != nil && old.ModifyIndex != c.Entry.ModifyIndex {
			return false
		}
		w.deleteKey(KeyDelete, old)
	case KVLock, KVUnlock:
		return w.lockWrite(c.Verb, old, &c.Entry)
	}
	return true
}

// lockWrite locks or unlocks a key. Only to lock, the session must exist.
func (w *writer) lockWrite(verb KVVerb, old, entry *KVEntry) any {
	switch {
	case entry.Session == "":
		return fault.New(fault.Rejected, "missing session")
	case verb == KVUnlock:
		return w.unlockKey(old, entry)
	case first[*Session](w.txn, tableSession, byID, w.in.text(entry.Session)) == nil:
		return fault.New(fault.Rejected, "invalid session %q", entry.Session)
	}
	return w.lockKey(old, entry)
}

func casMatches(old *KVEntry, index uint64) bool {
	if old == nil {
		return index == 0
	}
	return index != 0 && old.ModifyIndex == index
}

// setKey is the plain put: a lock stays held, but its LockIndex starts again
// (reference/http-kv-session-txn.md §1.2).
func (w *writer) setKey(old, entry *KVEntry) {
	e := &KVEntry{Key: entry.Key, Value: entry.Value, Flags: entry.Flags}
	if old != nil {
		e.Session = old.Session
	}
	w.writeKey(KeySet, old, e)
}

// lockKey reports whether the session now holds the key. LockIndex counts how
// often it went from free to held.
func (w *writer) lockKey(old, entry *KVEntry) bool {
	e := &KVEntry{Key: entry.Key, Value: entry.Value, Flags: entry.Flags, Session: entry.Session, LockIndex: 1}
	switch {
	case old == nil:
	case old.Session == "":
		e.LockIndex = old.LockIndex + 1
	case old.Session == entry.Session:
		e.LockIndex = old.LockIndex
	default:
		return false
	}
	w.writeKey(KeyLock, old, e)
	return true
}

// unlockKey reports whether the session held the key.
func (w *writer) unlockKey(old, entry *KVEntry) bool {
	if old == nil || old.Session != entry.Session {
		return false
	}
	w.writeKey(KeyUnlock, old, &KVEntry{Key: entry.Key, Value: entry.Value, Flags: entry.Flags, LockIndex: old.LockIndex})
	return true
}

// writeKey stores e in place of old, which may be nil. The same again changes
// nothing. op is what the history calls it.
func (w *writer) writeKey(op string, old, e *KVEntry) {
	e.Value, e.CreateIndex, e.ModifyIndex = nilEmpty(e.Value), w.index, w.index
	if old != nil {
		if old.equal(e) {
			return
		}
		e.CreateIndex = old.CreateIndex
	} else if t := graves(w.txn, w.in); t.has(e.Key) {
		w.setGraves(t.drop(e.Key)) // the entry's index is past it
	}
	w.noteKey(op, e.Key, old)
	w.txn.Insert(tableKV, e)
	if old == nil {
		w.count(countKeys, 1)
	}
	w.bump(indexKVs)
}

func (e *KVEntry) equal(o *KVEntry) bool {
	return e.Key == o.Key && e.LockIndex == o.LockIndex && e.Flags == o.Flags && e.Session == o.Session && bytes.Equal(e.Value, o.Value)
}

// deleteKey removes old, which may be nil.
func (w *writer) deleteKey(op string, old *KVEntry) {
	if old == nil {
		return
	}
	w.noteKey(op, old.Key, old)
	remove(w.txn, tableKV, old)
	w.count(countKeys, -1)
	w.bury(old.Key)
}

// deleteTree removes all keys under prefix and leaves one tombstone in place
// of the older ones there: a longer prefix now has neither entries nor
// tombstones, so it answers with the table's index, which is past all of them.
func (w *writer) deleteTree(prefix string) {
	found := 0
	for e := range rows[*KVEntry](w.txn, nil, tableKV, byID, w.in.text(prefix)) {
		w.noteKey(KeyDeleteTree, e.Key, e)
		remove(w.txn, tableKV, e)
		found++
	}
	if found == 0 {
		return
	}
	w.count(countKeys, -found)
	w.setGraves(graves(w.txn, w.in).dropUnder(prefix))
	w.bury(prefix)
}

// bury leaves a tombstone at key. An empty prefix needs none: it always
// answers with the table's index.
func (w *writer) bury(key string) {
	if key != "" {
		w.setGraves(graves(w.txn, w.in).put(key, w.index))
	}
	w.bump(indexKVs)
	w.bump(indexTombstones)
}

// kv takes a key of a snapshot.
func (re *restorer) kv(e *KVEntry) error {
	switch {
	case e.Key == "":
		return errNoKey
	case re.holds(tableKV, byID, kvID(e)):
		return errTwice
	case e.Session != "" && !re.holds(tableSession, byID, re.w.in.text(e.Session)):
		return fmt.Errorf("key %q of unknown session %q", e.Key, e.Session)
	}
	e.Value = nilEmpty(e.Value)
	re.w.txn.Insert(tableKV, e)
	re.w.count(countKeys, 1)
	return re.indexes(e.CreateIndex, e.ModifyIndex)
}
