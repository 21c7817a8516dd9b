package catalog_test

import (
	"fmt"
	"testing"

	"praetor/catalog"
)

// watched collects the channels of one query.
type watched map[string]catalog.WatchSet

func (w watched) on(name string, query func(catalog.WatchSet)) {
	w[name] = make(catalog.WatchSet)
	query(w[name])
}

// wokenBy runs change and fails unless exactly the named watchers wake.
func (w watched) wokenBy(t *testing.T, change func(), names ...string) {
	t.Helper()
	change()
	want := make(map[string]bool)
	for _, name := range names {
		want[name] = true
		if w[name] == nil {
			t.Errorf("nobody watches as %q", name)
		}
	}
	for name, ws := range w {
		if got := isWoken(ws); got != want[name] {
			t.Errorf("watcher of %s: woken is %v, want %v", name, got, want[name])
		}
	}
}

func isWoken(ws catalog.WatchSet) bool {
	for ch := range ws {
		select {
		case <-ch:
			return true
		default:
		}
	}
	return false
}

// watchAll starts a watcher of every query on the fixture below.
func watchAll(f *fixture) watched {
	w, tx := watched{}, f.store.Read()
	w.on("nodes", func(ws catalog.WatchSet) { tx.Nodes(ws) })
	w.on("node n1", func(ws catalog.WatchSet) { tx.NodeServices(ws, "n1") })
	w.on("node n2", func(ws catalog.WatchSet) { tx.NodeServices(ws, "n2") })
	w.on("node by ID", func(ws catalog.WatchSet) { tx.Node(ws, "4040") })
	w.on("services", func(ws catalog.WatchSet) { tx.Services(ws) })
	w.on("instances of web", func(ws catalog.WatchSet) { tx.ServiceInstances(ws, "web") })
	w.on("health of web", func(ws catalog.WatchSet) { tx.ServiceHealth(ws, "WEB") })
	w.on("instances of db", func(ws catalog.WatchSet) { tx.ServiceInstances(ws, "db") })
	w.on("health of db", func(ws catalog.WatchSet) { tx.ServiceHealth(ws, "db") })
	w.on("missing later", func(ws catalog.WatchSet) { tx.ServiceHealth(ws, "later") })
	w.on("checks of web", func(ws catalog.WatchSet) { tx.ServiceChecks(ws, "web") })
	w.on("checks of n1", func(ws catalog.WatchSet) { tx.NodeChecks(ws, "n1") })
	w.on("passing", func(ws catalog.WatchSet) { tx.ChecksInState(ws, "passing") })
	w.on("places", func(ws catalog.WatchSet) { tx.Coordinates(ws) })
	w.on("place of n1", func(ws catalog.WatchSet) { tx.NodeCoordinates(ws, "N1") })
	w.on("sessions", func(ws catalog.WatchSet) { tx.Sessions(ws) })
	w.on("session s1", func(ws catalog.WatchSet) { tx.Session(ws, "s1") })
	w.on("sessions of n2", func(ws catalog.WatchSet) { tx.NodeSessions(ws, "n2") })
	w.on("key a/1", func(ws catalog.WatchSet) { tx.KVGet(ws, "a/1") })
	w.on("prefix a/", func(ws catalog.WatchSet) { tx.KVList(ws, "a/") })
	w.on("keys b/", func(ws catalog.WatchSet) { tx.KVKeys(ws, "b/", "/") })
	return w
}

// watchFixture holds web on n1 and n2, db on n2, and some keys.
func watchFixture(t *testing.T) *fixture {
	f := newFixture(t)
	f.register(web("n1", "passing"))
	f.register(web("n2", "passing"))
	f.register(&catalog.Register{Node: "n2", Service: &catalog.Service{Service: "db"}, Checks: []*catalog.Check{{CheckID: "d", ServiceID: "db"}}})
	f.register(&catalog.Register{Node: "n3", ID: "40404040-0000-0000-0000-000000000001"})
	for _, key := range []string{"a/1", "a/2", "b/1", "b/2"} {
		f.put(key, "x")
	}
	f.place("n1", 1)
	f.place("n2", 2)
	f.session("s1", "n1", "c")
	f.session("s2", "n2")
	f.session("s3", "n3")
	return f
}

func web(node, status string) *catalog.Register {
	return &catalog.Register{
		Node: node, Service: &catalog.Service{ID: "w", Service: "web"},
		Checks: []*catalog.Check{{CheckID: "c", ServiceID: "w", Status: status}},
	}
}

// Watchers of passing checks, and of a service's, wake for some changes beside:
// DESIGN.md says which and why.
func TestChangesWakeThoseWhoseAnswerChangesAndNobodyElse(t *testing.T) {
	if catalog.BirthKey("other") == catalog.BirthKey("later") {
		t.Fatal("choose names of different hash")
	}
	tests := []struct {
		name   string
		change func(f *fixture)
		woken  []string
	}{
		{"the same registration again", func(f *fixture) { f.register(web("n1", "passing")) }, nil},
		{"the same key again", func(f *fixture) { f.put("a/1", "x") }, nil},
		{"removals of what is not there", func(f *fixture) {
			f.deregister(&catalog.Deregister{Node: "none"})
			f.deregister(&catalog.Deregister{Node: "n1", ServiceID: "none"})
			f.deregister(&catalog.Deregister{Node: "n1", CheckID: "none"})
		}, nil},
		{
			"a check of web on n1", func(f *fixture) { f.register(web("n1", "critical")) },
			[]string{"health of web", "checks of web", "checks of n1", "passing", "sessions", "session s1"},
		},
		{
			"web on n2", func(f *fixture) {
				f.register(&catalog.Register{Node: "n2", Service: &catalog.Service{ID: "w", Service: "web", Port: 1}})
			},
			[]string{"node n2", "services", "instances of web", "health of web", "checks of web"},
		},
		{
			"the record of n2", func(f *fixture) { f.register(&catalog.Register{Node: "n2", Address: "10.9.9.9"}) },
			[]string{"nodes", "node n2", "instances of web", "health of web", "checks of web", "instances of db", "health of db"},
		},
		{
			"the record of a node without services", func(f *fixture) {
				f.register(&catalog.Register{Node: "n3", Address: "10.9.9.9", ID: "40404040-0000-0000-0000-000000000001"})
			},
			[]string{"nodes", "node by ID"},
		},
		{
			"a check of n1 itself", func(f *fixture) {
				f.register(&catalog.Register{Node: "n1", Checks: []*catalog.Check{{CheckID: "disk"}}})
			},
			[]string{"health of web", "checks of web", "checks of n1", "passing"},
		},
		{
			"the birth of another service", func(f *fixture) {
				f.register(&catalog.Register{Node: "n3", SkipNodeUpdate: true, Service: &catalog.Service{Service: "other"}})
			},
			[]string{"node by ID", "services"},
		},
		{
			"the birth of the missing service", func(f *fixture) {
				f.register(&catalog.Register{Node: "n3", SkipNodeUpdate: true, Service: &catalog.Service{Service: "Later"}})
			},
			[]string{"node by ID", "services", "missing later"},
		},
		{
			"the end of db", func(f *fixture) { f.deregister(&catalog.Deregister{Node: "n2", ServiceID: "db"}) },
			[]string{"node n2", "services", "instances of db", "health of db", "missing later", "passing"},
		},
		{
			"one instance fewer", func(f *fixture) { f.deregister(&catalog.Deregister{Node: "n1", ServiceID: "w"}) },
			[]string{"node n1", "services", "instances of web", "health of web", "checks of web", "checks of n1", "passing", "sessions", "session s1"},
		},
		{
			"the end of n1", func(f *fixture) { f.deregister(&catalog.Deregister{Node: "n1"}) },
			[]string{"nodes", "node n1", "services", "instances of web", "health of web", "checks of web", "checks of n1", "passing", "places", "place of n1", "sessions", "session s1"},
		},
		{"a session", func(f *fixture) { f.session("s9", "n1") }, []string{"sessions"}},
		{"a session beside", func(f *fixture) { f.session("s9", "n2") }, []string{"sessions", "sessions of n2"}},
		{"the end of a session", func(f *fixture) { f.endSession("s2") }, []string{"sessions", "sessions of n2"}},
		{"the end of no session", func(f *fixture) { f.endSession("none") }, nil},
		{"the same place again", func(f *fixture) { f.place("N1", 1) }, nil},
		{"a place", func(f *fixture) { f.place("n1", 3) }, []string{"places", "place of n1"}},
		{"the place of nobody", func(f *fixture) { f.place("none", 3) }, nil},
		{"a key", func(f *fixture) { f.put("a/1", "y") }, []string{"key a/1", "prefix a/"}},
		{"the key beside", func(f *fixture) { f.put("a/2", "y") }, []string{"prefix a/"}},
		{
			"a removed key", func(f *fixture) {
				f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "b/2"}})
			}, []string{"keys b/"},
		},
		{
			"a removed tree", func(f *fixture) {
				f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDeleteTree, Entry: catalog.KVEntry{Key: "a"}})
			}, []string{"key a/1", "prefix a/"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := watchFixture(t)
			watchAll(f).wokenBy(t, func() { test.change(f) }, test.woken...)
		})
	}
}

func TestMissingNodeWakesItsWatchersWhenItAppears(t *testing.T) {
	for _, key := range []string{"later", "40404040"} {
		f := newFixture(t)
		ws := make(catalog.WatchSet)
		if _, n := f.store.Read().Node(ws, key); n != nil {
			t.Fatalf("got %v, want none", n)
		}
		f.register(&catalog.Register{Node: "later", ID: "40404040-0000-0000-0000-000000000001"})
		if !isWoken(ws) {
			t.Errorf("watcher of %s sleeps on", key)
		}
	}
}

func TestMissingKeyWakesItsWatchersWhenItAppears(t *testing.T) {
	f := watchFixture(t)
	ws := make(catalog.WatchSet)
	f.store.Read().KVGet(ws, "a/3")
	f.put("a/3", "x")
	if !isWoken(ws) {
		t.Error("watcher sleeps on")
	}
}

func TestWatchOfTenThousandInstancesIsOneChannel(t *testing.T) {
	f := newFixture(t)
	for i := range 10_000 {
		r := web(fmt.Sprintf("n%d", i), "passing")
		r.Address = "10.0.0.1"
		f.apply(catalog.RegisterCommand, r)
	}
	for name, query := range map[string]func(*catalog.Tx, catalog.WatchSet) int{
		"health": func(tx *catalog.Tx, ws catalog.WatchSet) int { _, got := tx.ServiceHealth(ws, "web"); return len(got) },
		"instances": func(tx *catalog.Tx, ws catalog.WatchSet) int {
			_, got := tx.ServiceInstances(ws, "web")
			return len(got)
		},
		"checks": func(tx *catalog.Tx, ws catalog.WatchSet) int { _, got := tx.ServiceChecks(ws, "web"); return len(got) },
	} {
		ws := make(catalog.WatchSet)
		if got := query(f.store.Read(), ws); got != 10_000 || len(ws) != 1 {
			t.Errorf("%s: got %d rows and %d channels, want 10000 and 1", name, got, len(ws))
		}
	}
}

func TestServicesAnswersWithTheSameMapUntilServicesChange(t *testing.T) {
	f := watchFixture(t)
	same := func(a, b map[string][]string) bool { return fmt.Sprintf("%p", a) == fmt.Sprintf("%p", b) }
	before := f.store.Read()
	_, first := before.Services(nil)
	f.put("a/1", "y")
	f.register(web("n1", "critical"))
	if _, second := f.store.Read().Services(nil); !same(first, second) {
		t.Error("got another map after changes of keys and checks")
	}
	f.deregister(&catalog.Deregister{Node: "n2", ServiceID: "db"})
	if _, third := f.store.Read().Services(nil); same(first, third) || len(third) != 1 {
		t.Errorf("got %v, want a new map of one service", third)
	}
	if _, again := before.Services(nil); len(again) != 2 {
		t.Errorf("got %v from the older transaction, want the two services it knew", again)
	}
}

func TestUnchangedInstancesKeepTheirRow(t *testing.T) {
	f := watchFixture(t)
	_, before := f.store.Read().ServiceHealth(nil, "web")
	f.register(web("n2", "critical"))
	_, after := f.store.Read().ServiceHealth(nil, "web")
	if len(before) != 2 || len(after) != 2 || before[0] != after[0] || before[1] == after[1] {
		t.Errorf("got %p, want %p with only the second renewed", after, before)
	}
}

func TestReplacedClosesForTransactionsOfTheOldState(t *testing.T) {
	f := watchFixture(t)
	tx := f.store.Read()
	if err := f.store.Restore(readerOf(f.snapshot())); err != nil {
		t.Fatal(err)
	}
	select {
	case <-tx.Replaced():
	default:
		t.Error("the old transaction's channel is open")
	}
	select {
	case <-f.store.Read().Replaced():
		t.Error("the new transaction's channel is closed")
	default:
	}
}
