package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"praetor/catalog"
)

func (f *fixture) query(verb catalog.QueryVerb, id, name, session, template string) string {
	q := catalog.Query{ID: id, Name: name, Session: session, Template: catalog.QueryTemplate{Type: template}, Service: catalog.QueryService{Service: "web", NodeMeta: map[string]string{}}}
	if err, ok := f.apply(catalog.QueryCommand, &catalog.QueryWrite{Verb: verb, Query: q}).(error); ok {
		return err.Error()
	}
	return ""
}

const prefix = catalog.TemplateNamePrefix

func TestQueriesHaveNamesOfTheirOwn(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1"})
	f.session("s1", "n1")
	for _, row := range []struct {
		verb                        catalog.QueryVerb
		id, name, session, template string
		want                        string
	}{
		{catalog.QueryCreate, "", "a", "", "", "a prepared query needs an ID"},
		{catalog.QueryCreate, "q1", "a", "", "", ""},
		{catalog.QueryCreate, "q1", "b", "", "", `there is a prepared query "q1"`},
		{catalog.QueryCreate, "q2", "A", "", "", "name 'A' aliases an existing query name"},
		{catalog.QueryCreate, "q2", "A", "", prefix, "name 'A' aliases an existing query name"},
		{catalog.QueryCreate, "q2", "q1", "", "", "name 'q1' aliases an existing query ID"},
		{catalog.QueryCreate, "q2", "", "", prefix, ""},
		{catalog.QueryCreate, "q3", "", "", prefix, "a query template with an empty name already exists"},
		{catalog.QueryCreate, "q3", "", "s1", "", ""},
		{catalog.QueryCreate, "q4", "", "s1", "", ""},
		{catalog.QueryCreate, "q5", "c", "none", "", `invalid session "none"`},
		{catalog.QueryUpdate, "q5", "c", "", "", "Cannot modify non-existent prepared query: 'q5'"},
		{catalog.QueryUpdate, "q1", "a", "", "", ""},
		{catalog.QueryUpdate, "q4", "a", "", "", "name 'a' aliases an existing query name"},
		{catalog.QueryDelete, "q1", "", "", "", ""},
		{catalog.QueryDelete, "q1", "", "", "", ""},
		{catalog.QueryUpdate, "q4", "a", "", "", ""},
	} {
		if got := f.query(row.verb, row.id, row.name, row.session, row.template); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
	index, list := f.store.Read().Queries(nil)
	if index != f.index || len(list) != 3 {
		t.Errorf("index %d of %d, %d queries", index, f.index, len(list))
	}
}

func TestTheLongestTemplateAnswersForAName(t *testing.T) {
	f := newFixture(t)
	for id, name := range map[string]string{"id-any": "", "id-a": "a-", "id-ab": "A-b-", "id-exact": ""} {
		template := prefix
		if id == "id-exact" {
			name, template = "a-b-c", ""
		}
		if got := f.query(catalog.QueryCreate, id, name, "", template); got != "" {
			t.Fatal(got)
		}
	}
	for name, want := range map[string]string{
		"zzz": "id-any", "": "id-any", "a": "id-any", "a-": "id-a", "A-x": "id-a", "a-b-": "id-ab", "a-b-x": "id-ab",
		"a-b-c": "id-exact", "A-B-C": "id-exact", "a-b-cc": "id-ab", "id-exact": "id-exact", "id-ab": "id-ab",
	} {
		if q := f.store.Read().QueryNamed(name); q == nil || q.ID != want {
			t.Errorf("%q: %+v, want %s", name, q, want)
		}
	}
	f.query(catalog.QueryDelete, "id-any", "", "", "")
	if q := f.store.Read().QueryNamed("zzz"); q != nil {
		t.Errorf("without a template for all: %+v", q)
	}
}

func TestQueriesGoWithTheirSession(t *testing.T) {
	f := newFixture(t)
	f.register(&catalog.Register{Node: "n1"})
	f.session("s1", "n1")
	f.query(catalog.QueryCreate, "q1", "", "s1", "")
	f.query(catalog.QueryCreate, "q2", "stays", "", "")
	ws := catalog.WatchSet{}
	f.store.Read().Query(ws, "q1")
	f.endSession("s1")
	if !isWoken(ws) {
		t.Error("who watched the query was not woken")
	}
	if _, q := f.store.Read().Query(nil, "q1"); q != nil {
		t.Errorf("left: %+v", q)
	}
	if index, list := f.store.Read().Queries(nil); len(list) != 1 || index != f.index {
		t.Errorf("index %d of %d, %d queries", index, f.index, len(list))
	}
}

// TestStoresWithQueriesRestoreToThemselves feeds names and sessions that collide.
func TestStoresWithQueriesRestoreToThemselves(t *testing.T) {
	for seed := range uint64(20) {
		f, rng := newFixture(t), rand.New(rand.NewPCG(seed, 7))
		f.register(&catalog.Register{Node: "n1"})
		f.session("s1", "n1")
		pick := func(from ...string) string { return from[rng.IntN(len(from))] }
		for range 60 {
			f.query(catalog.QueryVerb(rng.IntN(3)), fmt.Sprint("q", rng.IntN(6)), pick("", "a", "A", "b", "q1"), pick("", "", "s1", "x"), pick("", prefix))
			if rng.IntN(30) == 0 {
				f.endSession("s1")
			}
		}
		restoresToItself(t, f.store)
	}
}

// TestTheEndOfASessionTakesItsOwnQueriesOnly has IDs of which one is the beginning of the other.
func TestTheEndOfASessionTakesItsOwnQueriesOnly(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{Service: "web"})
	for _, id := range []string{"s1", "s10"} {
		f.must(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionCreate, Session: catalog.Session{ID: id, Node: "n1"}})
		f.must(catalog.QueryCommand, &catalog.QueryWrite{Query: catalog.Query{ID: "q" + id, Name: "q" + id, Session: id}})
	}
	f.must(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: "s1"}})
	if one, ten := f.store.Read().QueryNamed("qs1"), f.store.Read().QueryNamed("qs10"); one != nil || ten == nil {
		t.Errorf("queries of the session that ended: %v, of the other: %v", one, ten)
	}
}
