package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/fault"
)

func TestServiceMetadataIsRefusedWithTheReferenceTexts(t *testing.T) {
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint("k", i)] = "v"
	}
	longKey, longValue := strings.Repeat("k", 129), strings.Repeat("v", 513)
	tests := []struct {
		name string
		meta map[string]string
		want string
	}{
		{"65 pairs", many, "Node metadata cannot contain more than 64 key/value pairs"},
		{"blank key", map[string]string{"": "1"}, "Couldn't load metadata pair ('', '1'): Key cannot be blank"},
		{"odd key", map[string]string{"a b": "1", "z z": "2"}, "Couldn't load metadata pair ('a b', '1'): Key contains invalid characters"},
		{"long key", map[string]string{longKey: "1"}, "Couldn't load metadata pair ('" + longKey + "', '1'): Key is too long (limit: 128 characters)"},
		{"reserved key", map[string]string{"consul-x": "1"}, "Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use"},
		{"long value", map[string]string{"k": longValue}, "Couldn't load metadata pair ('k', '" + longValue + "'): Value is too long (limit: 512 characters)"},
	}
	for _, test := range tests {
		f := newFixture(t)
		err, _ := f.apply(catalog.RegisterCommand, &catalog.Register{
			Node: "n1", Address: "10.0.0.1", Service: &catalog.Service{ID: "w", Service: "web", Meta: test.meta},
		}).(error)
		want := "failed inserting service: Invalid Service Meta for node n1 and serviceID w: " + test.want
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s: got %v of kind %v, want %s", test.name, err, fault.KindOf(err), want)
		}
		if _, nodes := f.store.Read().Nodes(nil); len(nodes) != 0 {
			t.Errorf("%s: the node was stored all the same", test.name)
		}
	}
}

func TestProxyConfigOnlyHoldsWhatASnapshotCan(t *testing.T) {
	deep := any("x")
	for range 100 {
		deep = []any{deep}
	}
	f := newFixture(t)
	err, _ := f.apply(catalog.RegisterCommand, &catalog.Register{
		Node: "n1", Address: "10.0.0.1",
		Service: &catalog.Service{Service: "web", Proxy: &catalog.Proxy{Config: map[string]any{"deep": deep}}},
	}).(error)
	if fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("got %v, want it rejected", err)
	}
}
