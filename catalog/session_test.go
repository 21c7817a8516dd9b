package catalog_test

import (
	"reflect"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
)

// session creates a session bound to some checks.
func (f *fixture) session(id, node string, checks ...string) {
	f.t.Helper()
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: id, Node: node, NodeChecks: checks}})
}

func (f *fixture) endSession(id string) {
	f.t.Helper()
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: id}})
}

// tell runs one command at the next index and returns the locks it freed.
func (f *fixture) tell(kind catalog.CommandType, cmd interface {
	MarshalMsg([]byte) ([]byte, error)
	Msgsize() int
}) (freed []catalog.FreedLock) {
	f.t.Helper()
	data, err := cmd.MarshalMsg([]byte{byte(kind)})
	if err != nil {
		f.t.Fatal(err)
	}
	f.index++
	f.store.ApplyFreed([]catalog.Entry{{Index: f.index, Data: data}}, func(told []catalog.FreedLock) {
		freed = told
		for _, lock := range told {
			if _, e := f.store.Read().KVGet(nil, lock.Key); e == nil || e.Session == "" {
				f.t.Errorf("%s was seen to be free before it was told", lock.Key)
			}
		}
	})
	return freed
}

// Every way a session can end, by reference/http-kv-session-txn.md §2.3.
func TestSessionsEndWithWhatTheyAreBoundTo(t *testing.T) {
	check := func(id, service, status string) *catalog.Register {
		return &catalog.Register{Node: "N1", Address: "10.0.0.1", Checks: []*catalog.Check{{CheckID: id, ServiceID: service, Status: status}}}
	}
	tests := []struct {
		name string
		kind catalog.CommandType
		cmd  interface {
			MarshalMsg([]byte) ([]byte, error)
			Msgsize() int
		}
		ends bool
	}{
		{"destroyed", catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: "s"}}, true},
		{"another destroyed", catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: "S"}}, false},
		{"node check warns", catalog.RegisterCommand, check("c", "", catalog.Warning), false},
		{"node check critical", catalog.RegisterCommand, check("c", "", catalog.Critical), true},
		{"service check critical", catalog.RegisterCommand, check("w", "web", catalog.Critical), true},
		{"old-style check critical", catalog.RegisterCommand, check("o", "", catalog.Critical), true},
		{"other check critical", catalog.RegisterCommand, check("x", "", catalog.Critical), false},
		{"check of the same ID elsewhere", catalog.RegisterCommand, &catalog.Register{Node: "n2", Address: "10.0.0.1", Checks: []*catalog.Check{{CheckID: "c"}}}, false},
		{"node check removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", CheckID: "c"}, true},
		{"service check removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", CheckID: "w"}, true},
		{"service removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", ServiceID: "web"}, true},
		{"other service removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", ServiceID: "db"}, false},
		{"node removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"}, true},
		{"other node removed", catalog.DeregisterCommand, &catalog.Deregister{Node: "n2"}, false},
		{"node renamed", catalog.RegisterCommand, &catalog.Register{ID: "40404040-0000-0000-0000-000000000001", Node: "n9", Address: "10.0.0.1"}, true},
	}
	for _, behavior := range []string{catalog.SessionRelease, catalog.SessionDelete} {
		for _, test := range tests {
			t.Run(behavior+"/"+test.name, func(t *testing.T) {
				f := newFixture(t)
				f.register(&catalog.Register{
					Node: "n1", ID: "40404040-0000-0000-0000-000000000001", Service: &catalog.Service{Service: "web"},
					Checks: []*catalog.Check{
						{CheckID: "c", Status: catalog.Passing}, {CheckID: "o", Status: catalog.Passing}, {CheckID: "x", Status: catalog.Passing},
						{CheckID: "w", ServiceID: "web", Status: catalog.Passing},
					},
				})
				f.register(&catalog.Register{Node: "n1", SkipNodeUpdate: true, Service: &catalog.Service{Service: "db"}})
				f.register(&catalog.Register{Node: "n2"})
				f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{
					ID: "s", Node: "N1", Behavior: behavior, LockDelay: time.Hour,
					NodeChecks: []string{"c"}, ServiceChecks: []catalog.SessionServiceCheck{{ID: "w"}}, Checks: []string{"o"},
				}})
				f.session("S", "n2")
				f.lock("a", "s")
				f.lock("b", "S")
				f.put("c", "")
				freed := f.tell(test.kind, test.cmd)
				_, s := f.store.Read().Session(nil, "s")
				index, a := f.store.Read().KVGet(nil, "a")
				if !test.ends {
					if s == nil || a == nil || a.Session != "s" || freed != nil {
						t.Fatalf("got session %v, key %+v, freed %v; want all as it was", s, a, freed)
					}
					return
				}
				if want := []catalog.FreedLock{{Key: "a", Delay: catalog.MaxLockDelay, Index: f.index}}; s != nil || !reflect.DeepEqual(freed, want) {
					t.Errorf("got session %v, freed %v; want none, %v", s, freed, want)
				}
				switch {
				case index != f.index:
					t.Errorf("key has index %d, want %d", index, f.index)
				case behavior == catalog.SessionDelete && a != nil:
					t.Errorf("got %+v, want it deleted", a)
				case behavior == catalog.SessionRelease && (a == nil || a.Session != "" || a.LockIndex != 1):
					t.Errorf("got %+v, want it released with LockIndex 1", a)
				}
			})
		}
	}
}

func TestSessionsAreRefusedWithTheReferenceTexts(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1", Checks: []*catalog.Check{
		{CheckID: "ok", Status: catalog.Warning}, {CheckID: "bad", Status: catalog.Critical},
		{CheckID: "show", Status: catalog.Critical, Type: "session", Definition: catalog.CheckDefinition{SessionName: "lead"}},
	}})
	f.session("s", "N1", "ok", "show")
	for _, test := range []struct {
		session catalog.Session
		kind    fault.Kind
		want    string
	}{
		{catalog.Session{ID: "t", Node: "none"}, fault.Rejected, "Missing node registration"},
		{catalog.Session{ID: "t", Node: "n1", NodeChecks: []string{"zz"}}, fault.Rejected, "Missing check 'zz' registration"},
		{catalog.Session{ID: "t", Node: "n1", Checks: []string{"zz"}}, fault.Rejected, "Missing check 'zz' registration"},
		{catalog.Session{ID: "t", Node: "n1", NodeChecks: []string{"ok", "bad"}}, fault.Rejected, "Check 'bad' is in critical state"},
		{catalog.Session{ID: "t", Node: "n1", ServiceChecks: []catalog.SessionServiceCheck{{ID: "bad"}}}, fault.Rejected, "Check 'bad' is in critical state"},
		{catalog.Session{ID: "t", Node: "n1", Behavior: "zz"}, fault.Rejected, "Invalid Behavior setting 'zz'"},
		{catalog.Session{ID: "s", Node: "n1"}, fault.Conflict, `there is a session "s"`},
		{catalog.Session{Node: "n1"}, fault.Internal, "a session needs an ID"},
	} {
		err, _ := f.apply(catalog.SessionCommand, &catalog.SessionWrite{Session: test.session}).(error)
		if err == nil || err.Error() != test.want || fault.KindOf(err) != test.kind {
			t.Errorf("%+v: got %v of kind %v, want %s", test.session, err, fault.KindOf(err), test.want)
		}
	}
	if _, list := f.store.Read().Sessions(nil); len(list) != 1 || list[0].Node != "n1" {
		t.Errorf("got %d sessions, the first %+v; want one on n1", len(list), list[0])
	}
}

// A check of type session follows the sessions of its name, and its end ends
// those that are bound to it.
func TestChecksOfTypeSessionFollowTheirSession(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1", Service: &catalog.Service{Service: "web"}, Checks: []*catalog.Check{
		{CheckID: "show", Definition: catalog.CheckDefinition{SessionName: "lead"}},
	}})
	want := func(status, output string, index uint64) {
		t.Helper()
		tx := f.store.Read()
		if _, checks := tx.NodeChecks(nil, "n1"); checks[0].Status != status || checks[0].Output != output || checks[0].ModifyIndex != 1 {
			t.Errorf("got %s %q [%d], want %s %q [1]", checks[0].Status, checks[0].Output, checks[0].ModifyIndex, status, output)
		}
		if at, health := tx.ServiceHealth(nil, "web"); health[0].Checks[0].Status != status || at != index {
			t.Errorf("web is %s at %d, want %s at %d", health[0].Checks[0].Status, at, status, index)
		}
	}
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: "s1", Name: "lead", Node: "n1"}})
	want(catalog.Passing, "Session 's1' in force", 2)
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: "s2", Name: "other", Node: "n1", NodeChecks: []string{"show"}}})
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: "s3", Node: "n1"}})
	want(catalog.Passing, "Session 's1' in force", 2)
	f.endSession("s1")
	want(catalog.Critical, "Session 's1' is invalid", 5)
	if _, list := f.store.Read().Sessions(nil); len(list) != 1 || list[0].ID != "s3" {
		t.Errorf("got %d sessions, want only s3: s2 was bound to the check", len(list))
	}
}

func TestAbsentAndEmptyListsOfASessionStayApart(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1"})
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{ID: "absent", Node: "n1"}})
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Session: catalog.Session{
		ID: "empty", Node: "n1", NodeChecks: []string{}, ServiceChecks: []catalog.SessionServiceCheck{},
	}})
	for range 2 {
		_, list := f.store.Read().Sessions(nil)
		if list[0].NodeChecks != nil || list[0].ServiceChecks != nil || list[1].NodeChecks == nil || list[1].ServiceChecks == nil {
			t.Errorf("got %s and %s", text(list[0]), text(list[1]))
		}
		if err := f.store.Restore(readerOf(f.snapshot())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReapedDeletionsLeaveNoTrace(t *testing.T) {
	f := newFixture(t)
	f.put("t/a", "1")
	f.put("t/b", "1")
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "t/b"}})
	f.put("u", "1")
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "u"}})
	want := func(prefix string, index uint64) {
		t.Helper()
		if got, _ := f.store.Read().KVKeys(nil, prefix, ""); got != index {
			t.Errorf("index of %q is %d, want %d", prefix, got, index)
		}
	}
	want("t/", 3)
	want("u", 5)
	if got := f.store.Read().Deletions(); got != 5 {
		t.Errorf("the latest deletion is at %d, want 5", got)
	}
	ws := catalog.WatchSet{}
	f.store.Read().KVKeys(ws, "t/", "")
	f.must(catalog.ReapCommand, &catalog.Reap{Index: 3})
	want("t/", 1)
	want("u", 5)
	f.must(catalog.ReapCommand, &catalog.Reap{Index: 5})
	want("t/", 1)
	want("u", 5) // the table's: nothing else is known
	if isWoken(ws) {
		t.Error("reaping woke a watcher")
	}
}

// The file was written by a server that knew no sessions.
func TestSnapshotWithoutSessionsIsRestored(t *testing.T) {
	f := restoredFrom(t, "testdata/before-sessions.snapshot")
	tx := f.store.Read()
	if index, list := tx.Sessions(nil); index != 0 || list == nil || len(list) != 0 || tx.LastIndex() != 5 {
		t.Errorf("got %v at %d of %d, want no sessions at 0 of 5", list, index, tx.LastIndex())
	}
	if index, _ := tx.KVKeys(nil, "gone", ""); index != 4 || tx.Deletions() != 4 {
		t.Errorf("the deletion is at %d and %d, want 4", index, tx.Deletions())
	}
	f.index = 100
	f.session("s", "n1", catalog.SerfHealth)
	f.lock("k", "s")
	if _, e := f.store.Read().KVGet(nil, "k"); e.Session != "s" || e.LockIndex != 1 {
		t.Errorf("got %+v, want it locked", e)
	}
	restoresToItself(t, f.store)
}
