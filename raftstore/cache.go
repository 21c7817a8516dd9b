package raftstore

import (
	"math"
	"sync"

	"github.com/hashicorp/raft"
)

// The cache's bounds: followers lag by a batch or two, and an entry may be
// half a megabyte.
const (
	cacheEntries = 512
	cacheBytes   = 8 << 20
)

// cachedLog keeps the newest entries of a log in memory, where replication
// finds them without reading the disk.
type cachedLog struct {
	raft.LogStore

	mu sync.RWMutex

	ring        [cacheEntries]raft.Log // index i is at i % cacheEntries
	first, next uint64                 // first <= cached < next
	bytes       int

	read *read // what is not applied yet of what was there at the start
}

func newCachedLog(store raft.LogStore, was *read) *cachedLog {
	return &cachedLog{LogStore: store, read: was}
}

// IsMonotonic answers for the log below.
func (c *cachedLog) IsMonotonic() bool { return isMonotonic(c.LogStore) }

// GetLog reads one entry.
func (c *cachedLog) GetLog(index uint64, out *raft.Log) error {
	c.mu.RLock()
	hit := c.first <= index && index < c.next
	if hit {
		*out = c.ring[index%cacheEntries]
	} else if l := c.read.get(index); l != nil {
		*out, hit = *l, true
	}
	c.mu.RUnlock()
	if hit {
		return nil
	}
	return c.LogStore.GetLog(index, out)
}

// StoreLog stores one entry.
func (c *cachedLog) StoreLog(log *raft.Log) error { return c.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries, and keeps them once they are stored.
func (c *cachedLog) StoreLogs(logs []*raft.Log) error {
	if err := c.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range logs {
		c.addLocked(l)
	}
	return nil
}

// applied forgets what was read at the start up to an entry, which the machine has.
func (c *cachedLog) applied(index uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read.drop(index)
}

func (c *cachedLog) addLocked(l *raft.Log) {
	if l.Index != c.next {
		c.clearLocked()
		c.first, c.next = l.Index, l.Index
	}
	if c.next-c.first == cacheEntries {
		c.dropLocked()
	}
	c.ring[l.Index%cacheEntries] = *l
	c.bytes += len(l.Data) + len(l.Extensions)
	c.next++
	for c.bytes > cacheBytes {
		c.dropLocked()
	}
}

func (c *cachedLog) dropLocked() {
	l := &c.ring[c.first%cacheEntries]
	c.bytes -= len(l.Data) + len(l.Extensions)
	*l = raft.Log{}
	c.first++
}

func (c *cachedLog) clearLocked() {
	for c.first < c.next {
		c.dropLocked()
	}
}

// DeleteRange deletes entries, in the cache first.
func (c *cachedLog) DeleteRange(min, max uint64) error {
	c.mu.Lock()
	if max >= c.first && min < c.next {
		c.clearLocked()
	}
	c.read.drop(math.MaxUint64)
	c.mu.Unlock()
	return c.LogStore.DeleteRange(min, max)
}

var _ raft.MonotonicLogStore = (*cachedLog)(nil)
