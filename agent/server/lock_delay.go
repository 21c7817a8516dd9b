package server

import (
	"maps"
	"sync"
	"time"

	"praetor/catalog"
)

// lockDelays knows which keys may not be locked yet, because the session that
// held them ended while its owner may not know (reference/http-kv-session-txn.md
// §1.4). Only a leader keeps them, in memory. The zero value is ready, and off.
//
// The log is applied beside the requests that are checked: a lock that was let
// through when the session ended is not held back. Nobody who learned of the end
// comes through, as the delay begins before the end can be seen.
type lockDelays struct {
	mu sync.Mutex

	until map[string]time.Time // nil while this server does not lead
}

// start makes this server keep delays, with none to begin with.
func (d *lockDelays) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = map[string]time.Time{}
}

// stop forgets all.
func (d *lockDelays) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = nil
}

// begin delays the next lock of some keys. The catalog calls it, in the middle
// of applying the log.
func (d *lockDelays) begin(freed []catalog.FreedLock) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until == nil {
		return // what happened under another leader is not ours
	}
	now := time.Now()
	for _, lock := range freed {
		d.until[lock.Key] = now.Add(lock.Delay)
	}
}

// holds tells whether a key may not be locked yet.
func (d *lockDelays) holds(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.until[key])
}

// forget drops delays that are over.
func (d *lockDelays) forget(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.until, func(_ string, until time.Time) bool { return !now.Before(until) })
}
