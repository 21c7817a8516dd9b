package catalog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

// generator makes random commands over few names, so that they meet.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) command(tw *twin) (catalog.CommandType, msgp.Marshaler) {
	switch g.IntN(19) {
	case 0, 1, 2, 3:
		return catalog.RegisterCommand, g.register()
	case 4, 5:
		return catalog.DeregisterCommand, &catalog.Deregister{
			Node: g.node(), ServiceID: pick(g, "", "s", "S", "t"), CheckID: pick(g, "", "c1", "c2"),
		}
	case 6:
		return catalog.CoordinateCommand, g.places()
	case 7, 8:
		return catalog.SessionCommand, g.session(tw)
	case 9, 10, 11:
		return catalog.TxnCommand, g.txn(tw)
	case 12, 13:
		return catalog.ConfigCommand, g.config(tw)
	default:
		return catalog.KVWriteCommand, g.kvWrite(tw)
	}
}

// places names no place twice: moving there and back is a change.
func (g generator) places() *catalog.CoordinateBatch {
	b, seen := &catalog.CoordinateBatch{}, map[string]bool{}
	for range g.IntN(4) {
		vec := make([]float64, pick(g, catalog.Dimensions, catalog.Dimensions, catalog.Dimensions, 2))
		vec[1] = pick(g, 0, 0.5)
		c := &catalog.Coordinate{
			Node: g.node(), Segment: pick(g, "", "", "s"), Coord: catalog.Coord{Vec: vec, Height: pick(g, 0, 1e-5)},
		}
		if name := strings.ToLower(c.Node) + "/" + c.Segment; !seen[name] {
			b.Coordinates, seen[name] = append(b.Coordinates, c), true
		}
	}
	return b
}

func (g generator) sessionID() string { return pick(g, "s1", "s2", "s3", "s4") }

// session is mostly of a node that is there, and bound to checks that are.
func (g generator) session(tw *twin) *catalog.SessionWrite {
	w := &catalog.SessionWrite{Session: catalog.Session{ID: g.sessionID()}}
	if g.IntN(4) == 0 {
		w.Verb = catalog.SessionDestroy
		return w
	}
	w.Session.Node, w.Session.Name, w.Session.Behavior = g.node(), pick(g, "", "lead"), pick(g, "", catalog.SessionRelease, catalog.SessionDelete, catalog.SessionDelete, "odd")
	w.Session.LockDelay = pick(g, -1, 0, time.Second, time.Hour)
	if nodes := tw.nodeList(); len(nodes) > 0 && g.IntN(8) > 0 {
		w.Session.Node = pick(g, nodes...).Node
	}
	checks := tw.checkList(func(c *catalog.Check) bool {
		return strings.EqualFold(c.Node, w.Session.Node) && c.Status != catalog.Critical
	})
	if len(checks) > 0 && g.IntN(3) > 0 {
		w.Session.NodeChecks = []string{pick(g, checks...).CheckID}
	} else {
		w.Session.NodeChecks = pick(g, nil, []string{}, []string{}, []string{"c1", "lead"})
	}
	w.Session.ServiceChecks = pick(g, nil, nil, []catalog.SessionServiceCheck{}, []catalog.SessionServiceCheck{{ID: "c2"}})
	w.Session.Checks = pick(g, nil, nil, nil, []string{"c1"})
	return w
}

func (g generator) node() string { return pick(g, "a", "A", "b", "b\x00c", "\x01") }

func (g generator) register() *catalog.Register {
	r := &catalog.Register{
		Node: g.node(), Address: pick(g, "1.1.1.1", "1.1.1.1", "2.2.2.2"), Datacenter: "dc1",
		ID:             pick(g, "", "", "aaaaaaaa-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000002"),
		SkipNodeUpdate: g.IntN(3) == 0,
	}
	if g.IntN(4) == 0 {
		r.NodeMeta = map[string]string{"k": pick(g, "v", "w"), "l": "x", "m": "y"}
	}
	if g.IntN(2) == 0 {
		r.Service = g.service()
	}
	for range g.IntN(3) {
		r.Checks = append(r.Checks, &catalog.Check{
			CheckID: pick(g, "c1", "c2", catalog.SerfHealth), Status: pick(g, catalog.Passing, catalog.Critical),
			Output: pick(g, "", "o"), ServiceID: pick(g, "", "", "s", "S", "t"),
		})
	}
	if g.IntN(4) == 0 {
		r.Checks = append(r.Checks, &catalog.Check{
			CheckID: "lead", Status: pick(g, catalog.Passing, catalog.Critical), Type: "session", ServiceID: pick(g, "", "s"),
			Definition: catalog.CheckDefinition{SessionName: "lead"},
		})
	}
	return r
}

func (g generator) service() *catalog.Service {
	return &catalog.Service{
		ID: pick(g, "s", "S", "t"), Service: pick(g, "web", "Web", "db"), Port: g.IntN(2), Kind: pick(g, "", "", "connect-proxy"),
		Tags:    pick(g, nil, []string{"x"}, []string{"y", "x"}, []string{"x", "x"}, []string{""}),
		Meta:    pick(g, nil, map[string]string{"p": "1", "q": "2", "r": "3"}),
		Connect: pick(g, nil, &catalog.Connect{Native: true}),
		Proxy:   pick(g, nil, &catalog.Proxy{DestinationServiceName: "web"}, &catalog.Proxy{DestinationServiceName: "DB"}),
		Weights: catalog.Weights{Passing: 1, Warning: 1},
	}
}

func (g generator) kvWrite(tw *twin) *catalog.KVWrite {
	w := &catalog.KVWrite{Verb: catalog.KVVerb(g.IntN(7))}
	if g.IntN(4) == 0 {
		w.Verb = pick(g, catalog.KVSet, catalog.KVLock)
	}
	w.Entry.Key = pick(g, "a", "a/", "a/b", "a/b/c", "a/c", "ab", "b", "b/\x00", "é")
	if old := tw.kv[w.Entry.Key]; old != nil && g.IntN(2) == 0 {
		w.Entry.ModifyIndex = old.ModifyIndex
	}
	if w.Verb >= catalog.KVLock {
		w.Entry.Session = g.sessionID()
		if all := tw.sessionList(func(*catalog.Session) bool { return true }); len(all) > 0 && g.IntN(4) > 0 {
			w.Entry.Session = pick(g, all...).ID
		}
	}
	if w.Verb <= catalog.KVCAS || w.Verb >= catalog.KVLock {
		w.Entry.Flags, w.Entry.Value = uint64(g.IntN(2)), pick(g, nil, []byte("1"), []byte("2"))
	}
	if w.Verb == catalog.KVDeleteTree {
		w.Entry.Key = pick(g, "a/", "a/b", "b", "a", "")
	}
	return w
}

// answer is what a query said and what it watches.
type answer struct {
	index uint64
	text  string
	want  string // the twin's
	watch catalog.WatchSet
}

// ask puts every question to the store and to its twin.
func ask(tx *catalog.Tx, tw *twin) map[string]*answer {
	answers := map[string]*answer{}
	add := func(name string, query func(ws catalog.WatchSet) (uint64, any), want any) {
		a := &answer{watch: catalog.WatchSet{}, want: text(want)}
		var got any
		a.index, got = query(a.watch)
		a.text = text(got)
		answers[name] = a
	}
	add("nodes", func(ws catalog.WatchSet) (uint64, any) { return pair(tx.Nodes(ws)) }, tw.nodeList())
	add("places", func(ws catalog.WatchSet) (uint64, any) { return pair(tx.Coordinates(ws)) },
		tw.placeList(func(*catalog.Coordinate) bool { return true }))
	add("sessions", func(ws catalog.WatchSet) (uint64, any) { return pair(tx.Sessions(ws)) },
		tw.sessionList(func(*catalog.Session) bool { return true }))
	for _, id := range []string{"s1", "s2", "s3", "none"} {
		add("session "+id, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.Session(ws, id)) }, tw.sessions[id])
	}
	add("services", func(ws catalog.WatchSet) (uint64, any) { return pair(tx.Services(ws)) }, tw.serviceMap())
	for _, name := range []string{"a", "b", "b\x00c", "\x01", "none"} {
		var want *catalog.NodeServices
		if n := tw.nodes[name]; n != nil {
			want = &catalog.NodeServices{Node: n, Services: tw.serviceList(func(s *catalog.Service) bool { return strings.EqualFold(s.Node, name) })}
		}
		add("node "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.NodeServices(ws, strings.ToUpper(name))) }, want)
		add("sessions of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.NodeSessions(ws, strings.ToUpper(name))) },
			tw.sessionList(func(s *catalog.Session) bool { return strings.EqualFold(s.Node, name) }))
		add("places of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.NodeCoordinates(ws, strings.ToUpper(name))) },
			tw.placeList(func(c *catalog.Coordinate) bool { return strings.EqualFold(c.Node, name) }))
		add("checks of node "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.NodeChecks(ws, name)) },
			tw.checkList(func(c *catalog.Check) bool { return strings.EqualFold(c.Node, name) }))
	}
	for _, name := range []string{"web", "db", "none"} {
		instances := []*catalog.Instance{}
		for _, s := range tw.serviceList(ofService(name)) {
			instances = append(instances, &catalog.Instance{Node: tw.nodes[strings.ToLower(s.Node)], Service: s})
		}
		add("instances of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ServiceInstances(ws, name)) }, instances)
		add("health of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ServiceHealth(ws, name)) }, tw.health(name))
		mesh := []*catalog.Instance{}
		for _, i := range tw.meshHealth(name) {
			mesh = append(mesh, &catalog.Instance{Node: i.Node, Service: i.Service})
		}
		add("mesh of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.MeshInstances(ws, strings.ToUpper(name))) }, mesh)
		add("mesh health of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.MeshHealth(ws, name)) }, tw.meshHealth(name))
		add("checks of "+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ServiceChecks(ws, strings.ToUpper(name))) },
			tw.checkList(func(c *catalog.Check) bool { return c.ServiceID != "" && strings.EqualFold(c.ServiceName, name) }))
	}
	for _, kind := range []string{"", "service-defaults", "service-resolver"} {
		add("configs "+kind, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ConfigEntries(ws, kind)) }, tw.configList(kind))
		for _, name := range []string{"web", "db"} {
			add("config "+kind+"/"+name, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ConfigEntry(ws, kind, strings.ToUpper(name))) },
				tw.configs[[2]string{kind, name}])
		}
	}
	for _, status := range []string{catalog.Passing, catalog.Critical, "any"} {
		add("state "+status, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.ChecksInState(ws, status)) },
			tw.checkList(func(c *catalog.Check) bool { return status == "any" || c.Status == status }))
	}
	for _, key := range []string{"", "a", "a/", "a/b", "a/b/c", "b", "b/\x00", "é", "none"} {
		if key != "" {
			add("key "+key, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.KVGet(ws, key)) }, tw.kv[key])
		}
		add("prefix "+key, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.KVList(ws, key)) }, tw.list(key))
		add("keys "+key, func(ws catalog.WatchSet) (uint64, any) { return pair(tx.KVKeys(ws, key, "/")) }, tw.keys(key, "/"))
	}
	add("counts", func(catalog.WatchSet) (uint64, any) { return tx.LastIndex(), tx.Counts() }, tw.counts())
	return answers
}

func pair[R any](index uint64, rows R) (uint64, any) { return index, rows }

// text is JSON, which tells nil slices from empty ones.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// apply runs a command on the twin and says what the store's result must be.
func (tw *twin) apply(cmd msgp.Marshaler) (want string) {
	tw.index++
	switch cmd := cmd.(type) {
	case *catalog.Register:
		if !tw.register(cmd) {
			return "refused"
		}
		return "done"
	case *catalog.Deregister:
		tw.deregister(cmd)
		return "done"
	case *catalog.CoordinateBatch:
		tw.putPlaces(cmd)
		return "done"
	case *catalog.SessionWrite:
		if !tw.session(cmd) {
			return "refused"
		}
		return "done"
	case *catalog.ConfigWrite:
		return tw.configWrite(cmd)
	case *catalog.Txn:
		return text(tw.txn(cmd))
	case *catalog.KVWrite:
		if cmd.Verb == catalog.KVLock && tw.sessions[cmd.Entry.Session] == nil {
			return "refused"
		}
		return fmt.Sprint(tw.kvWrite(cmd))
	}
	panic("no such command")
}

func resultText(result any) string {
	switch result := result.(type) {
	case nil:
		return "done"
	case error:
		return "refused"
	case *catalog.TxnAnswer:
		return text(result)
	default:
		return fmt.Sprint(result)
	}
}

// TestStoreAgreesWithItsTwin also holds each query to its promises: an index
// never goes back; whoever gets another answer gets a greater index and is
// woken; nobody is woken when nothing changed.
func TestStoreAgreesWithItsTwin(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			f, tw, g := newFixture(t), newTwin(), newGenerator(seed)
			before := ask(f.store.Read(), tw)
			for range 250 {
				kind, cmd := g.command(tw)
				result := resultText(f.apply(kind, cmd))
				if want := tw.apply(cmd); result != want {
					t.Fatalf("command %d %T %s: got %s, want %s", f.index, cmd, text(cmd), result, want)
				}
				after := ask(f.store.Read(), tw)
				_, several := cmd.(*catalog.Txn) // it may do a thing and undo it, which wakes who waited
				compareAnswers(t, fmt.Sprintf("command %d %T %s", f.index, cmd, text(cmd)), before, after, several)
				before = after
			}
		})
	}
}

// compareAnswers takes changed as said by the caller where answers alone cannot tell.
func compareAnswers(t *testing.T, what string, before, after map[string]*answer, changed bool) {
	t.Helper()
	for name, now := range after {
		was := before[name]
		changed = changed || now.text != was.text
		if now.text != now.want {
			t.Fatalf("%s: %s (-want +got)\n%s", what, name, cmp.Diff(now.want, now.text))
		}
		if now.index < was.index {
			t.Fatalf("%s: index of %s went from %d back to %d", what, name, was.index, now.index)
		}
		if name != "counts" && now.text != was.text && (now.index == was.index || !isWoken(was.watch)) {
			t.Fatalf("%s: %s changed; index %d, then %d; woken: %v", what, name, was.index, now.index, isWoken(was.watch))
		}
	}
	for name, was := range before {
		if !changed && isWoken(was.watch) {
			t.Fatalf("%s changed nothing, yet woke the watcher of %s", what, name)
		}
		if !changed && name != "counts" && was.index != after[name].index {
			t.Fatalf("%s changed nothing, yet moved the index of %s", what, name)
		}
	}
}

func TestStoresFedOneLogAgreeWhateverTheBatches(t *testing.T) {
	freed := 0
	for seed := range uint64(10) {
		tw, g := newTwin(), newGenerator(seed+100)
		var log []catalog.Entry
		for i := range 400 {
			kind, cmd := g.command(tw)
			data, err := catalog.Encode(kind, cmd)
			if err != nil {
				t.Fatal(err)
			}
			tw.apply(cmd)
			log = append(log, catalog.Entry{Index: uint64(i + 1), Data: data})
		}
		one, other := catalog.New(), catalog.New()
		var oneResults, otherResults []any
		var oneFreed, otherFreed []catalog.FreedLock
		for _, e := range log {
			for _, r := range one.ApplyFreed([]catalog.Entry{e}, func(freed []catalog.FreedLock) { oneFreed = append(oneFreed, freed...) }) {
				oneResults = append(oneResults, resultText(r))
			}
		}
		for rest := log; len(rest) > 0; {
			n := min(len(rest), 1+g.IntN(60))
			for _, r := range other.ApplyFreed(rest[:n], func(freed []catalog.FreedLock) { otherFreed = append(otherFreed, freed...) }) {
				otherResults = append(otherResults, resultText(r))
			}
			rest = rest[n:]
			if g.IntN(3) == 0 {
				if err := other.Restore(bytes.NewReader(snapshotOf(t, other))); err != nil {
					t.Fatal(err)
				}
			}
		}
		if a, b := hashOf(t, one), hashOf(t, other); a != b {
			t.Errorf("seed %d: hashes %x and %x differ", seed, a, b)
		}
		if a, b := fmt.Sprint(oneResults), fmt.Sprint(otherResults); a != b {
			t.Errorf("seed %d: results differ (-one +other)\n%s", seed, cmp.Diff(a, b))
		}
		if !cmp.Equal(oneFreed, tw.freed) || !cmp.Equal(otherFreed, tw.freed) {
			t.Errorf("seed %d: freed %v and %v, want %v", seed, oneFreed, otherFreed, tw.freed)
		}
		freed += len(tw.freed)
		if a, b := one.Read().Counts(), other.Read().Counts(); !cmp.Equal(a, b) || !cmp.Equal(a, tw.counts()) {
			t.Errorf("seed %d: counts %+v and %+v, want %+v", seed, a, b, tw.counts())
		}
	}
	if freed == 0 {
		t.Error("no lock was freed: the commands are too much alike")
	}
}

func hashOf(t testing.TB, s *catalog.Store) uint64 {
	t.Helper()
	h, err := s.Read().Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}
