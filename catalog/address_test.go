package catalog_test

import (
	"testing"

	"praetor/catalog"
)

func TestAddressesAreFoundHoweverTheyAreWritten(t *testing.T) {
	f := newFixture(t)
	at := func(address, wantNode, wantService string) {
		t.Helper()
		_, nodes, services := f.store.Read().AtAddress(nil, address)
		node, service := "", ""
		for _, n := range nodes {
			node += n.Node
		}
		for _, s := range services {
			service += s.ID
		}
		if node != wantNode || service != wantService {
			t.Errorf("%s: node %q, service %q; want %q, %q", address, node, service, wantNode, wantService)
		}
	}
	f.register(&catalog.Register{Node: "n1", Address: "10.0.0.1", Service: &catalog.Service{ID: "w1", Service: "web", Address: "2001:DB8:0::9"}})
	f.register(&catalog.Register{Node: "n2", Address: "db.example.com", Service: &catalog.Service{ID: "w2", Service: "web"}})
	f.register(&catalog.Register{Node: "n3", Address: "10.0.0.1"})
	at("10.0.0.1", "n1n3", "")
	at("2001:db8::9", "", "w1")
	at("db.example.com", "", "")
	at("", "", "")
	f.register(&catalog.Register{Node: "n1", Address: "10.0.0.2"})
	at("10.0.0.1", "n3", "")
	at("10.0.0.2", "n1", "")
	f.deregister(&catalog.Deregister{Node: "n1"})
	at("10.0.0.2", "", "")
	at("2001:db8::9", "", "")
}
