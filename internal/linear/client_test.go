package linear

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// ask has a few clients ask a server some hundred things, one after the other.
func ask(t *testing.T, s Server, n int) *Keys {
	t.Helper()
	keys := NewKeys(time.Now(), "p/", "")
	var clients []*Client
	for i := range 3 {
		clients = append(clients, &Client{T: t, Keys: keys, Number: i, Rand: rand.New(rand.NewPCG(7, uint64(i)))})
	}
	for i := range n {
		clients[i%len(clients)].Ask(s)
	}
	return keys
}

// TestClientsFindTheFaultsOfAServer: what clients ask at random is enough to tell a server
// that keeps its word from one that breaks one rule.
func TestClientsFindTheFaultsOfAServer(t *testing.T) {
	for _, c := range []struct {
		fault string
		want  porcupine.CheckResult
	}{
		{"", porcupine.Ok},
		{"every twentieth write is lost", porcupine.Illegal},
		{"cas is ignored", porcupine.Illegal},
		{"deleted keys stay", porcupine.Illegal},
		{"anybody unlocks", porcupine.Illegal},
		{"locks have two holders", porcupine.Illegal},
		{"locks outlive their session", porcupine.Illegal},
		{"locks are released that are to be deleted", porcupine.Illegal},
		{"a plain write keeps LockIndex", porcupine.Illegal},
		{"writes keep the index", porcupine.Illegal},
		{"half a transaction stays", porcupine.Illegal},
	} {
		t.Run(c.fault, func(t *testing.T) {
			keys := ask(t, newTwin(c.fault), 500)
			if got := keys.Check(time.Minute); got != c.want {
				t.Errorf("got %s, want %s:\n%s", got, c.want, keys.Explain(time.Minute))
			}
			if answered, unknown := keys.Calls(); answered != 500 || unknown != 0 {
				t.Errorf("%d answers, %d outcomes unknown, of 500", answered, unknown)
			}
		})
	}
}

// TestClientsAskOfEverythingThereIs: a verb that is never sent is never checked.
func TestClientsAskOfEverythingThereIs(t *testing.T) {
	s := newTwin("")
	keys := ask(t, s, 500)
	verbs, forms := map[verb]int{}, map[string]int{}
	for _, call := range keys.calls {
		q := call.Input.(question)
		verbs[q.verb]++
		for _, step := range q.steps {
			verbs["txn: "+step.verb]++
		}
	}
	for _, line := range s.asked {
		for _, form := range []string{"GET /v1/kv/p/0", "?consistent", "?cas=", "DELETE /v1/kv/", "?acquire=", "?release=", "/v1/session/create", "/v1/session/destroy/", "/v1/txn"} {
			if strings.Contains(line, form) {
				forms[form]++
			}
		}
	}
	for _, v := range []verb{verbGet, verbSet, verbCAS, verbDelete, verbDeleteCAS, verbLock, verbUnlock, verbEnd, verbTxn,
		"txn: " + verbGet, "txn: " + verbSet, "txn: " + verbDelete, "txn: " + verbLock, "txn: " + verbCheckIndex, "txn: " + verbCheckAbsent} {
		if verbs[v] == 0 {
			t.Errorf("of %d calls none was %q", len(keys.calls), v)
		}
	}
	if len(forms) != 9 {
		t.Errorf("requests were of these forms only: %v", slices.Sorted(maps.Keys(forms)))
	}
	values := map[string]bool{}
	for i, line := range s.asked {
		if body := s.bodies[i]; strings.HasPrefix(line, "PUT /v1/kv/") {
			if values[body] {
				t.Errorf("the value %s was written twice: it does not tell who wrote it", body)
			}
			values[body] = true
		}
	}
}

// one is a client of two sessions, and of a server that answers all alike.
func one(t testing.TB, a Answer) (*Client, *said) {
	keys := NewKeys(time.Now(), "k", "dc2")
	keys.sessions = []Session{{ID: "s-1"}, {ID: "s-2"}}
	return &Client{T: t, Keys: keys, Number: 5}, &said{answer: a}
}

// said gives one answer to everything, and keeps what it was asked last.
type said struct {
	answer   Answer
	line     string
	body     string
	patience time.Duration
}

func (s *said) Ask(method, target, body string, patience time.Duration) Answer {
	s.line, s.body, s.patience = method+" "+target, body, patience
	return s.answer
}

// failing counts what a client tells its test.
type failing struct {
	testing.TB
	texts []string
}

func (f *failing) Errorf(format string, args ...any) {
	f.texts = append(f.texts, fmt.Sprintf(format, args...))
}

func TestHowThingsAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		q          question
		line, body string
	}{
		{question{verb: verbSet, key: 2}, "PUT /v1/kv/k2?dc=dc2", "1"},
		{question{verb: verbCAS, index: 7}, "PUT /v1/kv/k0?cas=7&dc=dc2", "1"},
		{question{verb: verbCAS}, "PUT /v1/kv/k0?cas=0&dc=dc2", "1"},
		{question{verb: verbDelete, key: 1}, "DELETE /v1/kv/k1?dc=dc2", ""},
		{question{verb: verbDeleteCAS, key: 1, index: 9}, "DELETE /v1/kv/k1?cas=9&dc=dc2", ""},
		{question{verb: verbLock, session: 1}, "PUT /v1/kv/k0?acquire=s-1&dc=dc2", "1"},
		{question{verb: verbUnlock, session: 2}, "PUT /v1/kv/k0?release=s-2&dc=dc2", "1"},
		{question{verb: verbEnd, session: 2}, "PUT /v1/session/destroy/s-2?dc=dc2", ""},
		{question{verb: verbTxn, steps: []question{{verb: verbGet}, {verb: verbGet, key: 1}}}, "PUT /v1/txn?consistent&dc=dc2",
			`[{"KV":{"Verb":"get-or-empty","Key":"k0"}},{"KV":{"Verb":"get-or-empty","Key":"k1"}}]`},
		{question{verb: verbTxn, steps: []question{{verb: verbCheckIndex, index: 3}, {verb: verbSet, key: 1, value: 12}, {verb: verbDelete, key: 2}}}, "PUT /v1/txn?dc=dc2",
			`[{"KV":{"Verb":"check-index","Key":"k0","Index":3}},{"KV":{"Verb":"set","Key":"k1","Value":"MTI="}},{"KV":{"Verb":"delete","Key":"k2"}}]`},
		{question{verb: verbTxn, steps: []question{{verb: verbCheckAbsent}, {verb: verbLock, key: 1, session: 2, value: 4}}}, "PUT /v1/txn?dc=dc2",
			`[{"KV":{"Verb":"check-not-exists","Key":"k0"}},{"KV":{"Verb":"lock","Key":"k1","Value":"NA==","Session":"s-2"}}]`},
	} {
		client, server := one(t, Answer{Unsent: true, Err: errors.New("nobody there")})
		client.write(server, c.q)
		if server.line != c.line || server.body != c.body || server.patience != 2*time.Second {
			t.Errorf("%v: %s with %q for %s\nwant %s with %q for 2s", c.q, server.line, server.body, server.patience, c.line, c.body)
		}
		if len(client.Keys.calls) != 0 {
			t.Errorf("%v: nobody heard it, and it stands in the history", c.q)
		}
	}
	client, server := one(t, Answer{Status: 404})
	if !client.Get(server, 1) || server.line != "GET /v1/kv/k1?consistent&dc=dc2" || server.patience != 6*time.Second {
		t.Errorf("a read asks for %s, with patience for %s", server.line, server.patience)
	}
	if client.getLoosely(server, 1); server.line != "GET /v1/kv/k1?dc=dc2" {
		t.Errorf("a read that does not ask for consistency asks for %s", server.line)
	}
}

// TestWhatAnswersToWritesMean: an outcome that is taken for certain and is not makes the
// check find what never was.
func TestWhatAnswersToWritesMean(t *testing.T) {
	set, txn := question{verb: verbSet}, question{verb: verbTxn, steps: []question{{verb: verbSet, value: 3}, {verb: verbGet, key: 1}}}
	broken := errors.New("connection reset")
	for _, c := range []struct {
		name     string
		q        question
		a        Answer
		recorded bool
		want     reply
		complain string
	}{
		{"done", set, Answer{Status: 200, Text: "true\n"}, true, reply{done: true}, ""},
		{"not done", set, Answer{Status: 200, Text: "false\n"}, true, reply{}, ""},
		{"nobody heard it", set, Answer{Err: broken, Unsent: true}, false, reply{}, ""},
		{"no whole answer", set, Answer{Err: broken}, true, reply{unknown: true}, ""},
		{"half an answer", set, Answer{Err: broken, Status: 200, Text: "true"}, true, reply{unknown: true}, ""},
		{"no leader", set, Answer{Status: 500, Text: "No cluster leader"}, false, reply{}, ""},
		{"no path", set, Answer{Status: 500, Text: "No path to datacenter"}, false, reply{}, ""},
		{"no server", set, Answer{Status: 500, Text: "cannot reach server a: refused"}, false, reply{}, ""},
		{"no leader, said with more", set, Answer{Status: 500, Text: "apply: No cluster leader"}, true, reply{unknown: true}, ""},
		{"leadership lost", set, Answer{Status: 500, Text: "leadership lost while committing log"}, true, reply{unknown: true}, ""},
		{"no such session", question{verb: verbLock, session: 1}, Answer{Status: 500, Text: `raft apply failed: invalid session "s-1"`}, true, reply{refused: true}, ""},
		{"a transaction that is done", txn, Answer{Status: 200, Text: `{"Results":[{"KV":{"ModifyIndex":8}},{"KV":{"Key":"k1","Value":"Mg==","ModifyIndex":5,"LockIndex":1,"Session":"s-2"}}]}`}, true,
			reply{done: true, rows: []seenRow{{key: 0, index: 8}, {key: 1, value: 2, hasValue: true, index: 5, locks: 1, session: 2}}}, ""},
		{"a transaction that is not", txn, Answer{Status: 409, Text: `{"Results":null}`}, true, reply{}, ""},
		{"a conflict of something else", set, Answer{Status: 409}, false, reply{}, `set 0=1: unexpected answer 409 ""`},
		{"a bad request", set, Answer{Status: 400, Text: "Missing key name"}, false, reply{}, `set 0=1: unexpected answer 400 "Missing key name"`},
		{"neither true nor false", set, Answer{Status: 200, Text: "maybe"}, false, reply{}, `set 0=1: unexpected answer 200 "maybe"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := &failing{}
			client, server := one(told, c.a)
			client.session = 1
			client.write(server, c.q)
			if got := strings.Join(told.texts, "\n"); got != c.complain {
				t.Errorf("it tells its test %q, want %q", got, c.complain)
			}
			calls := client.Keys.calls
			if len(calls) != 0 != c.recorded {
				t.Fatalf("%d calls are recorded", len(calls))
			}
			if !c.recorded {
				return
			}
			if got := calls[0].Output.(reply); !reflect.DeepEqual(got, c.want) || calls[0].ClientId != 5 {
				t.Errorf("%+v of client %d, want %+v of 5", got, calls[0].ClientId, c.want)
			}
			if never := calls[0].Return == never; never != c.want.unknown {
				t.Errorf("it never returns: %t, and its outcome is unknown: %t", never, c.want.unknown)
			}
			if _, unknown := client.Keys.Calls(); (unknown == 1) != c.want.unknown {
				t.Errorf("%d outcomes are unknown", unknown)
			}
			if gone := client.session == 0; gone != c.want.refused {
				t.Errorf("its session is forgotten: %t", gone)
			}
			for _, row := range c.want.rows {
				if row.hasValue && client.seen[row.key] != row {
					t.Errorf("it remembers %+v of key %d, want %+v", client.seen[row.key], row.key, row)
				}
			}
		})
	}
}

// TestReadsOfUnknownOutcomeAreLeftOut: they changed nothing, and nothing was learned.
func TestReadsOfUnknownOutcomeAreLeftOut(t *testing.T) {
	client, server := one(t, Answer{Err: errors.New("connection reset")})
	client.write(server, question{verb: verbTxn, steps: []question{{verb: verbGet}}})
	if client.Get(server, 0) || len(client.Keys.calls) != 0 {
		t.Errorf("the history has %+v", client.Keys.calls)
	}
}

func TestWhatReadsShow(t *testing.T) {
	entry := func(value, session string) string {
		return `[{"Key":"k1","Value":` + value + `,"ModifyIndex":7,"LockIndex":2,"Session":"` + session + `"}]`
	}
	for _, c := range []struct {
		name     string
		a        Answer
		ok       bool
		want     seenRow
		complain string
	}{
		{"absent", Answer{Status: 404}, true, seenRow{key: 1, hasValue: true}, ""},
		{"a value", Answer{Status: 200, Text: entry(`"MTI="`, "")}, true, seenRow{key: 1, value: 12, hasValue: true, index: 7, locks: 2}, ""},
		{"a lock", Answer{Status: 200, Text: entry(`"MTI="`, "s-2")}, true, seenRow{key: 1, value: 12, hasValue: true, index: 7, locks: 2, session: 2}, ""},
		{"the lock of a stranger", Answer{Status: 200, Text: entry(`"MTI="`, "s-3")}, true, seenRow{key: 1, value: 12, hasValue: true, index: 7, locks: 2, session: -1}, ""},
		{"a value that is no number", Answer{Status: 200, Text: entry(`"eA=="`, "")}, true, seenRow{key: 1, value: -1, hasValue: true, index: 7, locks: 2}, ""},
		{"no value", Answer{Status: 200, Text: entry(`null`, "")}, true, seenRow{key: 1, value: -1, hasValue: true, index: 7, locks: 2}, ""},
		{"no leader", Answer{Status: 500, Text: "No cluster leader"}, false, seenRow{}, ""},
		{"a list of none", Answer{Status: 200, Text: "[]"}, false, seenRow{}, `read of k1: "[]" <nil>`},
		{"no list", Answer{Status: 200, Text: "{"}, false, seenRow{}, `read of k1: "{" unexpected end of JSON input`},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := &failing{}
			client, server := one(told, c.a)
			if got := client.Get(server, 1); got != c.ok || strings.Join(told.texts, "\n") != c.complain {
				t.Errorf("an answer: %t, want %t; it tells its test %q", got, c.ok, told.texts)
			}
			if c.ok && (client.seen[1] != c.want || !reflect.DeepEqual(client.Keys.calls[0].Output, reply{done: true, rows: []seenRow{c.want}})) {
				t.Errorf("it saw %+v\nwant %+v", client.seen[1], c.want)
			}
			if client.getLoosely(server, 1); c.ok != slices.Equal(client.Keys.loose, []seenRow{c.want}) {
				t.Errorf("a loose read showed %+v", client.Keys.loose)
			}
		})
	}
}

func TestSessionsAreMadeAndFoundGone(t *testing.T) {
	keys := NewKeys(time.Now(), "k", "")
	client, s := &Client{T: t, Keys: keys}, newTwin("")
	for n := 1; n <= 4; n++ {
		client.newSession(s)
		if client.session != n || !keys.Sessions()[n-1].Open() || keys.Sessions()[n-1].Server != s {
			t.Fatalf("session %d: %+v", client.session, keys.Sessions())
		}
		if got, want := s.bodies[n-1], `{"LockDelay":"300ms","Behavior":"release"}`; n != 3 && got != want || n == 3 && !strings.Contains(got, `"delete"`) {
			t.Errorf("session %d is made by %s", n, got)
		}
	}
	if err := keys.There(s, 2, true); err != nil || !keys.Sessions()[1].Open() || len(keys.calls) != 0 {
		t.Errorf("a session that is there: %v, open %t, %d ends noted", err, keys.Sessions()[1].Open(), len(keys.calls))
	}
	s.end("session-2")
	s.end("session-4")
	if err := keys.There(s, 2, true); err != nil || keys.Sessions()[1].Open() || len(keys.calls) != 1 {
		t.Fatalf("one that ended by itself: %v, %d ends noted", err, len(keys.calls))
	}
	if end := keys.calls[0]; end.Input.(question).session != 2 || !end.Output.(reply).unknown || end.Call > end.Return || end.Call != keys.sessions[1].from {
		t.Errorf("its end is noted as %+v", end)
	}
	if err := keys.There(s, 4, false); err != nil || keys.Sessions()[3].Open() || len(keys.calls) != 1 {
		t.Errorf("one that somebody ended: %v, %d ends noted", err, len(keys.calls))
	}
	if line := s.asked[len(s.asked)-1]; line != "GET /v1/session/info/session-4?consistent" {
		t.Errorf("it was asked for by %s", line)
	}
	for name, a := range map[string]Answer{"no leader": {Status: 500, Text: "No cluster leader"}, "no answer": {Err: errors.New("reset")}, "no list": {Status: 200, Text: "x"}} {
		if err := keys.There(&said{answer: a}, 1, true); err == nil || !keys.Sessions()[0].Open() {
			t.Errorf("%s: %v, open %t", name, err, keys.Sessions()[0].Open())
		}
	}
}

// TestSessionsThatWereNotMade take a number all the same: the request may have arrived.
func TestSessionsThatWereNotMade(t *testing.T) {
	for name, a := range map[string]Answer{"refused": {Status: 500, Text: "apply failed: Check 'serfHealth' is in critical state"}, "no answer": {Err: errors.New("reset")}, "no ID": {Status: 200, Text: "x"}} {
		client, server := one(t, a)
		client.newSession(server)
		if list := client.Keys.Sessions(); client.session != 0 || len(list) != 3 || list[2].Open() {
			t.Errorf("%s: session %d of %+v", name, client.session, list)
		}
	}
	client, server := one(t, Answer{Status: 200, Text: `{"ID":"x"}`})
	client.Keys.sessions = make([]Session, maxSessions)
	if client.newSession(server); client.session != 0 || server.line != "" || len(client.Keys.sessions) != maxSessions {
		t.Errorf("session %d was asked for by %q: the model has no bit for it", client.session, server.line)
	}
}

func TestLooseReadsShowSomethingThatWasWritten(t *testing.T) {
	var h history
	h.add(0, question{verb: verbSet, key: 1, value: 4}, 1, reply{unknown: true}, 2)
	h.add(0, question{verb: verbTxn, steps: []question{{verb: verbSet, key: 2, value: 5}}}, 3, reply{done: true, rows: []seenRow{{}}}, 4)
	for _, row := range []seenRow{{key: 1, value: 4}, {key: 2, value: 5}, {key: 0}} {
		h.addLoose(row)
	}
	if err := h.CheckLoose(); err != nil {
		t.Error(err)
	}
	for _, row := range []seenRow{{key: 2, value: 4}, {key: 1, value: -1}, {key: 1, value: 5, index: 7}} {
		other := history{calls: h.calls, loose: append(slices.Clone(h.loose), row)}
		if err := other.CheckLoose(); err == nil || err.Error() != fmt.Sprintf("a read showed what nobody wrote: %+v", row) {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

func TestExplainShowsWhereTheOrderEnds(t *testing.T) {
	var h history
	h.add(1, question{verb: verbSet, value: 1}, 1, reply{done: true}, 2)
	h.add(2, question{verb: verbCAS, index: 3, seen: 1, value: 2, key: 1}, 5, reply{unknown: true}, 6)
	h.add(3, question{verb: verbGet}, 10, reply{done: true, rows: []seenRow{{value: 9, hasValue: true, index: 4}}}, 12)
	got := h.Explain(time.Minute)
	for _, want := range []string{
		"2 of 3 calls can be put in order; the last ones:\n  1          1ns          2ns set 0=1 -> {",
		"  2          5ns        never cas 1=2 if 1@3 -> {unknown:true",
		"which leads to {rows:[{value:1 index:0 ",
		"the next to return:\n  3         10ns         12ns get 0 -> {",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say\n%s\nbut\n%s", want, got)
		}
	}
}

func TestQuestionsAreSpelledOut(t *testing.T) {
	for want, q := range map[string]question{
		"get 2":                              {verb: verbGet, key: 2},
		"delete-cas 0 if 4@7":                {verb: verbDeleteCAS, index: 7, seen: 4},
		"lock 1=3 session 2":                 {verb: verbLock, key: 1, value: 3, session: 2},
		"unlock 1 session 2":                 {verb: verbUnlock, key: 1, session: 2},
		"end session 0 session 2":            {verb: verbEnd, session: 2},
		"txn [check-index 0 if 0@5 set 1=2]": {verb: verbTxn, steps: []question{{verb: verbCheckIndex, index: 5}, {verb: verbSet, key: 1, value: 2}}},
	} {
		if got := q.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
