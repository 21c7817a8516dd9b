package catalog_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// remembering is a fixture whose store remembers everything.
func remembering(t testing.TB) *fixture {
	f := newFixture(t)
	f.store.KeepHistory(catalog.HistoryOptions{Keys: true, Catalog: true, MaxBytes: 1 << 20})
	return f
}

// by applies a command at the next index and as many seconds after the epoch, for somebody.
func (f *fixture) by(accessor string, kind catalog.CommandType, cmd msgp.Marshaler) any {
	f.t.Helper()
	f.index++
	note := (&catalog.Note{Accessor: accessor, Agent: "n1"}).Encode()
	return f.store.Apply([]catalog.Entry{{Index: f.index, Data: encode(f.t, kind, cmd), Time: int64(f.index) * int64(time.Second), Note: note}})[0]
}

func (f *fixture) write(accessor string, verb catalog.KVVerb, e catalog.KVEntry) {
	f.t.Helper()
	f.by(accessor, catalog.KVWriteCommand, &catalog.KVWrite{Verb: verb, Entry: e})
}

func value(e *catalog.KVEntry) string {
	if e == nil {
		return "-"
	}
	return string(e.Value)
}

// keyLines are the changes of a key, a line each, the oldest first.
func keyLines(f *fixture, key string) (lines []string) {
	_, changes := f.store.Read().KeyHistory(nil, key, 0)
	for _, c := range slices.Backward(changes) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %s>%s %s", c.Index, c.Op, value(c.Old), value(c.New), c.Accessor)))
	}
	return lines
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHistoryOfAKeyHasEveryChange: whatever changed it, with the value before and after, and
// who did it; what changed nothing is not there.
func TestHistoryOfAKeyHasEveryChange(t *testing.T) {
	f := remembering(t)
	f.put("a/other", "x")
	f.register(&catalog.Register{Node: "n1"})
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: "s", Node: "n1", Behavior: catalog.SessionDelete}})
	f.index = 10
	f.write("ann", catalog.KVSet, catalog.KVEntry{Key: "a/k", Value: []byte("1")})
	f.write("ann", catalog.KVSet, catalog.KVEntry{Key: "a/k", Value: []byte("1")}) // the same
	f.write("bob", catalog.KVCAS, catalog.KVEntry{Key: "a/k", Value: []byte("no")})
	f.write("bob", catalog.KVCAS, catalog.KVEntry{Key: "a/k", Value: []byte("2"), ModifyIndex: 11})
	f.write("bob", catalog.KVDelete, catalog.KVEntry{Key: "a/k"})
	f.write("bob", catalog.KVDelete, catalog.KVEntry{Key: "a/k"}) // is gone
	f.write("ann", catalog.KVSet, catalog.KVEntry{Key: "a/k", Value: []byte("3")})
	f.write("", catalog.KVLock, catalog.KVEntry{Key: "a/k", Value: []byte("4"), Session: "s"})
	f.write("", catalog.KVUnlock, catalog.KVEntry{Key: "a/k", Value: []byte("5"), Session: "s"})
	f.write("ann", catalog.KVDeleteTree, catalog.KVEntry{Key: "a/"})
	f.write("", catalog.KVLock, catalog.KVEntry{Key: "a/k", Value: []byte("6"), Session: "s"})
	f.by("eve", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"}) // ends the session
	wantLines(t, "a/k", keyLines(f, "a/k"),
		"11 set ->1 ann", "14 set 1>2 bob", "15 delete 2>- bob", "17 set ->3 ann", "18 lock 3>4", "19 unlock 4>5",
		"20 delete-tree 5>- ann", "21 lock ->6", "22 session-end 6>- eve")
	wantLines(t, "a/other", keyLines(f, "a/other"), "1 set ->x", "20 delete-tree x>- ann")
	wantLines(t, "a", keyLines(f, "a"))
	_, changes := f.store.Read().KeyHistory(nil, "a/k", 20*int64(time.Second))
	if len(changes) != 3 || changes[0].Time != 22*int64(time.Second) || changes[0].Agent != "n1" {
		t.Errorf("since the 20th second: %+v", changes)
	}
}

// TestFailedTransactionLeavesNoHistory: a transaction is there whole, or not at all.
func TestFailedTransactionLeavesNoHistory(t *testing.T) {
	f := remembering(t)
	set := func(key, value string) catalog.TxnOp {
		return catalog.TxnOp{KV: &catalog.TxnKV{Verb: catalog.TxnSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}}}
	}
	stale := catalog.TxnOp{KV: &catalog.TxnKV{Verb: catalog.TxnCAS, Entry: catalog.KVEntry{Key: "a", ModifyIndex: 99}}}
	batch := make([]catalog.Entry, 3)
	for i, cmd := range []*catalog.Txn{{Ops: []catalog.TxnOp{set("a", "1"), set("a", "2")}}, {Ops: []catalog.TxnOp{set("a", "3"), stale}}, {Ops: []catalog.TxnOp{set("a", "4")}}} {
		batch[i] = catalog.Entry{Index: uint64(i + 1), Data: encode(t, catalog.TxnCommand, cmd)}
	}
	f.store.Apply(batch)
	wantLines(t, "a", keyLines(f, "a"), "1 set ->1", "1 set 1>2", "3 set 2>4")
}

// TestKeyAtAMoment: by index and by time, as far as the history tells.
func TestKeyAtAMoment(t *testing.T) {
	f := newFixture(t)
	f.put("old", "v")  // 1, not remembered
	f.put("late", "v") // 2
	f.store.KeepHistory(catalog.HistoryOptions{Keys: true, MaxBytes: 1 << 20})
	f.index = 9
	f.write("", catalog.KVSet, catalog.KVEntry{Key: "k", Value: []byte("1")}) // 10
	f.write("", catalog.KVDelete, catalog.KVEntry{Key: "k"})
	f.write("", catalog.KVSet, catalog.KVEntry{Key: "late", Value: []byte("w")}) // 12
	f.write("", catalog.KVSet, catalog.KVEntry{Key: "k", Value: []byte("2")})    // 13
	for _, row := range []struct {
		key  string
		at   catalog.Moment
		want string
	}{
		{"k", catalog.Moment{Index: 9}, "-"}, {"k", catalog.Moment{Index: 10}, "1"}, {"k", catalog.Moment{Index: 11}, "-"},
		{"k", catalog.Moment{Index: 12}, "-"}, {"k", catalog.Moment{Index: 13}, "2"}, {"k", catalog.Moment{Index: 1000}, "2"},
		{"k", catalog.Moment{Time: int64(10500 * time.Millisecond)}, "1"}, {"k", catalog.Moment{Time: int64(time.Hour)}, "2"},
		{"k", catalog.Moment{Index: 8}, "unknown"}, {"k", catalog.Moment{Time: 5}, "unknown"},
		{"late", catalog.Moment{Index: 2}, "v"}, {"late", catalog.Moment{Index: 11}, "v"}, {"late", catalog.Moment{Index: 12}, "w"},
		{"late", catalog.Moment{Index: 1}, "unknown"}, {"old", catalog.Moment{Index: 1}, "v"}, {"old", catalog.Moment{Index: 20}, "v"},
		{"none", catalog.Moment{Index: 20}, "-"}, {"none", catalog.Moment{Index: 3}, "unknown"},
	} {
		_, e, known, from := f.store.Read().KeyAt(nil, row.key, row.at, 0)
		got := value(e)
		if !known {
			got = "unknown"
		}
		if got != row.want || from.Index != 9 {
			t.Errorf("%s at %+v: %s from %d, want %s from 9", row.key, row.at, got, from.Index, row.want)
		}
	}
	if _, _, known, from := f.store.Read().KeyAt(nil, "k", catalog.Moment{Index: 10}, 12*int64(time.Second)); known || from.Index != 11 {
		t.Errorf("what is older than what may be shown: known %v, from %d, want to know from 11", known, from.Index)
	}
}

// eventLines are the changes of the catalog, a line each, the oldest first.
func eventLines(s *catalog.Store, q catalog.HistoryQuery) (lines []string) {
	_, changes := s.Read().CatalogHistory(nil, q)
	for _, c := range slices.Backward(changes) {
		line := fmt.Sprintf("%d %s %s %s %s %s %s %s>%s %s", c.Index, c.Kind, c.Event, c.Node, c.ServiceID, c.CheckID, c.Address, c.From, c.To, c.Output)
		lines = append(lines, strings.Join(strings.Fields(strings.Replace(line, " > ", " ", 1)), " "))
	}
	return lines
}

// TestCatalogHistoryHasWhatHappened: registrations, flips and what goes; what is registered
// again and new outputs of checks are nothing that happened.
func TestCatalogHistoryHasWhatHappened(t *testing.T) {
	f := remembering(t)
	reg := func(status, output string) {
		r := web("n1", status)
		r.Address, r.Service.Port, r.Checks[0].Output = "10.0.0.1", 80, output
		f.by("ann", catalog.RegisterCommand, r)
	}
	reg(catalog.Critical, strings.Repeat("x", 300))
	reg(catalog.Critical, "another output")
	reg(catalog.Passing, "ok")
	reg(catalog.Passing, "ok")
	f.by("ann", catalog.RegisterCommand, &catalog.Register{Node: "n1", Address: "10.0.0.2"})
	f.by("ann", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", CheckID: "c"})
	f.by("ann", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"})
	f.by("ann", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"})
	f.index++
	note := (&catalog.Note{Agent: "s2", Event: catalog.EventElected}).Encode()
	f.store.Apply([]catalog.Entry{{Index: f.index, Data: encode(t, catalog.ReapCommand, &catalog.Reap{}), Note: note}})
	wantLines(t, "all", eventLines(f.store, catalog.HistoryQuery{}),
		"1 node registered n1 10.0.0.1",
		"1 service registered n1 w :80",
		"1 check registered n1 w c >critical "+strings.Repeat("x", 256),
		"3 check changed n1 w c critical>passing ok",
		"5 node changed n1 10.0.0.2",
		"6 check deregistered n1 w c passing>",
		"7 service deregistered n1 w :80",
		"7 node deregistered n1 10.0.0.2",
		"9 leader elected s2")
	wantLines(t, "of a service", eventLines(f.store, catalog.HistoryQuery{Service: "WEB", Kind: catalog.KindService}),
		"1 service registered n1 w :80", "7 service deregistered n1 w :80")
	wantLines(t, "of a node", eventLines(f.store, catalog.HistoryQuery{Node: "S2"}), "9 leader elected s2")
	index, changes := f.store.Read().CatalogHistory(nil, catalog.HistoryQuery{Kind: catalog.KindNode, After: 7})
	if index != 7 || len(changes) != 0 {
		t.Errorf("nodes after 7: index %d, %d changes; want 7 and none", index, len(changes))
	}
	if index, changes = f.store.Read().CatalogHistory(nil, catalog.HistoryQuery{Kind: catalog.KindNode, After: 6}); index != 9 || len(changes) != 3 {
		t.Errorf("nodes after 6: index %d, %d changes; want 9 and all 3", index, len(changes))
	}
	if c := changes[0]; c.Accessor != "ann" || c.Agent != "n1" || c.Time != 7*int64(time.Second) {
		t.Errorf("the author and time of %+v", c)
	}
}

// TestBlockedReaderOfHistoryWakes when something is added, and not by what is none.
func TestBlockedReaderOfHistoryWakes(t *testing.T) {
	f := remembering(t)
	f.register(web("n1", catalog.Passing))
	woken := func(change func()) bool {
		ws := catalog.WatchSet{}
		f.store.Read().CatalogHistory(ws, catalog.HistoryQuery{})
		change()
		for ch := range ws {
			select {
			case <-ch:
				return true
			default:
			}
		}
		return false
	}
	if woken(func() { f.put("k", "v") }) {
		t.Error("a key woke a reader of the catalog's history")
	}
	if !woken(func() { f.register(web("n1", catalog.Critical)) }) {
		t.Error("a flip woke nobody")
	}
}

// TestHistoryIsBounded by bytes and by age; what it says of its reach is true.
func TestHistoryIsBounded(t *testing.T) {
	f := newFixture(t)
	f.store.KeepHistory(catalog.HistoryOptions{Keys: true, MaxBytes: 20_000})
	for i := range 500 {
		f.write("", catalog.KVSet, catalog.KVEntry{Key: "k", Value: fmt.Appendf(nil, "%0500d", i)})
	}
	lines := keyLines(f, "k")
	if n := len(lines); n < 10 || n > 40 || !strings.HasPrefix(lines[n-1], "500 ") {
		t.Errorf("%d changes are kept in 20,000 bytes, want some 20 of 900 bytes, the latest", n)
	}
	_, _, _, from := f.store.Read().KeyAt(nil, "k", catalog.Moment{}, 0)
	if first := fmt.Sprintf("%d set", from.Index+1); !strings.HasPrefix(lines[0], first) {
		t.Errorf("it is whole from %d, and begins with %s", from.Index, lines[0][:20])
	}
	f.store.KeepHistory(catalog.HistoryOptions{Keys: true, MaxBytes: 1 << 20, MaxAge: 5 * time.Second})
	f.write("", catalog.KVDelete, catalog.KVEntry{Key: "k"})
	if lines := keyLines(f, "k"); len(lines) != 6 {
		t.Errorf("%d changes are kept of 5 seconds, want 6", len(lines))
	}
	f.write("", catalog.KVSet, catalog.KVEntry{Key: "k", Value: make([]byte, 2<<20)})
	f.write("", catalog.KVSet, catalog.KVEntry{Key: "k"})
	if lines := keyLines(f, "k"); len(lines) != 0 {
		t.Errorf("%d changes are kept though one is larger than all may be", len(lines))
	}
}

// TestHistoryThatIsOffIsGone: from the next command on.
func TestHistoryThatIsOffIsGone(t *testing.T) {
	f := remembering(t)
	f.put("k", "v")
	f.register(web("n1", catalog.Passing))
	f.store.KeepHistory(catalog.HistoryOptions{Catalog: true, MaxBytes: 1 << 20})
	f.put("k", "w")
	wantLines(t, "k", keyLines(f, "k"))
	if n := len(eventLines(f.store, catalog.HistoryQuery{})); n != 3 {
		t.Errorf("%d changes of the catalog, want the 3 there were", n)
	}
	f.store.KeepHistory(catalog.HistoryOptions{})
	f.put("k", "x")
	wantLines(t, "the catalog", eventLines(f.store, catalog.HistoryQuery{}))
}

func withHistory(t testing.TB, s *catalog.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Read().WriteWithHistory(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHistorySurvivesARaftSnapshot, and is in no other one, nor in what servers compare.
func TestHistorySurvivesARaftSnapshot(t *testing.T) {
	f, forgetful := remembering(t), newFixture(t)
	for _, f := range []*fixture{f, forgetful} {
		f.register(web("n1", catalog.Passing))
		for i := range 5000 { // more than one record
			f.write("ann", catalog.KVSet, catalog.KVEntry{Key: fmt.Sprint("k", i%100), Value: fmt.Append(nil, i)})
		}
	}
	if !bytes.Equal(f.snapshot(), forgetful.snapshot()) {
		t.Error("the history is in the snapshot for people")
	}
	whole := withHistory(t, f.store)
	again := remembering(t)
	if err := again.store.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	wantLines(t, "k7", keyLines(again, "k7"), keyLines(f, "k7")...)
	wantLines(t, "the catalog", eventLines(again.store, catalog.HistoryQuery{}), eventLines(f.store, catalog.HistoryQuery{})...)
	_, _, _, had := f.store.Read().KeyAt(nil, "k7", catalog.Moment{}, 0)
	if _, _, _, has := again.store.Read().KeyAt(nil, "k7", catalog.Moment{}, 0); has != had {
		t.Errorf("it reaches back to %+v, and before to %+v", has, had)
	}
	if !bytes.Equal(withHistory(t, again.store), whole) {
		t.Error("the restored store writes another snapshot")
	}
	if err := forgetful.store.Restore(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(withHistory(t, forgetful.store), f.snapshot()) {
		t.Error("a store that keeps no history has one after the restore")
	}
}

// TestOlderVersionsReadSnapshotsWithHistory: to them its records are index rows.
func TestOlderVersionsReadSnapshotsWithHistory(t *testing.T) {
	f := remembering(t)
	f.register(web("n1", catalog.Passing))
	f.put("k", "v")
	found := 0
	last, err := catalog.Records(bytes.NewReader(withHistory(t, f.store)), func(r catalog.Record) error {
		if r.Type != "Index" {
			return nil
		}
		key, value, err := catalog.AsIndexRow(r.Body)
		if strings.HasPrefix(key, "history/") {
			if found++; value == 0 || value > f.index {
				t.Errorf("record %s has index %d", key, value)
			}
		}
		return err
	})
	if err != nil || last != f.index || found != 2 {
		t.Errorf("%d parts of a history at %d: %v; want one for keys and one for the catalog", found, last, err)
	}
}

// FuzzHistory: notes and parts of a history may be any bytes. They change nothing but the
// history, and every question about it is answered.
func FuzzHistory(f *testing.F) {
	good := remembering(f)
	good.register(web("n1", catalog.Passing))
	good.put("k", "v")
	for _, r := range splitSnapshot(f, withHistory(f, good.store)) {
		if part := msgp.Locate("Rows", r[1:]); len(part) > 0 {
			rows, _, err := msgp.ReadBytesBytes(part, nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(rows)
		}
	}
	f.Add((&catalog.Note{Accessor: "a", Agent: "n", Event: catalog.EventRestored}).Encode())
	f.Add([]byte{})
	rest := splitSnapshot(f, good.snapshot())
	want := joinSnapshot(rest)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := catalog.New()
		s.KeepHistory(catalog.HistoryOptions{Keys: true, Catalog: true, MaxBytes: 1 << 20})
		record := append([]byte{6}, catalog.HistoryRecord("history/keys/000000", 1, data)...)
		if err := s.Restore(bytes.NewReader(joinSnapshot(append(rest[:len(rest):len(rest)], record)))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(snapshotOf(t, s), want) {
			t.Fatal("the history changed the state")
		}
		s.Apply([]catalog.Entry{{Index: 1 << 40, Data: encode(t, catalog.ReapCommand, &catalog.Reap{}), Note: data}})
		tx := s.Read()
		for _, key := range []string{"k", ""} {
			tx.KeyHistory(nil, key, 0)
			tx.KeyAt(nil, key, catalog.Moment{Index: 1}, 0)
		}
		tx.CatalogHistory(nil, catalog.HistoryQuery{After: 1})
		if err := tx.WriteWithHistory(new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
	})
}
