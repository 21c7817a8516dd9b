package duty

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/raftstore"
)

// LockDelays knows which keys may not be locked yet, because the session that
// held them ended while its owner may not know (reference/http-kv-session-txn.md
// §1.4). Every server keeps them, in memory, from the moment it applies the end of a
// session: whoever leads next honours what is left. The zero value is ready.
//
// A server that learns of the end late, because it was cut off, holds the key for
// the whole delay from then: longer than need be, never shorter. When it starts it
// takes what its log already held for as old as that is.
//
// The log is applied beside the requests that are checked: a lock that was let
// through when the session ended is not held back. Nobody who learned of the end
// comes through, as the delay begins before the end can be seen.
type LockDelays struct {
	mu sync.Mutex

	until map[string]time.Time
	sweep int // so many keys are a reason to look which delays are over
}

// sweepAt is how many delayed keys are too few to be swept.
const sweepAt = 64

// Begin delays the next lock of the keys that entries freed. The log calls it,
// before anybody sees that they are free.
func (d *LockDelays) Begin(freed []catalog.FreedLock, entries []raftstore.Entry, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until == nil {
		d.until = map[string]time.Time{}
	}
	for _, lock := range freed {
		until := now.Add(lock.Delay - age(entries, lock.Index))
		if until.After(d.until[lock.Key]) {
			d.until[lock.Key] = until
		}
	}
	if len(d.until) >= max(d.sweep, sweepAt) {
		d.forget(now)
		d.sweep = 2 * len(d.until)
	}
}

// age is the age of one of some entries.
func age(entries []raftstore.Entry, index uint64) time.Duration {
	i, _ := slices.BinarySearchFunc(entries, index, func(e raftstore.Entry, index uint64) int { return cmp.Compare(e.Index, index) })
	return entries[i].Age
}

// Holds reports whether a key may not be locked yet.
func (d *LockDelays) Holds(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.until[key])
}

// clear ends all delays: the state that they belong to was replaced by an operator.
func (d *LockDelays) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.until)
}

// forget drops delays that are over.
func (d *LockDelays) forget(now time.Time) {
	maps.DeleteFunc(d.until, func(_ string, until time.Time) bool { return !now.Before(until) })
}
