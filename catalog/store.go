package catalog

import (
	"sync/atomic"

	"praetor/internal/memdb"
)

// Store is the replicated state in memory. The zero value is not usable; call New.
type Store struct {
	state atomic.Pointer[state]
	lacks []CommandType // see NewLacking

	history atomic.Pointer[historian] // nil remembers nothing
}

// state is everything that Restore replaces in one step.
type state struct {
	db       *memdb.DB
	replaced chan struct{}               // closed when another state took this one's place
	services atomic.Pointer[serviceTags] // the latest answer of Tx.Services

	summaries atomic.Pointer[serviceSummaries] // the latest answer of Tx.ServiceSummaries
}

func newState() *state {
	return &state{db: newDB(), replaced: make(chan struct{})}
}

// Entry is one committed log entry that holds a command.
type Entry struct {
	Index uint64
	Data  []byte

	// What the history says of it. No other state may depend on these.
	Time int64  // nanoseconds since 1970, by the clock of the leader that took it in; 0 if unknown
	Note []byte // Note.Encode; nil for none
}

// New returns an empty store.
func New() *Store {
	s := new(Store)
	s.state.Store(newState())
	return s
}

// NewLacking returns an empty store that does not know some commands, like that
// of a version before them. For tests of upgrades.
func NewLacking(lacks ...CommandType) *Store {
	s := New()
	s.lacks = lacks
	return s
}

// Apply runs a batch of committed commands in one transaction with one round of
// wake-ups, two for a Txn in it, and returns one result per entry (see
// CommandType). A command that cannot be decoded gives an error as its result and
// changes nothing. One that is unknown ends the batch: its result, and that of
// every entry after it, has ErrUnknownCommand in its chain, and none is applied.
func (s *Store) Apply(entries []Entry) []any { return s.ApplyFreed(entries, func([]FreedLock) {}) }

// ApplyFreed is Apply for a caller that keeps lock-delays: freed gets the keys
// that lost their lock before anybody can see that they did, so that nobody can
// take one before its delay has begun. The caller's goroutine calls it.
func (s *Store) ApplyFreed(entries []Entry, freed func([]FreedLock)) []any {
	results := make([]any, len(entries))
	if len(entries) == 0 {
		return results
	}
	w := newWriter(s.state.Load().db, freed)
	w.lacks, w.history = s.lacks, s.history.Load()
	defer func() { w.txn.Abort() }() // does nothing after the commit
	for i := range entries {
		results[i] = w.apply(&entries[i])
		if Unknown(results[i]) != nil {
			for j := range results[i:] {
				results[i+j] = results[i]
			}
			break
		}
	}
	w.commit()
	return results
}

// Read opens a read transaction on the default scope of the store as it is now. It costs three
// small allocations and needs no closing.
func (s *Store) Read() *Tx {
	st := s.state.Load()
	return &Tx{txn: st.db.Txn(false), state: st}
}

// Replaced returns a channel that closes when Restore replaces everything;
// blocking queries wait on it too. Take it before Read, or use Tx.Replaced.
func (s *Store) Replaced() <-chan struct{} { return s.state.Load().replaced }

// WatchSet collects what a query depends on; nil collects nothing.
type WatchSet = memdb.WatchSet

// Tx is one moment of the store. Its rows are shared: do not change them.
type Tx struct {
	txn   *memdb.Txn
	in    *keyspace
	state *state
}

// LastIndex returns the index of the last command applied, in whatever scope.
func (tx *Tx) LastIndex() uint64 {
	if row := first[*indexRow](tx.txn, tableIndex, byID, []byte(indexLast)); row != nil {
		return row.Value
	}
	return 0
}

// Replaced returns a channel that closes when Restore replaces the store that
// this transaction reads: nothing else would wake its watches then.
func (tx *Tx) Replaced() <-chan struct{} { return tx.state.replaced }
