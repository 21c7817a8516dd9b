package linear

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Client asks one thing after the other.
type Client struct {
	T      testing.TB // is told of answers that nobody should get
	Keys   *Keys
	Number int        // of its own in the history
	Rand   *rand.Rand // nil for one that only reads

	seen    [Size]seenRow // read last
	session int           // 0: none
}

// Ask asks one thing at random of a server.
func (one *Client) Ask(h Server) {
	key := one.Rand.IntN(Size)
	seen := one.seen[key]
	q := question{key: key, index: seen.index, seen: seen.value, session: one.session}
	switch n := one.Rand.IntN(100); {
	case n < 30:
		one.Get(h, key)
		return
	case n < 35:
		one.getLoosely(h, key)
		return
	case n < 45:
		q.verb = verbSet
	case n < 60:
		q.verb = verbCAS
	case n < 64:
		q.verb = verbDelete
	case n < 68:
		q.verb = verbDeleteCAS
	case n < 85:
		q.verb, q.steps = verbTxn, one.steps(q)
	case one.session == 0:
		one.newSession(h)
		return
	case n < 93:
		q.verb = verbLock
	case n < 98:
		q.verb = verbUnlock
	default:
		q.verb, one.session = verbEnd, 0
	}
	one.write(h, q)
}

// steps makes up a transaction.
func (one *Client) steps(q question) []question {
	other := (q.key + 1 + one.Rand.IntN(Size-1)) % Size
	value := func(verb verb, key int) question { return question{verb: verb, key: key, value: one.value()} }
	guard := q
	guard.verb = verbCheckIndex
	if q.index == 0 {
		guard.verb = verbCheckAbsent
	}
	switch n := one.Rand.IntN(10); {
	case n < 3:
		return []question{guard, value(verbSet, q.key), value(verbSet, other)}
	case n < 5:
		return []question{value(verbSet, q.key), {verb: verbDelete, key: other}}
	case n < 6 && q.session != 0:
		lock := value(verbLock, q.key)
		lock.session = q.session
		return []question{lock, value(verbSet, other)}
	case n < 7:
		return []question{guard, {verb: verbDelete, key: other}, {verb: verbGet, key: other}}
	}
	return []question{{verb: verbGet, key: 0}, {verb: verbGet, key: 1}, {verb: verbGet, key: 2}}
}

func (one *Client) value() int { return int(one.Keys.values.Add(1)) }

// Get reads a key consistently; false if there was no answer.
func (one *Client) Get(h Server, key int) bool {
	call := one.Keys.now()
	row, ok := one.read(h, key, "?consistent")
	if !ok {
		return false
	}
	one.seen[key] = row
	one.Keys.add(one.Number, question{verb: verbGet, key: key}, call, reply{done: true, rows: []seenRow{row}}, one.Keys.now())
	return true
}

// getLoosely reads in the default mode (reference/http-api.md §6): the leader answers
// by its lease, so one that was stopped and replaced may answer for a moment yet,
// with what was true.
func (one *Client) getLoosely(h Server, key int) {
	if row, ok := one.read(h, key, ""); ok {
		one.Keys.addLoose(row)
	}
}

func (one *Client) read(h Server, key int, query string) (seenRow, bool) {
	a := one.send(h, "GET", "/v1/kv/"+one.Keys.Path(key)+query, "", readPatience)
	row := seenRow{key: key, hasValue: true}
	switch {
	case a.Status == http.StatusOK:
		var list []wireEntry
		if err := json.Unmarshal([]byte(a.Text), &list); err != nil || len(list) != 1 {
			one.T.Errorf("read of %s: %q %v", one.Keys.Path(key), a.Text, err)
			return row, false
		}
		return one.Keys.row(key, list[0], true), true
	case a.Status != http.StatusNotFound:
		return row, false
	}
	return row, true
}

// wireEntry is a key as HTTP shows it.
type wireEntry struct {
	Key         string
	Value       []byte
	ModifyIndex uint64
	LockIndex   uint64
	Session     string
}

func (k *Keys) row(key int, e wireEntry, hasValue bool) seenRow {
	row := seenRow{key: key, hasValue: hasValue, index: e.ModifyIndex, locks: e.LockIndex, session: k.number(e.Session)}
	if hasValue {
		if row.value, _ = strconv.Atoi(string(e.Value)); row.value == 0 && e.ModifyIndex != 0 {
			row.value = -1 // nobody wrote that
		}
	}
	return row
}

// write asks for a change and notes the outcome.
func (one *Client) write(h Server, q question) {
	q.value = one.value()
	method, path, body := "PUT", "/v1/kv/"+one.Keys.Path(q.key), strconv.Itoa(q.value)
	switch q.verb {
	case verbCAS:
		path += fmt.Sprintf("?cas=%d", q.index)
	case verbDelete:
		method, body = "DELETE", ""
	case verbDeleteCAS:
		method, path, body = "DELETE", path+fmt.Sprintf("?cas=%d", q.index), ""
	case verbLock:
		path += "?acquire=" + one.Keys.sessionID(q.session)
	case verbUnlock:
		path += "?release=" + one.Keys.sessionID(q.session)
	case verbEnd:
		path, body = "/v1/session/destroy/"+one.Keys.sessionID(q.session), ""
	case verbTxn:
		path, body = "/v1/txn", one.Keys.txn(q.steps)
		if q.readsOnly() {
			path += "?consistent"
		}
	}
	call := one.Keys.now()
	a := one.send(h, method, path, body, writePatience)
	ret := one.Keys.now()
	r, ok := one.reply(q, a)
	if !ok {
		return // certainly not done
	}
	one.Keys.add(one.Number, q, call, r, ret)
	if r.refused {
		one.session = 0
	}
	for _, row := range r.rows {
		if row.hasValue {
			one.seen[row.key] = row
		}
	}
}

// reply reads an answer; false if it says that nothing was done.
func (one *Client) reply(q question, a Answer) (r reply, ok bool) {
	switch {
	case a.Unsent, a.Status == http.StatusInternalServerError && (a.Text == "No cluster leader" || a.Text == "No path to datacenter" || strings.HasPrefix(a.Text, "cannot reach server ")):
		return r, false
	case a.Err != nil || a.Status == http.StatusInternalServerError && !strings.Contains(a.Text, "invalid session"):
		one.Keys.unknown.Add(1)
		return reply{unknown: true}, true
	case q.verb == verbTxn && a.Status == http.StatusOK:
		r.done = true
		r.rows = one.Keys.results(q.steps, a.Text)
	case q.verb == verbTxn && a.Status == http.StatusConflict:
	case a.Status == http.StatusInternalServerError:
		r.refused = true
	case a.Status == http.StatusOK && strings.TrimSpace(a.Text) == "true":
		r.done = true
	case a.Status == http.StatusOK && strings.TrimSpace(a.Text) == "false":
	default:
		one.T.Errorf("%+v: unexpected answer %d %q", q, a.Status, a.Text)
		return r, false
	}
	return r, true
}

// newSession makes a session. Its number says what it does with its locks.
func (one *Client) newSession(h Server) {
	number, ok := one.Keys.reserve()
	if !ok {
		return
	}
	behavior := "release"
	if deletesLocks(number) {
		behavior = "delete"
	}
	a := one.send(h, "PUT", "/v1/session/create", `{"LockDelay":"300ms","Behavior":"`+behavior+`"}`, writePatience)
	var made struct{ ID string }
	if a.Status != http.StatusOK || json.Unmarshal([]byte(a.Text), &made) != nil {
		return // the node may be critical
	}
	one.Keys.sessionsMu.Lock()
	defer one.Keys.sessionsMu.Unlock()
	one.Keys.sessions[number-1].ID, one.Keys.sessions[number-1].Server = made.ID, h
	one.session = number
}

// reserve gives out the number of a session that is to be made; the model has a
// bit for each.
func (k *Keys) reserve() (number int, ok bool) {
	k.sessionsMu.Lock()
	defer k.sessionsMu.Unlock()
	if len(k.sessions) == maxSessions {
		return 0, false
	}
	k.sessions = append(k.sessions, Session{from: k.now()})
	return len(k.sessions), true
}

func (k *Keys) sessionID(number int) string {
	k.sessionsMu.Lock()
	defer k.sessionsMu.Unlock()
	return k.sessions[number-1].ID
}

// txn encodes the body of a transaction.
func (k *Keys) txn(steps []question) string {
	type kv struct {
		Verb, Key string
		Value     []byte `json:",omitempty"`
		Index     uint64 `json:",omitempty"`
		Session   string `json:",omitempty"`
	}
	var ops []map[string]kv
	for _, s := range steps {
		op := kv{Verb: string(s.verb), Key: k.Path(s.key), Index: s.index}
		switch s.verb {
		case verbGet:
			op.Verb = "get-or-empty"
		case verbLock:
			op.Session = k.sessionID(s.session)
		}
		if s.value != 0 {
			op.Value = []byte(strconv.Itoa(s.value))
		}
		ops = append(ops, map[string]kv{"KV": op})
	}
	text, _ := json.Marshal(ops) // strings and numbers
	return string(text)
}

// results reads what the steps of a transaction yielded.
func (k *Keys) results(steps []question, text string) (rows []seenRow) {
	var body struct{ Results []struct{ KV wireEntry } }
	if json.Unmarshal([]byte(text), &body) != nil {
		return nil
	}
	for _, s := range steps {
		if s.yields() && len(rows) < len(body.Results) {
			rows = append(rows, k.row(s.key, body.Results[len(rows)].KV, s.verb == verbGet))
		}
	}
	return rows
}

func (one *Client) send(h Server, method, target, body string, patience time.Duration) Answer {
	a := h.Ask(method, one.Keys.there(target), body, patience)
	if a.Err == nil {
		one.Keys.answered.Add(1)
	}
	return a
}
