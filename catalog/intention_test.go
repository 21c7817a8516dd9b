package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

// entry writes an entry as a leader prepares it.
func (f *fixture) entry(text string) {
	f.t.Helper()
	e, err := configentry.DecodeJSON(strings.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	if err := configentry.Prepare(e); err != nil {
		f.t.Fatal(err)
	}
	row, err := catalog.NewConfigEntry(e)
	if err != nil {
		f.t.Fatal(err)
	}
	f.must(catalog.ConfigCommand, &catalog.ConfigWrite{Entry: *row})
}

// intentions writes what may call a destination: names of sources, each with what is done.
func (f *fixture) intentions(destination string, sources ...string) {
	f.t.Helper()
	var list []string
	for _, s := range sources {
		name, action, _ := strings.Cut(s, "=")
		name, peer, _ := strings.Cut(name, "@")
		source := fmt.Sprintf(`{"Name":%q,"Action":%q`, name, action)
		if peer != "" {
			source += fmt.Sprintf(`,"Peer":%q`, peer)
		}
		list = append(list, source+"}")
	}
	f.entry(fmt.Sprintf(`{"Kind":"service-intentions","Name":%q,"Meta":{"to":%q},"Sources":[%s]}`, destination, destination, strings.Join(list, ",")))
}

func (f *fixture) forget(destination string) {
	f.t.Helper()
	f.apply(catalog.ConfigCommand, &catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: configentry.KindServiceIntentions, Name: destination}})
}

// spelled is a list of intentions in short.
func spelled(list []*mesh.Intention) string {
	var words []string
	for _, in := range list {
		source := in.Source.Name
		if in.Source.Peer != "" {
			source += "@" + in.Source.Peer
		}
		words = append(words, fmt.Sprintf("%s>%s:%s/%d", source, in.Destination, in.Source.Action, in.Source.Precedence))
	}
	return strings.Join(words, " ")
}

// TestIntentionsInTheOrderInWhichTheyCount (reference/mesh.md §1): both names exact first, then
// the destination, then the source.
func TestIntentionsInTheOrderInWhichTheyCount(t *testing.T) {
	f := newFixture(t)
	if index, list := f.store.Read().Intentions(nil); index != 0 || len(list) != 0 || list == nil {
		t.Errorf("at first there are %v at %d", list, index)
	}
	f.intentions("*", "web=allow", "*=deny")
	f.intentions("db", "*=deny", "web=allow", "api=deny", "web@east=deny")
	f.intentions("cache", "web=deny")
	f.entry(`{"Kind":"service-defaults","Name":"db","Protocol":"http"}`) // another kind is none
	tx := f.store.Read()
	for name, c := range map[string]struct {
		list func(ws catalog.WatchSet) (uint64, []*mesh.Intention)
		want string
	}{
		"all":             {tx.Intentions, "api>db:deny/9 web>cache:deny/9 web>db:allow/9 web@east>db:deny/9 *>db:deny/8 web>*:allow/6 *>*:deny/5"},
		"to one":          {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsTo(ws, "db") }, "api>db:deny/9 web>db:allow/9 web@east>db:deny/9 *>db:deny/8 web>*:allow/6 *>*:deny/5"},
		"to one in caps":  {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsTo(ws, "DB") }, "api>db:deny/9 web>db:allow/9 web@east>db:deny/9 *>db:deny/8 web>*:allow/6 *>*:deny/5"},
		"to nobody known": {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsTo(ws, "new") }, "web>*:allow/6 *>*:deny/5"},
		"to everybody":    {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsTo(ws, "*") }, "web>*:allow/6 *>*:deny/5"},
		"from one":        {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsFrom(ws, "web") }, "web>cache:deny/9 web>db:allow/9 *>db:deny/8 web>*:allow/6 *>*:deny/5"},
		"from another":    {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsFrom(ws, "api") }, "api>db:deny/9 *>db:deny/8 *>*:deny/5"},
		"from everybody":  {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsFrom(ws, "*") }, "*>db:deny/8 *>*:deny/5"},
		"from who is new": {func(ws catalog.WatchSet) (uint64, []*mesh.Intention) { return tx.IntentionsFrom(ws, "new") }, "*>db:deny/8 *>*:deny/5"},
	} {
		index, list := c.list(nil)
		if got := spelled(list); got != c.want || index != f.index {
			t.Errorf("%s: %s at %d\nwant %s at %d", name, got, index, c.want, f.index)
		}
	}
}

func TestOneIntentionIsFoundByItsNames(t *testing.T) {
	f := newFixture(t)
	f.intentions("db", "web=allow", "web@east=deny", "*=deny")
	tx := f.store.Read()
	for _, c := range []struct {
		peer, source, destination string
		want                      string
	}{
		{"", "web", "db", "web>db:allow/9"},
		{"east", "web", "db", "web@east>db:deny/9"},
		{"", "*", "db", "*>db:deny/8"},
		{"", "web", "DB", "web>db:allow/9"},
		{"west", "web", "db", ""},
		{"", "api", "db", ""},
		{"", "Web", "db", ""}, // certificates spell names exactly
		{"", "web", "*", ""},
		{"", "web", "cache", ""},
	} {
		index, in := tx.Intention(nil, c.peer, c.source, c.destination)
		got := ""
		if in != nil {
			got = spelled([]*mesh.Intention{in})
		}
		if got != c.want || index != f.index {
			t.Errorf("%s@%s to %s: %q at %d, want %q at %d", c.source, c.peer, c.destination, got, index, c.want, f.index)
		}
	}
	_, in := tx.Intention(nil, "", "web", "db")
	if in.Meta["to"] != "db" || in.CreateIndex != 1 || in.ModifyIndex != 1 {
		t.Errorf("it has %v, and indexes %d and %d", in.Meta, in.CreateIndex, in.ModifyIndex)
	}
	f.intentions("db", "web=deny")
	if _, in := f.store.Read().Intention(nil, "", "web", "db"); in == nil || in.Source.Action != "deny" || in.CreateIndex != 1 || in.ModifyIndex != 2 {
		t.Errorf("replaced: %+v", in)
	}
	if _, in := f.store.Read().Intention(nil, "", "*", "db"); in != nil {
		t.Errorf("one that was in the entry before: %+v", in)
	}
	if _, in := tx.Intention(nil, "", "*", "db"); in == nil {
		t.Error("a transaction does not see the moment at which it began")
	}
}

// TestIntentionsOfTheOldAPIAreFoundByTheirID, in any letter case, while their entry is there.
func TestIntentionsOfTheOldAPIAreFoundByTheirID(t *testing.T) {
	const one, two = "0f3a3c1f-0d3c-4c7e-9d51-00000000000a", "0f3a3c1f-0d3c-4c7e-9d51-00000000000b"
	f := newFixture(t)
	legacy := func(destination, source, id string) string {
		return fmt.Sprintf(`{"Kind":"service-intentions","Name":%q,"Sources":[{"Name":%q,"Action":"allow","LegacyID":%q,"LegacyMeta":{"k":%q},"LegacyCreateTime":"2026-01-02T03:04:05Z","LegacyUpdateTime":"2026-01-02T03:04:05Z"}]}`, destination, source, id, source)
	}
	f.entry(legacy("db", "web", one))
	f.entry(legacy("cache", "api", two))
	f.intentions("plain", "web=allow")
	tx := f.store.Read()
	for id, want := range map[string]string{one: "web>db:allow/9", strings.ToUpper(one): "web>db:allow/9", two: "api>cache:allow/9", one[:35]: "", "": "", "nope": ""} {
		index, in := tx.LegacyIntention(nil, id)
		got := ""
		if in != nil {
			got = spelled([]*mesh.Intention{in})
		}
		if got != want || index != f.index {
			t.Errorf("%q: %q at %d, want %q at %d", id, got, index, want, f.index)
		}
		if in != nil && in.Meta["k"] != in.Source.Name {
			t.Errorf("%q: its metadata are %v", id, in.Meta)
		}
	}
	f.forget("db")
	if _, in := f.store.Read().LegacyIntention(nil, one); in != nil {
		t.Errorf("one whose entry went: %+v", in)
	}
	restored := catalog.New()
	if err := restored.Restore(readerOf(f.snapshot())); err != nil {
		t.Fatal(err)
	}
	if _, in := restored.Read().LegacyIntention(nil, two); in == nil {
		t.Error("after a restore it is not found")
	}
	if _, list := restored.Read().IntentionsFrom(nil, "web"); spelled(list) != "web>plain:allow/9" {
		t.Errorf("after a restore: %s", spelled(list))
	}
}

// TestWhoWaitsForIntentionsIsWokenByThem: who waits for what is absent may be woken by its
// neighbours, who waits for what is there is not.
func TestWhoWaitsForIntentionsIsWokenByThem(t *testing.T) {
	reads := map[string]func(tx *catalog.Tx, ws catalog.WatchSet){
		"all":      func(tx *catalog.Tx, ws catalog.WatchSet) { tx.Intentions(ws) },
		"to db":    func(tx *catalog.Tx, ws catalog.WatchSet) { tx.IntentionsTo(ws, "db") },
		"from web": func(tx *catalog.Tx, ws catalog.WatchSet) { tx.IntentionsFrom(ws, "web") },
		"web>db":   func(tx *catalog.Tx, ws catalog.WatchSet) { tx.Intention(ws, "", "web", "db") },
	}
	for change, c := range map[string]struct {
		do    func(f *fixture)
		wakes []string
	}{
		"of another destination and source": {func(f *fixture) { f.intentions("cache", "api=allow") }, []string{"all"}},
		"of another destination":            {func(f *fixture) { f.intentions("cache", "web=allow") }, []string{"all", "from web"}},
		"of every source of another":        {func(f *fixture) { f.intentions("cache", "*=allow") }, []string{"all", "from web"}},
		"of every destination":              {func(f *fixture) { f.intentions("*", "api=deny") }, []string{"all", "to db"}},
		"of both":                           {func(f *fixture) { f.intentions("db", "web=deny") }, []string{"all", "from web", "to db", "web>db"}},
		"that takes it away":                {func(f *fixture) { f.forget("db") }, []string{"all", "from web", "to db", "web>db"}},
		"of another kind of entry":          {func(f *fixture) { f.entry(`{"Kind":"service-defaults","Name":"db","Protocol":"http"}`) }, nil},
		"of a key":                          {func(f *fixture) { f.put("a", "1") }, nil},
	} {
		f := newFixture(t)
		f.intentions("db", "web=allow")
		watches := map[string]catalog.WatchSet{}
		for name, read := range reads {
			watches[name] = catalog.WatchSet{}
			read(f.store.Read(), watches[name])
		}
		c.do(f)
		for name, ws := range watches {
			if woken, wanted := isWoken(ws), slices.Contains(c.wakes, name); wanted && !woken || woken && !wanted && (name == "web>db" || c.wakes == nil && name == "from web") {
				t.Errorf("a change %s wakes who reads %s: %t", change, name, woken)
			}
		}
	}
}

// TestPortsAndTagsOfInstances are found in any letter case, as DNS asks for them.
func TestPortsAndTagsOfInstances(t *testing.T) {
	s := &catalog.Service{Tags: []string{"Blue", "v1"}, Ports: []catalog.ServicePort{{Name: "http", Port: 80}, {Name: "Admin", Port: 81, Default: true}}}
	for tag, want := range map[string]bool{"blue": true, "BLUE": true, "v1": true, "v": false, "": false} {
		if s.HasTag(tag) != want {
			t.Errorf("tag %q: %t", tag, !want)
		}
	}
	for name, want := range map[string]int{"http": 80, "HTTP": 80, "admin": 81, "": 0, "grpc": 0} {
		if port, ok := s.PortNamed(name); port != want || ok != (want != 0) {
			t.Errorf("port %q: %d, %t", name, port, ok)
		}
	}
	if s.FillPort(); s.Port != 81 {
		t.Errorf("the default port is %d", s.Port)
	}
	s.Port = 9
	if s.FillPort(); s.Port != 9 {
		t.Errorf("a port that was given becomes %d", s.Port)
	}
	plain := &catalog.Service{Ports: []catalog.ServicePort{{Name: "http", Port: 80}}}
	if plain.FillPort(); plain.Port != 0 || plain.DefaultPort() != 0 {
		t.Errorf("without a default the port is %d", plain.Port)
	}
}

// TestKeysAreGoneOverInTheirOrder, below a prefix, at one moment.
func TestKeysAreGoneOverInTheirOrder(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{"b/2", "a", "b/10", "b", "b/1", "c"} {
		f.put(key, "v")
	}
	tx := f.store.Read()
	f.put("b/0", "later")
	for prefix, want := range map[string]string{"": "a b b/1 b/10 b/2 c", "b": "b b/1 b/10 b/2", "b/": "b/1 b/10 b/2", "b/1": "b/1 b/10", "d": ""} {
		var keys []string
		for e := range tx.KVEach(prefix) {
			keys = append(keys, e.Key)
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("below %q: %s, want %s", prefix, got, want)
		}
	}
	for e := range tx.KVEach("") {
		if e.Key != "a" {
			t.Errorf("it goes on to %s though nobody wants more", e.Key)
		}
		break
	}
}

// TestAPrefixKeepsItsChannelWhileNothingBelowItChanges: views tell by it that an answer holds.
func TestAPrefixKeepsItsChannelWhileNothingBelowItChanges(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{"a", "a/1", "b"} {
		f.put(key, "v")
	}
	channel := func() <-chan struct{} { return f.store.Read().WatchKVList(catalog.WatchSet{}, "a/") }
	first := channel()
	f.put("b/1", "v")
	f.put("a", "other")
	if channel() != first {
		t.Error("a change elsewhere gives it another")
	}
	f.put("a/2", "v")
	second := channel()
	if second == first {
		t.Error("a new key below it gives it no other")
	}
	select {
	case <-first:
	default:
		t.Error("the one before is not closed")
	}
	f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "a/2"}})
	if channel() == second {
		t.Error("a deletion below it gives it no other")
	}
}

func TestWhatIsRememberedIsWhatWasAskedFor(t *testing.T) {
	s := catalog.New()
	if got := s.History(); got.Kept() {
		t.Errorf("at first %+v", got)
	}
	for _, o := range []catalog.HistoryOptions{{Keys: true, MaxBytes: 5}, {Catalog: true}, {Keys: true, Catalog: true}, {}} {
		if s.KeepHistory(o); s.History() != o || o.Kept() != (o.Keys || o.Catalog) {
			t.Errorf("%+v became %+v, kept %t", o, s.History(), o.Kept())
		}
	}
}
