package linear

import (
	"fmt"
	"math"

	"github.com/anishathalye/porcupine"
)

// The model of a few keys that transactions and sessions tie together
// (reference/http-kv-session-txn.md §1 to §3). A history of what clients asked
// and were told is linearizable if some order of all calls, each at one moment
// between its call and its return, makes every answer right.

const (
	// Size is how many keys have one history.
	Size = 3
	// maxSessions is how many a history may have: the model has a bit for each.
	maxSessions = 60
)

type verb string

const (
	verbGet       verb = "get"
	verbSet       verb = "set"
	verbCAS       verb = "cas"
	verbDelete    verb = "delete"
	verbDeleteCAS verb = "delete-cas"
	verbLock      verb = "lock"
	verbUnlock    verb = "unlock"
	verbEnd       verb = "end session"
	verbTxn       verb = "txn"

	// Of transactions only.
	verbCheckIndex  verb = "check-index"
	verbCheckAbsent verb = "check-not-exists"
)

// question is what a client asks. Every write has a value of its own, so a
// value tells who wrote it; 0 is none.
type question struct {
	verb    verb
	key     int
	value   int
	index   uint64     // the ModifyIndex that must be the key's; 0: it must be absent
	seen    int        // the value that was read with index
	session int        // from 1 in its group; see deletesLocks
	steps   []question // of a transaction
}

func (q question) String() string {
	text := fmt.Sprintf("%s %d", q.verb, q.key)
	if q.value != 0 {
		text += fmt.Sprintf("=%d", q.value)
	}
	switch q.verb {
	case verbCAS, verbDeleteCAS, verbCheckIndex:
		text += fmt.Sprintf(" if %d@%d", q.seen, q.index)
	case verbLock, verbUnlock, verbEnd:
		text += fmt.Sprintf(" session %d", q.session)
	case verbTxn:
		return fmt.Sprintf("txn %v", q.steps)
	}
	return text
}

// reply is what the client was told.
type reply struct {
	unknown bool // it may be done, now or later
	shown   bool // unknown, but somebody saw what it wrote: see bound
	refused bool // the session does not exist
	done    bool
	rows    []seenRow // of get one, of a transaction one for each step that yields one
}

// seenRow is a key in an answer.
type seenRow struct {
	key      int
	value    int // 0: absent
	hasValue bool
	index    uint64
	locks    uint64 // LockIndex
	session  int
}

// deletesLocks says which sessions have the behavior "delete".
func deletesLocks(session int) bool { return session%3 == 0 }

// row is a key of the model. Its index is not known before an answer tells it,
// but it is past what was known when the key was written. Checking compares and copies
// states more than anything: a row has no gaps, and three of them are one cache line.
type row struct {
	value   int32
	index   uint32 // 0: not known
	past    uint32
	locks   uint16
	session uint8
	delayed bool // a session that held it ended: there may be a lock-delay
}

type keyGroup struct {
	rows  [Size]row
	ended uint64 // sessions, a bit each: maxSessions
}

// verdict is whether a condition holds, as far as the model knows.
type verdict int

const (
	no verdict = iota
	maybe
	yes
)

// step is the model: whether a reply is right in a state, and the next state.
// A call whose outcome is unknown does what it can: had it no effect, it can as
// well be the last of all.
func (g keyGroup) step(q question, r reply) (bool, keyGroup) {
	old := g
	switch q.verb {
	case verbGet:
		return g.see(r.rows[0]), g
	case verbEnd:
		g.end(q.session)
		return true, g
	case verbTxn:
		return g.transact(q, r)
	case verbLock:
		if ended := g.ended&(1<<q.session) != 0; ended || r.refused {
			// A lock-delay is looked at first.
			return ended && (r.unknown && !r.shown || r.refused || !r.unknown && !r.done && g.rows[q.key].delayed), old
		}
	}
	v := g.try(q, g.known())
	switch {
	case r.unknown && v == no:
		return !r.shown, old
	case r.unknown:
		return true, g
	case r.done:
		return v != no, g
	}
	return v != yes, old
}

// transact does all steps or none.
func (g keyGroup) transact(q question, r reply) (bool, keyGroup) {
	old, all, past := g, yes, g.known()
	rows := r.rows
	for _, s := range q.steps {
		if s.verb != verbGet {
			all = min(all, g.try(s, past))
		}
		if r.done && s.yields() {
			if !g.see(rows[0]) {
				return false, old
			}
			rows = rows[1:]
		}
	}
	switch {
	case r.unknown && all == no:
		return !r.shown, old
	case r.unknown:
		return true, g
	case r.done:
		return all != no, g
	}
	return all != yes, old
}

func (s question) yields() bool { return s.verb != verbDelete && s.verb != verbCheckAbsent }

// known is the highest index that answers told of the keys as they are.
func (g *keyGroup) known() (index uint32) {
	for _, r := range g.rows {
		index = max(index, r.index, r.past)
	}
	return index
}

// try does one thing, if its condition may hold. What it writes has an index
// past the one given.
func (g *keyGroup) try(q question, past uint32) verdict {
	row := &g.rows[q.key]
	v := yes
	switch q.verb {
	case verbCAS, verbCheckIndex:
		v = row.matches(q)
	case verbDeleteCAS:
		if row.value != 0 {
			v = row.matches(q)
		}
	case verbCheckAbsent:
		if row.value != 0 {
			v = no
		}
	case verbLock:
		v = g.lockable(q)
	case verbUnlock:
		if row.value == 0 || int(row.session) != q.session {
			v = no
		}
	}
	if v == no {
		return no
	}
	if (q.verb == verbCAS || q.verb == verbDeleteCAS || q.verb == verbCheckIndex) && row.value != 0 {
		g.learn(q.key, q.index)
	}
	g.change(q, past)
	return v
}

func (g *keyGroup) lockable(q question) verdict {
	row := &g.rows[q.key]
	switch {
	case g.ended&(1<<q.session) != 0 || row.session != 0 && int(row.session) != q.session:
		return no
	case row.delayed:
		return maybe
	}
	return yes
}

// change writes what q writes.
func (g *keyGroup) change(q question, past uint32) {
	row := &g.rows[q.key]
	switch q.verb {
	case verbCheckIndex, verbCheckAbsent:
		return
	case verbDelete, verbDeleteCAS:
		row.value, row.session, row.locks = 0, 0, 0
	case verbSet, verbCAS:
		row.value, row.locks = int32(q.value), 0
	case verbLock:
		if row.session == 0 {
			row.locks++
		}
		row.value, row.session = int32(q.value), uint8(q.session)
	case verbUnlock:
		row.value, row.session = int32(q.value), 0
	}
	row.index, row.past = 0, past
}

// end frees what a session holds. It may have ended already.
func (g *keyGroup) end(session int) {
	if g.ended&(1<<session) != 0 {
		return
	}
	g.ended |= 1 << session
	past := g.known()
	for k := range g.rows {
		row := &g.rows[k]
		if int(row.session) != session {
			continue
		}
		row.session, row.index, row.past, row.delayed = 0, 0, past, true
		if deletesLocks(session) {
			row.value, row.locks = 0, 0
		}
	}
}

// matches reports whether a key still is what it was when q.seen was read with
// q.index. No other value can have that index.
func (r *row) matches(q question) verdict {
	switch {
	case r.value == 0 || q.index == 0:
		if r.value == 0 && q.index == 0 {
			return yes
		}
	case r.index == 0 && int(r.value) == q.seen && q.index > uint64(r.past):
		return maybe
	case uint64(r.index) == q.index:
		return yes
	}
	return no
}

// see holds what an answer shows against the model.
func (g *keyGroup) see(s seenRow) bool {
	row := &g.rows[s.key]
	if s.hasValue && s.value == 0 {
		return row.value == 0
	}
	if s.hasValue && s.value != int(row.value) || s.locks != uint64(row.locks) || s.session != int(row.session) {
		return false
	}
	return g.learn(s.key, s.index)
}

func (g *keyGroup) learn(key int, index uint64) bool {
	row := &g.rows[key]
	if row.index == 0 && index > uint64(row.past) && index <= math.MaxUint32 {
		row.index = uint32(index)
	}
	return uint64(row.index) == index
}

var groupModel = porcupine.Model{
	Init: func() any { return keyGroup{} },
	Step: func(state, input, output any) (bool, any) {
		ok, next := state.(keyGroup).step(input.(question), output.(reply))
		return ok, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}
