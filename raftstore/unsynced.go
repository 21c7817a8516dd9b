package raftstore

import (
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// unsyncedLog lets a leader send commands to the other servers while its own disk syncs
// them: a write takes as long as the slower one, not as both (Ongaro's thesis, 10.2.1).
//
// Raft takes for stored what StoreLogs took. It is not yet, so what raft concludes from it
// waits: the machine gets no entry before it is synced here (wait), no other server hears
// that one is committed (holdBack), and a message of another leader, whose answer says what
// this server has, does not reach raft before (settle). Only commands are taken so: what a
// configuration leads to, the next one among it, cannot be held back.
type unsyncedLog struct {
	raft.LogStore
	// leads reports whether this server leads others. Raft's own goroutine asks, so that the
	// answer holds as long as StoreLogs runs. Nil without raft.
	leads func() bool
	// refused is called when the disk did not take what raft counts on.
	refused func()

	storing chanLock // held while entries are handed to LogStore
	running sync.WaitGroup

	mu sync.RWMutex

	waiting []*raft.Log // what is not synced, without a gap
	plain   int         // while it is not 0 nothing is taken; see plainly
	refusal error       // of the last attempt to store what waits

	progress progress // made when nothing waits any more
}

func newUnsyncedLog(store raft.LogStore) *unsyncedLog {
	return &unsyncedLog{LogStore: store, storing: make(chanLock, 1)}
}

// IsMonotonic answers for the log below.
func (l *unsyncedLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

// FirstIndex returns the oldest entry's index, 0 if there is none.
func (l *unsyncedLog) FirstIndex() (uint64, error) {
	oldest, _ := l.ends() // before it looks below, where they go
	first, err := l.LogStore.FirstIndex()
	if first == 0 {
		first = oldest
	}
	return first, err
}

// LastIndex returns the newest entry's index, 0 if there is none.
func (l *unsyncedLog) LastIndex() (uint64, error) {
	if _, newest := l.ends(); newest > 0 {
		return newest, nil
	}
	return l.LogStore.LastIndex()
}

// ends are the indexes of the oldest and the newest entry that wait, 0 for none.
func (l *unsyncedLog) ends() (oldest, newest uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n := len(l.waiting); n > 0 {
		return l.waiting[0].Index, l.waiting[n-1].Index
	}
	return 0, 0
}

// GetLog reads one entry.
func (l *unsyncedLog) GetLog(index uint64, out *raft.Log) error {
	if l.find(index, out) {
		return nil
	}
	return l.LogStore.GetLog(index, out)
}

func (l *unsyncedLog) find(index uint64, out *raft.Log) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := len(l.waiting)
	if n == 0 || index < l.waiting[0].Index || index > l.waiting[n-1].Index {
		return false
	}
	*out = *l.waiting[index-l.waiting[0].Index]
	return true
}

// StoreLog stores one entry.
func (l *unsyncedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs takes a leader's commands, and has a goroutine store them. It waits for what it
// took before: so the commands that come meanwhile share a message and a sync, on all servers.
// Anything else it stores.
func (l *unsyncedLog) StoreLogs(logs []*raft.Log) error {
	l.storing.Lock()
	if err := l.storeLocked(); err != nil {
		l.storing.Unlock()
		return err
	}
	if !l.take(logs) {
		defer l.storing.Unlock()
		return l.LogStore.StoreLogs(logs)
	}
	l.running.Add(1)
	go func() { // close waits
		defer l.running.Done()
		err := l.storeLocked()
		l.storing.Unlock()
		if err != nil {
			l.refused()
		}
	}()
	return nil
}

// take takes entries if they may be synced later. Nothing else waits.
func (l *unsyncedLog) take(logs []*raft.Log) bool {
	if l.leads == nil || !l.leads() || slices.ContainsFunc(logs, func(e *raft.Log) bool { return e.Type != raft.LogCommand }) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plain > 0 {
		return false
	}
	l.waiting = logs
	return true
}

// store stores what waits.
func (l *unsyncedLog) store() error {
	l.storing.Lock()
	defer l.storing.Unlock()
	return l.storeLocked()
}

// storeLocked stores what waits; l.storing is held.
func (l *unsyncedLog) storeLocked() error {
	l.mu.RLock()
	logs := l.waiting
	l.mu.RUnlock()
	if len(logs) == 0 {
		return nil
	}
	err := l.LogStore.StoreLogs(logs)
	l.mu.Lock()
	l.refusal = err
	if err == nil {
		l.waiting = nil
	}
	l.mu.Unlock()
	if err == nil {
		l.progress.made()
	}
	return err
}

// synced is the newest of the entries up to index that this server has synced.
func (l *unsyncedLog) synced(index uint64) uint64 {
	if oldest, _ := l.ends(); oldest > 0 {
		return min(index, oldest-1)
	}
	return index
}

// holdBack takes back from a message what it says is committed and is not synced here. One
// that several servers get says nothing of the kind, and is not changed.
func (l *unsyncedLog) holdBack(m *raft.AppendEntriesRequest) {
	if synced := l.synced(m.LeaderCommitIndex); synced < m.LeaderCommitIndex {
		m.LeaderCommitIndex = synced
	}
}

// wait waits until all up to an entry is synced, and reports false if closing is closed
// before.
func (l *unsyncedLog) wait(index uint64, closing <-chan struct{}) bool {
	for l.synced(index) < index {
		more := l.progress.next()
		if l.synced(index) == index {
			break
		}
		select {
		case <-more:
		case <-closing:
			return false
		}
	}
	return true
}

// why is why the disk did not take what waits, nil if it was not asked yet or did.
func (l *unsyncedLog) why() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.refusal
}

// await returns when what waits now is stored or refused.
func (l *unsyncedLog) await() {
	if oldest, _ := l.ends(); oldest > 0 {
		l.storing.Lock() // who stores holds it
		defer l.storing.Unlock()
	}
}

// settle returns when all is synced that was taken until now.
func (l *unsyncedLog) settle() error {
	if oldest, _ := l.ends(); oldest == 0 {
		return nil
	}
	return l.store()
}

// plainly does something for which raft waits for the machine: nothing waits for the disk
// meanwhile, or both could wait for ever.
func (l *unsyncedLog) plainly(do func() error) error {
	l.mu.Lock()
	l.plain++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.plain--
		l.mu.Unlock()
	}()
	if err := l.store(); err != nil {
		return err
	}
	return do()
}

// DeleteRange deletes entries. Those at the end, which a leader had that leads no more, are
// stored first if they wait.
func (l *unsyncedLog) DeleteRange(min, max uint64) error {
	if oldest, _ := l.ends(); oldest > 0 && max >= oldest {
		if err := l.settle(); err != nil {
			return err
		}
	}
	return l.LogStore.DeleteRange(min, max)
}

// close waits for the goroutine that stores. Raft has ended.
func (l *unsyncedLog) close() { l.running.Wait() }

var _ raft.MonotonicLogStore = (*unsyncedLog)(nil)
