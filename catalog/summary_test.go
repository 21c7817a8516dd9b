package catalog_test

import (
	"fmt"
	"reflect"
	"testing"

	"praetor/catalog"
)

// on registers an instance of a service on a node, and checks.
func (f *fixture) on(node string, s catalog.Service, checks ...*catalog.Check) {
	f.t.Helper()
	f.must(catalog.RegisterCommand, &catalog.Register{Node: node, Address: "10.0.0.1", Datacenter: "dc1", Service: &s, Checks: checks})
}

func check(id, service, status string) *catalog.Check {
	return &catalog.Check{CheckID: id, ServiceID: service, Status: status}
}

func (f *fixture) summaries() []*catalog.ServiceSummary {
	_, list := f.store.Read().ServiceSummaries(nil)
	return list
}

// wantSummaries compares the kept summaries, those made from all instances at
// once, and want.
func (f *fixture) wantSummaries(want ...catalog.ServiceSummary) {
	f.t.Helper()
	_, instances := f.store.Read().Instances(nil)
	for how, got := range map[string][]*catalog.ServiceSummary{"kept": f.summaries(), "at once": catalog.Summarize(instances)} {
		if len(got) != len(want) {
			f.t.Errorf("%s: %d summaries, want %d", how, len(got), len(want))
			continue
		}
		for i := range want {
			if !reflect.DeepEqual(*got[i], want[i]) {
				f.t.Errorf("%s: got  %+v\nwant %+v", how, *got[i], want[i])
			}
		}
	}
}

func TestSummaryCountsEachCheckOnceAndInstancesByTheirWorst(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{ID: "w1", Service: "web", Tags: []string{"b", "a"}, Meta: map[string]string{"external-source": "nomad"}},
		check("alive", "", catalog.Warning), check("c1", "w1", catalog.Passing))
	f.on("n1", catalog.Service{ID: "w2", Service: "web", Tags: []string{"a"}}, check("c2", "w2", catalog.Critical))
	f.on("n2", catalog.Service{ID: "w3", Service: "web", Meta: map[string]string{"external-source": "k8s"}, Connect: &catalog.Connect{Native: true}})
	f.on("n2", catalog.Service{ID: "g", Service: "edge", Kind: "mesh-gateway"})
	f.wantSummaries(
		catalog.ServiceSummary{Kind: "mesh-gateway", Name: "edge", Datacenter: "dc1", Nodes: []string{"n2"}, Instances: 1, Health: catalog.Tally{Passing: 1}},
		catalog.ServiceSummary{
			Name: "web", Datacenter: "dc1", Tags: []string{"a", "b"}, Nodes: []string{"n1", "n2"}, ExternalSources: []string{"nomad", "k8s"},
			Instances: 3, Checks: catalog.Tally{Passing: 1, Warning: 1, Critical: 1}, Health: catalog.Tally{Passing: 1, Warning: 1, Critical: 1},
			ConnectNative: true,
		})
}

// TestProxiesCountForThemselvesAndForWhatTheyStandBefore: a service of which only proxies are
// there is in no datacenter.
func TestProxiesCountForThemselvesAndForWhatTheyStandBefore(t *testing.T) {
	proxy := func(id, before, mode string) catalog.Service {
		return catalog.Service{ID: id, Service: before + "-proxy", Kind: "connect-proxy", Proxy: &catalog.Proxy{DestinationServiceName: before, Mode: mode}}
	}
	f := newFixture(t)
	f.on("n1", catalog.Service{ID: "w1", Service: "web"}, check("alive", "", catalog.Passing), check("c1", "w1", catalog.Passing))
	f.on("n1", proxy("p1", "web", "transparent"), check("p1", "p1", catalog.Critical))
	f.on("n2", proxy("p2", "web", "transparent"), check("alive", "", catalog.Warning))
	f.on("n2", proxy("p3", "gone", ""))
	f.on("n3", catalog.Service{ID: "p4", Service: "lost-proxy", Kind: "connect-proxy"})
	own := func(name, node string) catalog.ServiceSummary {
		return catalog.ServiceSummary{Kind: "connect-proxy", Name: name, Datacenter: "dc1", Nodes: []string{node}, Instances: 1}
	}
	gone, goneProxy, lostProxy, webProxy := catalog.ServiceSummary{Name: "gone", Checks: catalog.Tally{Warning: 1}, ConnectedWithProxy: true},
		own("gone-proxy", "n2"), own("lost-proxy", "n3"), own("web-proxy", "n1")
	goneProxy.Checks, goneProxy.Health = catalog.Tally{Warning: 1}, catalog.Tally{Warning: 1}
	lostProxy.Health = catalog.Tally{Passing: 1}
	webProxy.Nodes, webProxy.Instances = []string{"n1", "n2"}, 2
	webProxy.Checks, webProxy.Health = catalog.Tally{Passing: 1, Warning: 1, Critical: 1}, catalog.Tally{Warning: 1, Critical: 1}
	web := catalog.ServiceSummary{
		Name: "web", Datacenter: "dc1", Nodes: []string{"n1"}, Instances: 1,
		Checks: catalog.Tally{Passing: 2, Warning: 1, Critical: 1}, Health: catalog.Tally{Passing: 1},
		ConnectedWithProxy: true, TransparentProxy: true,
	}
	f.wantSummaries(gone, goneProxy, lostProxy, web, webProxy)

	f.must(catalog.DeregisterCommand, &catalog.Deregister{Node: "n1", ServiceID: "p1"})
	web.Checks.Critical = 0
	webProxy.Nodes, webProxy.Instances, webProxy.Checks, webProxy.Health = []string{"n2"}, 1, catalog.Tally{Warning: 1}, catalog.Tally{Warning: 1}
	f.wantSummaries(gone, goneProxy, lostProxy, web, webProxy)
	f.must(catalog.DeregisterCommand, &catalog.Deregister{Node: "n2"})
	web.Checks.Warning, web.ConnectedWithProxy, web.TransparentProxy = 0, false, false
	f.wantSummaries(lostProxy, web)
}

func TestSummariesOfUnchangedServicesAreKept(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{Service: "web"}, check("c", "web", catalog.Passing))
	f.on("n2", catalog.Service{Service: "db"})
	before := f.summaries() // db, web
	ws := catalog.WatchSet{}
	index, _ := f.store.Read().ServiceSummaries(ws)
	f.on("n1", catalog.Service{Service: "web"}, check("c", "web", catalog.Critical))
	if !isWoken(ws) {
		t.Error("a change of a check wakes nobody")
	}
	after := f.summaries()
	if after[0] != before[0] || after[1] == before[1] {
		t.Errorf("kept: db %t, web %t; want true, false", after[0] == before[0], after[1] == before[1])
	}
	if now, _ := f.store.Read().ServiceSummaries(nil); now <= index {
		t.Errorf("index %d after %d", now, index)
	}
	if again := f.summaries(); &again[0] != &after[0] {
		t.Error("made again though nothing changed")
	}
}

func TestSummariesAfterAnyChangesAreThoseOfAllInstances(t *testing.T) {
	f := newFixture(t)
	statuses := []string{catalog.Passing, catalog.Warning, catalog.Critical}
	for i := range 300 {
		node, name := fmt.Sprint("n", i*7%5), []string{"web", "Web", "db", "cache"}[i*3%4]
		id := fmt.Sprint("i", i*11%13)
		if i%6 == 5 {
			f.apply(catalog.DeregisterCommand, &catalog.Deregister{Node: node, ServiceID: id})
		} else {
			f.on(node, catalog.Service{ID: id, Service: name, Tags: []string{fmt.Sprint(i % 3)}}, check(id, id, statuses[i%3]), check("node", "", statuses[i/3%3]))
		}
		tx := f.store.Read()
		_, kept := tx.ServiceSummaries(nil)
		_, instances := tx.Instances(nil)
		if fresh := catalog.Summarize(instances); !reflect.DeepEqual(kept, fresh) {
			t.Fatalf("after change %d: kept and fresh summaries differ", i)
		}
	}
}

func TestOverviewCountsByHealth(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{ID: "w1", Service: "web"}, check("n", "", catalog.Warning), check("c", "w1", catalog.Critical))
	f.on("n2", catalog.Service{ID: "w2", Service: "web"}, &catalog.Check{CheckID: "x", Name: "X", Status: catalog.Passing})
	want := &catalog.Overview{
		Nodes:    catalog.Tally{Passing: 1, Warning: 1},
		Services: []catalog.NameTally{{Name: "web", Tally: catalog.Tally{Passing: 1, Critical: 1}}},
		Checks:   []catalog.NameTally{{Tally: catalog.Tally{Warning: 1, Critical: 1}}, {Name: "X", Tally: catalog.Tally{Passing: 1}}},
	}
	if got := f.store.Read().Overview(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestNodeDetailWakesForItsNodeAlone(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{Service: "web"}, check("c", "web", catalog.Passing))
	f.on("n2", catalog.Service{Service: "db"}, check("d", "db", catalog.Passing))
	for _, row := range []struct {
		name   string
		change func()
		wakes  bool
	}{
		{"another node's check", func() { f.on("n2", catalog.Service{Service: "db"}, check("d", "db", catalog.Critical)) }, false},
		{"its check", func() { f.on("n1", catalog.Service{Service: "web"}, check("c", "web", catalog.Critical)) }, true},
		{"its service", func() { f.on("n1", catalog.Service{ID: "web2", Service: "web"}) }, true},
		{"the end of it", func() { f.must(catalog.DeregisterCommand, &catalog.Deregister{Node: "n1"}) }, true},
		{"its return", func() { f.on("n1", catalog.Service{Service: "web"}) }, true},
	} {
		ws := catalog.WatchSet{}
		f.store.Read().NodeDetail(ws, "N1")
		row.change()
		if woke := isWoken(ws); woke != row.wakes {
			t.Errorf("%s wakes: %t, want %t", row.name, woke, row.wakes)
		}
	}
	_, d := f.store.Read().NodeDetail(nil, "n1")
	_, all := f.store.Read().NodeDetails(nil)
	if len(all) != 2 || !reflect.DeepEqual(all[0], d) || len(d.Services) != 1 {
		t.Errorf("got %+v of %d", d, len(all))
	}
}

func TestTagsNotGivenDifferFromNoTags(t *testing.T) {
	f := newFixture(t)
	f.on("n1", catalog.Service{ID: "a", Service: "web"}, check("ca", "a", ""))
	f.on("n1", catalog.Service{ID: "b", Service: "web", Tags: []string{}}, check("cb", "b", ""))
	_, d := f.store.Read().NodeDetail(nil, "n1")
	if d.Services[0].Tags != nil || d.Checks[0].ServiceTags != nil {
		t.Error("tags that were not given are not nil")
	}
	if d.Services[1].Tags == nil || d.Checks[1].ServiceTags == nil {
		t.Error("an empty list of tags became nil")
	}
}
