package catalog_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"praetor/catalog"
)

// notScoped are the methods of a Tx that are about the store, not about a scope, and those
// that answer with channels, which are a store's, and of a larger part of it where a scope
// has nothing. Walks cannot be compared: KVList answers with the same rows.
var notScoped = []string{"In", "Scope", "LastIndex", "Replaced", "WriteSnapshot", "WriteWithHistory", "Rows", "Hash", "Autopilot", "ReadTxn", "QueriesChanged", "CARoots", "CAConfig", "CAState", "WatchNodes", "WatchKVList", "WatchChecksInState", "KVEach"}

// askedFor are names of what the store of fullFixture holds; every question is asked
// for each, or each pair.
var askedFor = []string{"", "n1", "web", "web-proxy", "c", "k", "loc", "gone", "s", "q", "full-x", "service-defaults", "Web", "10.0.0.9", "warning", "any", "40404040", "P", "R", "T", "S", "full"}

// answers asks one question for everything.
func answers(tx *catalog.Tx, method int) (all []any) {
	question := reflect.ValueOf(tx).Method(method)
	arguments := [][]reflect.Value{{}}
	for i := range question.Type().NumIn() {
		var values []reflect.Value
		switch question.Type().In(i) {
		case reflect.TypeFor[string]():
			for _, s := range askedFor {
				values = append(values, reflect.ValueOf(s))
			}
		case reflect.TypeFor[bool]():
			values = []reflect.Value{reflect.ValueOf(true), reflect.ValueOf(false)}
		case reflect.TypeFor[int]():
			values = []reflect.Value{reflect.ValueOf(9)}
		case reflect.TypeFor[time.Time]():
			values = []reflect.Value{reflect.ValueOf(time.Now())}
		default:
			values = []reflect.Value{reflect.Zero(question.Type().In(i))}
		}
		var longer [][]reflect.Value
		for _, list := range arguments {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(list), v))
			}
		}
		arguments = longer
	}
	for _, list := range arguments {
		for _, result := range question.Call(list) {
			all = append(all, result.Interface())
		}
	}
	return all
}

// TestAnotherScopeIsEmpty asks every question that a Tx answers in a scope that has no
// rows: a key that is made without its scope would find what the default scope has.
func TestAnotherScopeIsEmpty(t *testing.T) {
	f := fullFixture(t)
	f.store.KeepHistory(catalog.HistoryOptions{Keys: true, Catalog: true, MaxBytes: 1 << 20})
	f.put("k", "changed")
	native := web("n2", catalog.Passing)
	native.Address, native.Service.Connect = "10.0.0.9", &catalog.Connect{Native: true}
	f.register(native)
	exported := &catalog.ConfigWrite{Entry: catalog.ConfigEntry{Kind: "exported-services", Name: "default",
		Body: []byte(`{"Kind":"exported-services","Name":"default","Services":[{"Name":"web","Consumers":[{"Peer":"p"}]}]}`)}}
	f.must(catalog.ConfigCommand, exported)
	home, empty := f.store.Read(), catalog.New().Read()
	other := home.In(catalog.Scope{Namespace: "other"})
	for i := range reflect.TypeOf(home).NumMethod() {
		name := reflect.TypeOf(home).Method(i).Name
		if slices.Contains(notScoped, name) {
			continue
		}
		none, has := answers(empty, i), answers(home, i)
		if got := answers(other, i); !reflect.DeepEqual(got, none) {
			t.Errorf("%s finds something in another scope", name)
		}
		if reflect.DeepEqual(has, none) {
			t.Errorf("%s finds nothing in this test's store", name)
		}
		if got := answers(other.In(catalog.Scope{}), i); !reflect.DeepEqual(got, has) {
			t.Errorf("%s finds something else when it is back in the default scope", name)
		}
	}
	ops := []catalog.TxnOp{
		{KV: &catalog.TxnKV{Verb: catalog.TxnGet, Entry: catalog.KVEntry{Key: "k"}}},
		{Node: &catalog.TxnNode{Verb: catalog.TxnGet, Node: catalog.Node{Node: "n1"}}},
		{Service: &catalog.TxnService{Verb: catalog.TxnGet, Service: catalog.Service{Node: "n1", ID: "p"}}},
		{Check: &catalog.TxnCheck{Verb: catalog.TxnGet, Check: catalog.Check{Node: "n1", CheckID: "c"}}},
	}
	if got := other.ReadTxn(ops); len(got.Errors) != len(ops) {
		t.Errorf("a transaction in another scope finds something: %+v", got)
	}
	if got := home.ReadTxn(ops); len(got.Errors) > 0 {
		t.Errorf("the same transaction in the default scope: %+v", got.Errors)
	}
	if other.LastIndex() != home.LastIndex() || other.Scope().Namespace != "other" {
		t.Errorf("index %d in scope %+v, want the store's %d", other.LastIndex(), other.Scope(), home.LastIndex())
	}
}
