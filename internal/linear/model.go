package main_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// The model of a few keys that transactions and sessions tie together
// (reference/http-kv-session-txn.md §1 to §3). A history of what clients asked
// and were told is linearizable if some order of all calls, each at one moment
// between its call and its return, makes every answer right.

const (
	groupKeys   = 3 // one history
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
// but it is past what was known when the key was written.
type row struct {
	value   int
	index   uint64 // 0: not known
	past    uint64
	locks   uint64
	session int
	delayed bool // a session that held it ended: there may be a lock-delay
}

type keyGroup struct {
	rows  [groupKeys]row
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
			return ended && (r.unknown || r.refused || !r.done && g.rows[q.key].delayed), old
		}
	}
	v := g.try(q, g.known())
	switch {
	case r.unknown && v == no:
		return true, old
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
		return true, old
	case r.unknown:
		return true, g
	case r.done:
		return all != no, g
	}
	return all != yes, old
}

func (s question) yields() bool { return s.verb != verbDelete && s.verb != verbCheckAbsent }

// known is the highest index that answers told of the keys as they are.
func (g *keyGroup) known() (index uint64) {
	for _, r := range g.rows {
		index = max(index, r.index, r.past)
	}
	return index
}

// try does one thing, if its condition may hold. What it writes has an index
// past the one given.
func (g *keyGroup) try(q question, past uint64) verdict {
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
		if row.value == 0 || row.session != q.session {
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
	case g.ended&(1<<q.session) != 0 || row.session != 0 && row.session != q.session:
		return no
	case row.delayed:
		return maybe
	}
	return yes
}

// change writes what q writes.
func (g *keyGroup) change(q question, past uint64) {
	row := &g.rows[q.key]
	switch q.verb {
	case verbCheckIndex, verbCheckAbsent:
		return
	case verbDelete, verbDeleteCAS:
		row.value, row.session, row.locks = 0, 0, 0
	case verbSet, verbCAS:
		row.value, row.locks = q.value, 0
	case verbLock:
		if row.session == 0 {
			row.locks++
		}
		row.value, row.session = q.value, q.session
	case verbUnlock:
		row.value, row.session = q.value, 0
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
		if row.session != session {
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
	case r.index == 0 && r.value == q.seen && q.index > r.past:
		return maybe
	case r.index == q.index:
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
	if s.hasValue && s.value != row.value || s.locks != row.locks || s.session != row.session {
		return false
	}
	return g.learn(s.key, s.index)
}

func (g *keyGroup) learn(key int, index uint64) bool {
	row := &g.rows[key]
	if row.index == 0 && index > row.past {
		row.index = index
	}
	return row.index == index
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

// history is what the clients of one group of keys saw.
type history struct {
	begin time.Time

	mu    sync.Mutex
	calls []porcupine.Operation
	loose []seenRow // what reads showed that did not ask for consistency
}

// never is the return of a call whose outcome nobody was told.
const never = math.MaxInt64

func (h *history) now() int64 { return int64(time.Since(h.begin)) }

func (h *history) add(client int, q question, call int64, r reply, ret int64) {
	if r.unknown {
		if q.verb == verbGet || q.verb == verbTxn && q.readsOnly() {
			return // it changed nothing, and nothing was learned
		}
		ret = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: q, Call: call, Output: r, Return: ret})
}

// addEnd adds that a session may have ended by itself at some time.
func (h *history) addEnd(session int, from, until int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: -1, Input: question{verb: verbEnd, session: session}, Call: from, Output: reply{unknown: true}, Return: until})
}

func (h *history) addLoose(row seenRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loose = append(h.loose, row)
}

// checkLoose wants of reads that did not ask for consistency that they show, if
// not the newest, something that was written.
func (h *history) checkLoose() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := map[[2]int]bool{}
	for _, call := range h.calls {
		q := call.Input.(question)
		for _, w := range append([]question{q}, q.steps...) {
			written[[2]int{w.key, w.value}] = true
		}
	}
	for _, row := range h.loose {
		if row.value != 0 && !written[[2]int{row.key, row.value}] {
			return fmt.Errorf("a read showed what nobody wrote: %+v", row)
		}
	}
	return nil
}

func (q question) readsOnly() bool {
	for _, s := range q.steps {
		if s.verb != verbGet {
			return false
		}
	}
	return true
}

// check reports whether the history is linearizable; Unknown if that took longer
// than limit.
func (h *history) check(limit time.Duration) porcupine.CheckResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	return porcupine.CheckOperationsTimeout(groupModel, h.calls, limit)
}

// explain tells how far the calls can be put in order, and which then do not fit.
func (h *history) explain(limit time.Duration) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, info := porcupine.CheckOperationsVerbose(groupModel, h.calls, limit)
	var longest []porcupine.Operation
	for _, group := range info.PartialLinearizationsOperations() {
		for _, some := range group {
			if len(some) > len(longest) {
				longest = some
			}
		}
	}
	left := map[string]int{}
	for _, call := range h.calls {
		left[line(call)]++
	}
	var state keyGroup
	for _, call := range longest {
		left[line(call)]--
		_, state = state.step(call.Input.(question), call.Output.(reply))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d calls can be put in order; the last ones:\n", len(longest), len(h.calls))
	for _, call := range longest[max(0, len(longest)-15):] {
		b.WriteString(line(call))
	}
	fmt.Fprintf(&b, "which leads to %+v\nthe next to return:\n", state)
	slices.SortFunc(h.calls, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	shown := 0
	for _, call := range h.calls {
		if left[line(call)] > 0 && shown < 15 {
			shown++
			b.WriteString(line(call))
		}
	}
	return b.String()
}

func line(call porcupine.Operation) string {
	ret := "never"
	if call.Return != never {
		ret = time.Duration(call.Return).String()
	}
	return fmt.Sprintf("%3d %12s %12s %+v -> %+v\n", call.ClientId, time.Duration(call.Call), ret, call.Input, call.Output)
}

// TestCheckerKnowsRightFromWrong proves that the check of histories can fail.
func TestCheckerKnowsRightFromWrong(t *testing.T) {
	type call struct {
		from, to int64
		q        question
		r        reply
	}
	set := func(v int) question { return question{verb: verbSet, value: v} }
	lock := func(session, v int) question { return question{verb: verbLock, session: session, value: v} }
	end := func(session int) question { return question{verb: verbEnd, session: session} }
	cas := func(index uint64, seen, v int) question {
		return question{verb: verbCAS, index: index, seen: seen, value: v}
	}
	get, done, failed, unknown := question{verb: verbGet}, reply{done: true}, reply{}, reply{unknown: true}
	saw := func(v int, index uint64) reply {
		return reply{rows: []seenRow{{value: v, hasValue: true, index: index}}}
	}
	held := func(v int, index, locks uint64, session int) reply {
		return reply{rows: []seenRow{{value: v, hasValue: true, index: index, locks: locks, session: session}}}
	}
	both := func(a, b int) question {
		return question{verb: verbTxn, steps: []question{{verb: verbSet, key: 0, value: a}, {verb: verbSet, key: 1, value: b}}}
	}
	wrote := func(index uint64) reply {
		return reply{done: true, rows: []seenRow{{key: 0, index: index}, {key: 1, index: index}}}
	}
	sawOther := func(v int, index uint64) reply {
		return reply{rows: []seenRow{{key: 1, value: v, hasValue: true, index: index}}}
	}
	getOther := question{verb: verbGet, key: 1}
	for _, row := range []struct {
		name  string
		want  porcupine.CheckResult
		calls []call
	}{
		{"one after the other", porcupine.Ok, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, set(2), done}, {7, 8, get, saw(2, 9)}}},
		{"an acknowledged write that is lost", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(0, 0)}}},
		{"an acknowledged write that is undone", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, set(2), done}, {5, 6, get, saw(1, 7)}}},
		{"a stale read after a new one", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 20, set(2), done}, {5, 6, get, saw(2, 9)}, {7, 8, get, saw(1, 7)}}},
		{"an old read beside the write", porcupine.Ok, []call{{1, 2, set(1), done}, {3, 20, set(2), done}, {5, 6, get, saw(1, 7)}, {7, 8, get, saw(2, 9)}}},
		{"an unknown write that shows later", porcupine.Ok, []call{{1, 2, set(1), unknown}, {3, 4, get, saw(0, 0)}, {5, 6, get, saw(1, 7)}}},
		{"an unknown write that shows and goes", porcupine.Illegal, []call{{1, 2, set(1), unknown}, {3, 4, get, saw(1, 7)}, {5, 6, get, saw(0, 0)}}},
		{"a value nobody wrote", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(9, 7)}}},
		{"an index that changes without a write", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, get, saw(1, 8)}}},
		{"a cas that is won twice", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 9, cas(7, 1, 2), done}, {6, 9, cas(7, 1, 3), done}}},
		{"a cas that is won once", porcupine.Ok, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 9, cas(7, 1, 2), done}, {6, 9, cas(7, 1, 3), failed}}},
		{"a cas that is lost to nobody", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 9, cas(7, 1, 2), failed}}},
		{"half a transaction", porcupine.Illegal, []call{{1, 2, both(1, 2), wrote(5)}, {3, 4, both(3, 4), wrote(6)}, {5, 6, getOther, sawOther(2, 5)}}},
		{"a whole transaction", porcupine.Ok, []call{{1, 2, both(1, 2), wrote(5)}, {3, 4, both(3, 4), wrote(6)}, {5, 6, getOther, sawOther(4, 6)}}},
		{"a lock with two holders", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, lock(2, 2), done}}},
		{"a lock that is freed in between", porcupine.Ok, []call{{1, 2, lock(1, 1), done}, {1, 9, end(1), unknown}, {3, 4, lock(2, 2), done}, {5, 6, get, held(2, 9, 2, 2)}}},
		{"a session that locks after its end", porcupine.Illegal, []call{{1, 2, end(1), done}, {3, 4, lock(1, 1), done}}},
		{"a lock that nothing keeps free", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, lock(1, 2), failed}}},
		{"a lock that may be delayed", porcupine.Ok, []call{{1, 2, lock(1, 1), done}, {3, 4, end(1), done}, {5, 6, lock(2, 2), failed}}},
		{"a lock that outlives its session", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, end(1), done}, {5, 6, get, held(1, 5, 1, 1)}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h history
			for i, c := range row.calls {
				h.add(i, c.q, c.from, c.r, c.to)
			}
			if got := h.check(time.Minute); got != row.want {
				t.Errorf("got %s, want %s:\n%s", got, row.want, h.explain(time.Minute))
			}
		})
	}
}
