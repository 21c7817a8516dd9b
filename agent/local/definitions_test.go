package local_test

import (
	"strings"
	"testing"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
)

func files(services []local.ServiceDefinition, checks ...*catalog.Check) local.Definitions {
	d := local.Definitions{Services: services}
	for _, c := range checks {
		d.Checks = append(d.Checks, local.CheckDefinition{Check: c})
	}
	return d
}

func TestFilesWinOverWhatWasRegistered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	mine := service("web")
	mine.Port = 1
	must(t, s.AddService(bg, mine, []*catalog.Check{ttl("api")}, false, ""))
	must(t, s.AddService(bg, service("kept"), nil, false, ""))
	must(t, s.Close())

	s = open(t, options(dir, newServers()))
	must(t, s.LoadDefinitions(files([]local.ServiceDefinition{{Service: service("web"), Checks: []*catalog.Check{ttl("file")}}})))
	if s.Service("web").Port != 80 || s.Check("api") == nil || s.Check("file") == nil {
		t.Errorf("got %s", remembered(s))
	}
	must(t, s.Close())

	s = open(t, options(dir, newServers()))
	if s.Service("web") != nil || s.Service("kept") == nil {
		t.Errorf("without files: got %s", remembered(s))
	}
	must(t, s.LoadDefinitions(local.Definitions{}))
	if len(s.Checks()) != 0 {
		t.Errorf("a check without its service: %s", remembered(s))
	}
}

func TestRestoredCheckFindsItsServiceInAFile(t *testing.T) {
	dir := t.TempDir()
	defs := func() local.Definitions {
		return files([]local.ServiceDefinition{{Service: service("web")}}, ttl("of-file"))
	}
	s := open(t, options(dir, newServers()))
	must(t, s.LoadDefinitions(defs()))
	must(t, s.AddCheck(bg, ttlOf("c", "web"), ""))
	must(t, s.UpdateTTL(bg, "c", catalog.Passing, "well"))
	must(t, s.UpdateTTL(bg, "of-file", catalog.Warning, "so so"))
	must(t, s.Close())
	s = open(t, options(dir, newServers()))
	must(t, s.LoadDefinitions(defs()))
	if c := s.Check("c"); c == nil || c.ServiceName != "web" || c.Status != catalog.Passing || c.Output != "well" {
		t.Errorf("got %+v", c)
	}
	if c := s.Check("of-file"); c.Status != catalog.Warning || c.Output != "so so" {
		t.Errorf("got %+v", c)
	}
}

func TestReloadReplacesFileDefinitionsAndKeepsStatus(t *testing.T) {
	f, dir := newServers(), t.TempDir()
	running(t, f, func(o *local.Options) { o.Dir = dir }, func(t *testing.T, s *local.State) {
		must(t, s.LoadDefinitions(files([]local.ServiceDefinition{
			{Service: service("stays"), Checks: []*catalog.Check{ttl("c")}}, {Service: service("goes")}}, ttl("node"), ttl("gone"))))
		must(t, s.AddService(bg, service("api"), nil, false, ""))
		must(t, s.AddCheck(bg, ttl("of-api"), ""))
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "fine"))
		must(t, s.UpdateTTL(bg, "node", catalog.Warning, "hm"))
		pass(time.Minute)
		moved := service("stays")
		moved.Port = 81
		must(t, s.Reload(files([]local.ServiceDefinition{{Service: moved, Checks: []*catalog.Check{ttl("c")}}, {Service: service("new")}}, ttl("node"))))
		if got, want := remembered(s), "api=api:80[] new=new:80[] stays=stays:81[] c(c stays) node(node ) of-api(of-api ) "; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if c, n := s.Check("c"), s.Check("node"); c.Status != catalog.Passing || c.Output != "fine" || n.Status != catalog.Warning {
			t.Errorf("status lost: %+v %+v", c, n)
		}
		pass(time.Second)
		if f.service("goes") != nil || f.service("stays").Port != 81 || f.check("gone") != nil {
			t.Error("the catalog did not follow")
		}
	})
}

func TestReloadWithoutADataFolderLeavesOnlyWhatFilesDefine(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		defs := func() local.Definitions {
			return files([]local.ServiceDefinition{{Service: service("web"), Checks: []*catalog.Check{ttl("c")}}})
		}
		must(t, s.LoadDefinitions(defs()))
		must(t, s.AddService(bg, service("api"), []*catalog.Check{ttl("of-api")}, false, ""))
		for id, of := range map[string]string{catalog.NodeMaintenance: "", catalog.ServiceMaintenancePrefix + "web": "web"} {
			must(t, s.AddCheck(bg, &catalog.Check{CheckID: id, Name: "m", Type: "maintenance", ServiceID: of, Status: catalog.Critical}, ""))
		}
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "fine"))
		pass(time.Minute)
		must(t, s.Reload(defs()))
		if got, want := remembered(s), "web=web:80[] c(c web) "; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if c := s.Check("c"); c.Status != catalog.Passing || c.Output != "fine" {
			t.Errorf("status lost: %+v", c)
		}
		pass(time.Second)
		if f.service("api") != nil || f.check(catalog.NodeMaintenance) != nil {
			t.Error("the catalog did not follow")
		}
	})
}

func TestFileDefinitionsThatCannotRunAreRefused(t *testing.T) {
	s := open(t, options("", newServers()))
	for want, d := range map[string]local.Definitions{
		`Failed to register check "s": Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true`: files(nil,
			&catalog.Check{Name: "s", Definition: catalog.CheckDefinition{ScriptArgs: []string{"true"}, Interval: time.Hour}}),
		`Failed to register check "c": ServiceID "x" does not exist`: files(nil, ttlOf("c", "x")),
	} {
		if err := s.LoadDefinitions(d); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := remembered(s); strings.TrimSpace(got) != "" {
		t.Errorf("registered all the same: %s", got)
	}
}

// TestOfDoubledChecksTheLastCounts: it had the first one's status.
// Consul registers the definitions one after the other, and so do we.
func TestOfDoubledServicesTheLastCountsAndTheChecksOfAll(t *testing.T) {
	s := open(t, options("", newServers()))
	older, newer := service("db"), service("db")
	older.Service, older.Port = "old", 1
	defs := files([]local.ServiceDefinition{{Service: older, Checks: []*catalog.Check{ttl("a"), ttl("both")}}, {Service: newer, Checks: []*catalog.Check{ttl("both")}}})
	for range 2 {
		must(t, s.LoadDefinitions(defs))
		if s.Service("db").Port != 80 || len(s.Checks()) != 2 || s.Check("a").ServiceName != "old" || s.Check("both").ServiceName != "db" {
			t.Errorf("got %s", remembered(s))
		}
	}
	must(t, s.Reload(files([]local.ServiceDefinition{{Service: newer}})))
	if len(s.Checks()) != 0 {
		t.Errorf("got %s", remembered(s))
	}
}

func TestAReloadTellsOtherChecksTheNewNameOfTheirService(t *testing.T) {
	s := open(t, options(t.TempDir(), newServers()))
	must(t, s.LoadDefinitions(files([]local.ServiceDefinition{{Service: service("web")}})))
	must(t, s.AddCheck(bg, ttlOf("mine", "web"), ""))
	renamed := service("web")
	renamed.Service, renamed.Tags = "api", []string{"v2"}
	must(t, s.Reload(files([]local.ServiceDefinition{{Service: renamed}})))
	if c := s.Check("mine"); c.ServiceName != "api" || len(c.ServiceTags) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestOfDoubledChecksTheLastCounts(t *testing.T) {
	of := func(id, status string, length time.Duration) *catalog.Check {
		c := ttl(id)
		c.Status, c.Definition.TTL = status, length
		return c
	}
	want := func(t *testing.T, s *local.State, id, service, status string, length time.Duration) {
		t.Helper()
		c := s.Check(id)
		if c == nil || c.Status != status || c.ServiceID != service || c.Definition.TTL != length {
			t.Errorf("%s: got %+v, want one of %q that is %s", id, c, service, status)
		}
	}
	t.Run("in a registration", func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, options(dir, newServers()))
		doubled := func() []*catalog.Check {
			return []*catalog.Check{of("c", catalog.Passing, time.Hour), ttl("other"), of("c", catalog.Warning, time.Minute)}
		}
		must(t, s.AddService(bg, service("a"), doubled(), false, ""))
		want(t, s, "c", "a", catalog.Warning, time.Minute)
		must(t, s.UpdateTTL(bg, "c", catalog.Critical, "x"))
		must(t, s.AddService(bg, service("a"), doubled(), true, "")) // keeps what it was told
		want(t, s, "c", "a", catalog.Critical, time.Minute)
		must(t, s.AddSidecar(bg, "a", service("a-sidecar-proxy"), []*catalog.Check{of("side", catalog.Passing, time.Hour), of("side", catalog.Warning, time.Hour)}, false, ""))
		want(t, s, "side", "a-sidecar-proxy", catalog.Warning, time.Hour)
		must(t, s.Close())
		if len(open(t, options(dir, newServers())).Checks()) != 3 {
			t.Error("another number of checks after a restart")
		}
	})
	t.Run("in files", func(t *testing.T) {
		s := open(t, options("", newServers()))
		defs := local.Definitions{
			Services: []local.ServiceDefinition{
				{Service: service("a"), Checks: []*catalog.Check{of("c", catalog.Passing, 1*time.Hour), of("c", catalog.Warning, 2*time.Hour), of("d", catalog.Passing, 3*time.Hour), of("e", catalog.Passing, 4*time.Hour)}},
				{Service: service("b"), Checks: []*catalog.Check{of("d", catalog.Warning, 5*time.Hour)}},
			},
			Checks: []local.CheckDefinition{{Check: of("e", catalog.Warning, 6*time.Hour)}, {Check: of("f", catalog.Passing, 7*time.Hour)}, {Check: of("f", catalog.Warning, 8*time.Hour)}},
		}
		must(t, s.LoadDefinitions(defs))
		for range 2 {
			want(t, s, "c", "a", catalog.Warning, 2*time.Hour)
			want(t, s, "d", "b", catalog.Warning, 5*time.Hour)
			want(t, s, "e", "", catalog.Warning, 6*time.Hour)
			want(t, s, "f", "", catalog.Warning, 8*time.Hour)
			must(t, s.Reload(defs))
		}
	})
}
