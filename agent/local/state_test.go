package local_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/fault"
)

var bg = context.Background()

func options(dir string, f *servers) local.Options {
	return local.Options{
		Dir: dir, NodeName: "n1", NodeID: "2d1c6a34-3b5c-4a4c-9a36-6a5b6d8a0001", Address: "10.0.0.1", Datacenter: "dc1",
		TaggedAddresses: map[string]string{"lan": "10.0.0.1"}, NodeMeta: map[string]string{"rack": "7"},
		Caller: f, CheckUpdateInterval: 5 * time.Minute,
	}
}

func open(t testing.TB, o local.Options) *local.State {
	t.Helper()
	s, err := local.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func service(id string) *catalog.Service { return &catalog.Service{ID: id, Service: id, Port: 80} }

func ttl(id string) *catalog.Check {
	return &catalog.Check{CheckID: id, Name: id, Definition: catalog.CheckDefinition{TTL: time.Hour}}
}

func ttlOf(id, svc string) *catalog.Check {
	c := ttl(id)
	c.ServiceID = svc
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, err error, k fault.Kind, text string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k || err.Error() != text {
		t.Fatalf("got %v (%v), want %v (%v)", err, fault.KindOf(err), text, k)
	}
}

func TestErrorsHaveTheTextsOfTheReference(t *testing.T) {
	s := open(t, options("", newServers()))
	must(t, s.AddCheck(bg, &catalog.Check{CheckID: "h", Definition: catalog.CheckDefinition{
		TCP: "127.0.0.1:1", Interval: time.Hour}}, ""))
	wantError(t, s.RemoveService(bg, "x"), fault.NotFound,
		`Unknown service ID "x". Ensure that the service ID is passed, not the service name.`)
	wantError(t, s.RemoveCheck(bg, ""), fault.NotFound,
		`Unknown check ID "". Ensure that the check ID is passed, not the check name.`)
	wantError(t, s.UpdateTTL(bg, "x", catalog.Passing, ""), fault.NotFound,
		`Unknown check ID "x". Ensure that the check ID is passed, not the check name.`)
	wantError(t, s.UpdateTTL(bg, "h", catalog.Passing, ""), fault.Rejected, `CheckID "h" does not have associated TTL`)
	wantError(t, s.AddCheck(bg, ttlOf("c", "x"), ""), fault.NotFound, `ServiceID "x" does not exist`)
	wantError(t, s.AddCheck(bg, &catalog.Check{CheckID: "s", Definition: catalog.CheckDefinition{
		ScriptArgs: []string{"true"}, Interval: time.Hour}}, ""), fault.Rejected,
		"Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true")
	wantError(t, s.AddCheck(bg, &catalog.Check{CheckID: "o", Definition: catalog.CheckDefinition{
		OSService: "ssh", Interval: time.Hour}}, ""), fault.Rejected, "not implemented")
}

func TestRegisteringAgainKeepsStatusAndOtherChecks(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := open(t, options(dir, newServers()))
		svc := service("r")
		svc.Tags = []string{"a"}
		must(t, s.AddService(bg, svc, []*catalog.Check{ttl("c1"), ttl("c2")}, false, "tok"))
		must(t, s.UpdateTTL(bg, "c1", catalog.Warning, "careful"))
		again := ttl("c1")
		again.Status, again.Name = catalog.Critical, "renamed"
		must(t, s.AddService(bg, service("r"), []*catalog.Check{again}, false, "tok"))
		c1, c2 := s.Check("c1"), s.Check("c2")
		if c1.Status != catalog.Warning || c1.Output != "careful" || c1.Name != "renamed" || len(c1.ServiceTags) != 0 {
			t.Errorf("c1 is %+v", c1)
		}
		if c2 == nil || c2.Status != catalog.Critical || fmt.Sprint(c2.ServiceTags) != "[a]" {
			t.Errorf("c2 is %+v", c2)
		}
		must(t, s.AddService(bg, service("r"), []*catalog.Check{ttl("c3")}, true, "tok"))
		if got := len(s.Checks()); got != 1 || s.Check("c3") == nil {
			t.Errorf("after replacing: %v", s.Checks())
		}
		must(t, s.RemoveService(bg, "r"))
		if len(s.Checks())+len(s.Services()) != 0 {
			t.Errorf("left: %v %v", s.Services(), s.Checks())
		}
	}
}

func TestSnapshotsAreSharedUntilSomethingChanges(t *testing.T) {
	s := open(t, options("", newServers()))
	must(t, s.AddService(bg, service("a"), nil, false, ""))
	before := s.Services()
	must(t, s.AddService(bg, service("b"), nil, false, ""))
	after := s.Services()
	if len(before) != 1 || len(after) != 2 || before["a"] != after["a"] {
		t.Fatalf("before %v, after %v", before, after)
	}
}

func TestSidecarGoesWithItsParent(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	must(t, s.AddService(bg, service("web"), nil, false, ""))
	must(t, s.AddSidecar(bg, "web", service("web-sidecar-proxy"), []*catalog.Check{ttl("sc")}, false, ""))
	must(t, s.AddService(bg, service("db"), nil, false, ""))
	must(t, s.AddService(bg, service("db-sidecar-proxy"), nil, false, "")) // registered by hand
	must(t, s.Close())
	s = open(t, options(dir, newServers()))
	must(t, s.RemoveService(bg, "web"))
	must(t, s.RemoveService(bg, "db"))
	if len(s.Services()) != 1 || s.Service("db-sidecar-proxy") == nil || len(s.Checks()) != 0 {
		t.Fatalf("left: %v %v", s.Services(), s.Checks())
	}
}

func TestFreePortIsTheLowestThatNoServiceHas(t *testing.T) {
	s := open(t, options("", newServers()))
	for i, port := range []int{21002, 21000, 80, 21000} {
		svc := service(fmt.Sprint(i))
		svc.Port = port
		must(t, s.AddService(bg, svc, nil, false, ""))
	}
	if got := s.FreePort(21000, 21255); got != 21001 {
		t.Errorf("got %d", got)
	}
	if got := s.FreePort(21000, 21000); got != 0 {
		t.Errorf("got %d from a full range", got)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestWhatCouldNotBeReadBackIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	many := service("many")
	many.Tags = make([]string, 70_000)
	huge := service("huge")
	huge.Meta = map[string]string{"k": strings.Repeat("x", 17<<20)}
	for want, svc := range map[fault.Kind]*catalog.Service{fault.Invalid: many, fault.TooLarge: huge} {
		if err := s.AddService(bg, svc, nil, false, ""); fault.KindOf(err) != want {
			t.Errorf("%s: got %v", svc.ID, err)
		}
	}
	wantError(t, s.AddService(bg, &catalog.Service{}, nil, false, ""), fault.Invalid, "Missing service name")
	wantError(t, s.AddCheck(bg, &catalog.Check{}, ""), fault.Invalid, "Missing check name")
	large := service("large")
	large.Tags = make([]string, 60_000)
	must(t, s.AddService(bg, large, nil, false, ""))
	must(t, s.Close())
	if got := fmt.Sprint(sorted(open(t, options(dir, newServers())).Services())); got != "[large]" {
		t.Errorf("got %s", got)
	}
}

func TestDefinitionsOfTheConfigurationAreNotChanged(t *testing.T) {
	s := open(t, options("", newServers()))
	svc, chk := service("web"), ttl("c")
	d := local.Definitions{Services: []local.ServiceDefinition{{Service: svc, Checks: []*catalog.Check{chk}}}}
	must(t, s.LoadDefinitions(d))
	must(t, s.UpdateTTL(bg, "c", catalog.Passing, "x"))
	must(t, s.Reload(d))
	if svc.Node != "" || chk.Status != "" || chk.ServiceID != "" {
		t.Errorf("changed to %+v %+v", svc, chk)
	}
	if s.Check("c").Status != catalog.Passing {
		t.Error("status lost")
	}
}
