package linear

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

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
	unlock := func(session, v int) question { return question{verb: verbUnlock, session: session, value: v} }
	remove := question{verb: verbDelete}
	removeAt := func(index uint64, seen int) question { return question{verb: verbDeleteCAS, index: index, seen: seen} }
	guarded := func(index uint64, seen, v int) question {
		return question{verb: verbTxn, steps: []question{{verb: verbCheckIndex, index: index, seen: seen}, {verb: verbSet, key: 1, value: v}}}
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
		{"an unknown write that is seen before it was asked for", porcupine.Illegal, []call{{1, 2, get, saw(1, 7)}, {3, 4, set(1), unknown}}},
		{"an unknown cas that shows, though its key was another", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, cas(6, 9, 2), unknown}, {7, 8, get, saw(2, 9)}}},
		{"an unknown cas that a write was after", porcupine.Ok, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, cas(7, 1, 2), unknown}, {5, 8, set(3), unknown}, {9, 10, get, saw(2, 8)}, {11, 12, get, saw(3, 9)}}},
		{"an unknown lock that shows after its session", porcupine.Illegal, []call{{1, 2, end(1), done}, {3, 4, lock(1, 1), unknown}, {5, 6, get, held(1, 9, 1, 0)}}},
		{"an unknown transaction that shows in one of its keys", porcupine.Ok, []call{{1, 2, both(1, 2), unknown}, {3, 4, set(3), done}, {5, 6, get, saw(3, 9)}, {7, 8, getOther, sawOther(2, 8)}}},
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
		{"a new value with the index of the old one", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, set(2), done}, {7, 8, get, saw(2, 7)}}},
		{"a write with the index of another key", porcupine.Illegal, []call{{1, 2, getOther, sawOther(0, 0)}, {1, 2, both(1, 2), wrote(5)}, {3, 4, set(3), done}, {5, 6, get, saw(3, 5)}}},
		{"a lock that its holder takes again", porcupine.Ok, []call{{1, 2, lock(1, 1), done}, {3, 4, lock(1, 2), done}, {5, 6, get, held(2, 9, 1, 1)}}},
		{"a lock that is counted twice", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, lock(1, 2), done}, {5, 6, get, held(2, 9, 2, 1)}}},
		{"a plain write keeps the holder, and counts no locks", porcupine.Ok, []call{{1, 2, lock(1, 1), done}, {3, 4, set(2), done}, {5, 6, get, held(2, 9, 0, 1)}}},
		{"an unlock by who holds nothing", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, unlock(2, 2), done}}},
		{"an unlock, which writes", porcupine.Ok, []call{{1, 2, lock(1, 1), done}, {3, 4, unlock(1, 2), done}, {5, 6, get, held(2, 9, 1, 0)}}},
		{"an unlock that its holder is refused", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, unlock(1, 2), failed}}},
		{"an unlock of a key that is absent", porcupine.Ok, []call{{1, 2, unlock(1, 2), failed}, {3, 4, get, saw(0, 0)}}},
		{"a key that goes with its session", porcupine.Ok, []call{{1, 2, lock(3, 1), done}, {3, 4, end(3), done}, {5, 6, get, saw(0, 0)}}},
		{"a key that stays when it should go with its session", porcupine.Illegal, []call{{1, 2, lock(3, 1), done}, {3, 4, end(3), done}, {5, 6, get, held(1, 9, 1, 0)}}},
		{"a delete of what is absent", porcupine.Ok, []call{{1, 2, remove, done}, {3, 4, get, saw(0, 0)}}},
		{"a deleted key that is seen", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, remove, done}, {5, 6, get, saw(1, 7)}}},
		{"a guarded delete of what is absent", porcupine.Ok, []call{{1, 2, removeAt(7, 1), done}}},
		{"a guarded delete of another version", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, removeAt(6, 1), done}}},
		{"a guarded delete that is refused in vain", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, removeAt(7, 1), failed}}},
		{"a cas that makes a key that is there", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, cas(0, 0, 2), done}}},
		{"a transaction whose guard fails", porcupine.Ok, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, guarded(6, 1, 2), failed}, {7, 8, get, saw(1, 7)}}},
		{"a transaction whose guard fails, and that is done", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, get, saw(1, 7)}, {5, 6, guarded(6, 1, 2), wrote(9)}}},
		{"a transaction of unknown outcome, of which half is seen", porcupine.Illegal, []call{{1, 2, set(1), done}, {3, 4, both(2, 3), unknown}, {5, 6, get, saw(2, 9)}, {7, 8, getOther, sawOther(0, 0)}}},
		{"a lock that outlives its session", porcupine.Illegal, []call{{1, 2, lock(1, 1), done}, {3, 4, end(1), done}, {5, 6, get, held(1, 5, 1, 1)}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h history
			for i, c := range row.calls {
				h.add(i, c.q, c.from, c.r, c.to)
			}
			if got := h.Check(time.Minute); got != row.want {
				t.Errorf("got %s, want %s:\n%s", got, row.want, h.Explain(time.Minute))
			}
		})
	}
}
