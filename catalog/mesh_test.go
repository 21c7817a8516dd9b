package catalog_test

import (
	"testing"

	"praetor/catalog"
)

// inMesh lists what serves a service inside the mesh.
func inMesh(t *testing.T, s *catalog.Store, name string) (index uint64, ids []string) {
	t.Helper()
	index, instances := s.Read().MeshInstances(nil, name)
	health, withChecks := s.Read().MeshHealth(nil, name)
	if len(instances) != len(withChecks) || health < index {
		t.Errorf("%d instances at %d, %d with checks at %d", len(instances), index, len(withChecks), health)
	}
	for _, i := range instances {
		ids = append(ids, i.Service.ID)
	}
	return index, ids
}

func proxyFor(name string) *catalog.Service {
	return &catalog.Service{ID: "p", Service: "p", Kind: "connect-proxy", Proxy: &catalog.Proxy{DestinationServiceName: name}}
}

func TestMeshListsProxiesAndNativeInstances(t *testing.T) {
	s := newFixture(t)
	register := func(svc *catalog.Service, checks ...*catalog.Check) uint64 {
		t.Helper()
		s.register(&catalog.Register{Node: "n", Address: "10.0.0.1", Service: svc, Checks: checks})
		return s.store.Read().LastIndex()
	}
	want := func(name string, index uint64, want ...string) {
		t.Helper()
		got, ids := inMesh(t, s.store, name)
		if got != index || len(ids) != len(want) {
			t.Errorf("%s: %v at %d, want %v at %d", name, ids, got, want, index)
			return
		}
		for i := range ids {
			if ids[i] != want[i] {
				t.Errorf("%s: %v, want %v", name, ids, want)
			}
		}
	}
	own := register(&catalog.Service{ID: "web", Service: "web"})
	register(&catalog.Service{ID: "unrelated", Service: "unrelated"})
	want("web", own) // that of the service itself while nothing serves it
	ws := catalog.WatchSet{}
	s.store.Read().MeshHealth(ws, "Web")
	at := register(proxyFor("web"))
	if !isWoken(ws) {
		t.Error("the watcher of a missing one sleeps on")
	}
	want("WEB", at, "p")
	want("p", at) // a proxy is no instance of itself inside the mesh

	register(&catalog.Service{ID: "other", Service: "other"})
	want("web", at, "p")
	at = register(nil, &catalog.Check{CheckID: "c", ServiceID: "p", Status: catalog.Critical})
	want("web", at, "p")
	at = register(&catalog.Service{ID: "native", Service: "web", Connect: &catalog.Connect{Native: true}})
	want("web", at, "p", "native")
	at = register(proxyFor("db"))
	want("web", at, "native")
	want("db", at, "p")

	restored := newFixture(t)
	if err := restored.store.Restore(readerOf(s.snapshot())); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "db"} {
		index, ids := inMesh(t, s.store, name)
		again, same := inMesh(t, restored.store, name)
		if index != again || len(ids) != len(same) {
			t.Errorf("%s: %v at %d, restored %v at %d", name, ids, index, same, again)
		}
	}

	ws = catalog.WatchSet{}
	s.store.Read().MeshInstances(ws, "web")
	s.deregister(&catalog.Deregister{Node: "n", ServiceID: "native"})
	at = s.store.Read().LastIndex()
	if !isWoken(ws) {
		t.Error("the last one went unseen")
	}
	want("web", at)
}
