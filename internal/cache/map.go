package cache

import (
	"sync/atomic"
	"unsafe"
)

// Map holds values by key. Its zero value keeps nothing; the fields are set
// before its first use.
type Map[K comparable, V any] struct {
	// MaxBytes bounds what all entries hold together.
	MaxBytes int
	// Held reports whether a value must stay; nil means that none must. It is asked
	// when room is made.
	Held func(V) bool
	// Dropped is told of each value that leaves, also of one that another takes the
	// place of; nil if nobody wants to know. It must not use the Map.
	Dropped func(K, V)

	byKey map[K]*entry[K, V]
	hand  *entry[K, V] // the next to go, unless it was used; a new one stands just behind it
	bytes int
}

type entry[K comparable, V any] struct {
	key        K
	value      V
	bytes      int // with the entry's own
	prev, next *entry[K, V]
	used       atomic.Bool // since the hand came by
}

// entryBytes is what an entry takes without what its key and value point to: itself,
// and at most as much again in the map.
func entryBytes[K comparable, V any]() int { return int(2 * unsafe.Sizeof(entry[K, V]{})) }

// Get returns the value of a key and marks it as used.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	e := m.byKey[key]
	if e == nil {
		return value, false
	}
	if !e.used.Load() { // so that a value that all want stays in every core's cache
		e.used.Store(true)
	}
	return e.value, true
}

// Peek returns the value of a key.
func (m *Map[K, V]) Peek(key K) (value V, ok bool) {
	if e := m.byKey[key]; e != nil {
		return e.value, true
	}
	return value, false
}

// Put keeps a value that holds so many bytes, with what its key points to.
func (m *Map[K, V]) Put(key K, value V, bytes int) {
	m.Delete(key)
	m.insert(&entry[K, V]{key: key, value: value, bytes: bytes + entryBytes[K, V]()})
}

// Resize says how many bytes the value of a key holds now.
func (m *Map[K, V]) Resize(key K, bytes int) {
	if e := m.byKey[key]; e != nil {
		m.unlink(e)
		e.bytes = bytes + entryBytes[K, V]()
		m.insert(e)
	}
}

// insert makes room for an entry and puts it just behind the hand. Without room it
// is dropped.
func (m *Map[K, V]) insert(e *entry[K, V]) {
	for e.bytes <= m.MaxBytes && m.bytes+e.bytes > m.MaxBytes && m.Drop() {
	}
	if m.bytes+e.bytes > m.MaxBytes && !m.held(e) {
		m.gone(e)
		return
	}
	if m.byKey == nil {
		m.byKey = make(map[K]*entry[K, V])
	}
	m.byKey[e.key] = e
	m.link(e)
}

// Shrink drops what was not used the longest time until the bound holds. A caller
// needs it only when what was held is not any more.
func (m *Map[K, V]) Shrink() {
	for m.bytes > m.MaxBytes && m.Drop() {
	}
}

// Drop makes room: it drops the value that was not used the longest time. It reports
// false if there is none that may go.
func (m *Map[K, V]) Drop() bool {
	// Once around finds one that may go, after it took all marks.
	for steps := 2 * len(m.byKey); steps > 0 && m.hand != nil; steps-- {
		e := m.hand
		m.hand = e.next
		if used := e.used.Swap(false); !used && !m.held(e) {
			m.unlink(e)
			m.gone(e)
			return true
		}
	}
	return false
}

// Delete drops the value of a key, if there is one.
func (m *Map[K, V]) Delete(key K) {
	if e := m.byKey[key]; e != nil {
		m.unlink(e)
		m.gone(e)
	}
}

// Clear drops all values.
func (m *Map[K, V]) Clear() {
	for key := range m.byKey {
		m.Delete(key)
	}
}

// Len returns how many values there are.
func (m *Map[K, V]) Len() int { return len(m.byKey) }

// Bytes returns what they hold.
func (m *Map[K, V]) Bytes() int { return m.bytes }

func (m *Map[K, V]) held(e *entry[K, V]) bool { return m.Held != nil && m.Held(e.value) }

// gone forgets an entry that is not in the ring, or not any more.
func (m *Map[K, V]) gone(e *entry[K, V]) {
	if m.byKey[e.key] == e {
		delete(m.byKey, e.key)
	}
	if m.Dropped != nil {
		m.Dropped(e.key, e.value)
	}
}

func (m *Map[K, V]) link(e *entry[K, V]) {
	if m.hand == nil {
		e.prev, e.next, m.hand = e, e, e
	} else {
		e.prev, e.next = m.hand.prev, m.hand
		e.prev.next, e.next.prev = e, e
	}
	m.bytes += e.bytes
}

func (m *Map[K, V]) unlink(e *entry[K, V]) {
	if m.hand == e {
		m.hand = e.next
	}
	if m.hand == e { // the last one
		m.hand = nil
	}
	e.prev.next, e.next.prev = e.next, e.prev
	m.bytes -= e.bytes
}
