package local_test

import (
	"fmt"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/local"
	"praetor/catalog"
)

func logTo(w io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: w, Level: hclog.Trace})
}

func TestTTLExpiresOnlyWithoutReport(t *testing.T) {
	running(t, newServers(), nil, func(t *testing.T, s *local.State) {
		c := ttl("c")
		c.Definition.TTL, c.Status = 10*time.Second, catalog.Passing
		must(t, s.AddCheck(bg, c, ""))
		for range 20 {
			time.Sleep(9 * time.Second)
			must(t, s.UpdateTTL(bg, "c", catalog.Passing, "alive"))
		}
		if s.Check("c").Status != catalog.Passing {
			t.Fatal("expired in spite of reports")
		}
		time.Sleep(11 * time.Second)
		if got := s.Check("c"); got.Status != catalog.Critical || got.Output != "TTL expired (last output before timeout follows): alive" {
			t.Errorf("got %s %q", got.Status, got.Output)
		}
	})
}

func TestServiceCriticalForTooLongIsRemoved(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		c, never := ttl("c"), ttl("never")
		c.Definition.DeregisterCriticalServiceAfter = time.Second // raised to a minute
		never.Definition.DeregisterCriticalServiceAfter = time.Second
		must(t, s.AddService(bg, service("web"), []*catalog.Check{c}, false, ""))
		must(t, s.AddService(bg, service("silent"), []*catalog.Check{never}, false, ""))
		must(t, s.UpdateTTL(bg, "c", catalog.Critical, "bad"))
		time.Sleep(55 * time.Second)
		must(t, s.UpdateTTL(bg, "c", catalog.Warning, "better"))
		must(t, s.UpdateTTL(bg, "c", catalog.Critical, "bad"))
		time.Sleep(59 * time.Second)
		if s.Service("web") == nil {
			t.Fatal("removed within a minute of turning critical")
		}
		time.Sleep(32 * time.Second)
		if s.Service("web") != nil || f.service("web") != nil {
			t.Error("still there")
		}
		if s.Service("silent") == nil {
			t.Error("removed without any result")
		}
	})
}

func TestAliasFollowsAService(t *testing.T) {
	running(t, newServers(), nil, func(t *testing.T, s *local.State) {
		alias := func(id, on string) *catalog.Check {
			return &catalog.Check{CheckID: id, Name: id, Definition: catalog.CheckDefinition{AliasService: on}}
		}
		want := func(id, status, output string) {
			t.Helper()
			synctest.Wait()
			if c := s.Check(id); c.Status != status || c.Output != output {
				t.Errorf("%s: got %s %q, want %s %q", id, c.Status, c.Output, status, output)
			}
		}
		must(t, s.AddService(bg, service("front"), []*catalog.Check{alias("al", "web")}, false, ""))
		want("al", catalog.Critical, "Service web could not be found on node ")
		must(t, s.AddService(bg, service("web"), nil, false, ""))
		want("al", catalog.Passing, "No checks found.")
		must(t, s.AddCheck(bg, ttlOf("tc", "web"), ""))
		want("al", catalog.Critical, `Aliased check "tc" failing: `)
		must(t, s.UpdateTTL(bg, "tc", catalog.Passing, ""))
		want("al", catalog.Passing, "All checks passing.")
		must(t, s.UpdateTTL(bg, "tc", catalog.Warning, "hm"))
		want("al", catalog.Warning, `Aliased check "tc" failing: hm`)
		must(t, s.AddCheck(bg, &catalog.Check{CheckID: catalog.NodeMaintenance, Name: "m", Type: "maintenance", Status: catalog.Critical}, ""))
		want("al", catalog.Critical, `Aliased check "m" failing: `)
		must(t, s.RemoveCheck(bg, catalog.NodeMaintenance))
		must(t, s.RemoveService(bg, "web"))
		want("al", catalog.Critical, "Service web could not be found on node ")
	})
}

func TestAliasOnItselfStaysCritical(t *testing.T) {
	running(t, newServers(), nil, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("a"), []*catalog.Check{
			{CheckID: "al", Name: "on itself", Definition: catalog.CheckDefinition{AliasService: "a"}}}, false, ""))
		time.Sleep(time.Hour)
		if c := s.Check("al"); c.Status != catalog.Critical || c.Output != `Aliased check "on itself" failing: ` {
			t.Errorf("got %s %q", c.Status, c.Output)
		}
	})
}

func TestAliasOfAnotherNodeAsksTheServers(t *testing.T) {
	f := newServers()
	f.write(t, &catalog.Register{Node: "other", Address: "10.0.0.2", Service: service("db"),
		Checks: []*catalog.Check{{CheckID: "d", Name: "d", ServiceID: "db", Status: catalog.Warning, Output: "slow"}}})
	running(t, f, func(*local.Options) {
		f.before = func(op string) {
			if op == "Health.Node" {
				time.Sleep(time.Second) // what a blocking query would wait
			}
		}
	}, func(t *testing.T, s *local.State) {
		must(t, s.AddCheck(bg, &catalog.Check{CheckID: "al", Definition: catalog.CheckDefinition{AliasNode: "other", AliasService: "db"}}, ""))
		must(t, s.AddCheck(bg, &catalog.Check{CheckID: "no", Definition: catalog.CheckDefinition{AliasNode: "other", AliasService: "x"}}, ""))
		time.Sleep(3 * time.Second)
		if c := s.Check("al"); c.Status != catalog.Warning || c.Output != `Aliased check "d" failing: slow` {
			t.Errorf("got %s %q", c.Status, c.Output)
		}
		if c := s.Check("no"); c.Status != catalog.Critical || c.Output != "Service x could not be found on node other" {
			t.Errorf("got %s %q", c.Status, c.Output)
		}
	})
}

func TestDiscardedOutputIsNotKept(t *testing.T) {
	s := open(t, options("", newServers()))
	s.SetDiscardCheckOutput(true)
	must(t, s.AddCheck(bg, ttl("c"), ""))
	must(t, s.UpdateTTL(bg, "c", catalog.Passing, "secret"))
	if c := s.Check("c"); c.Status != catalog.Passing || c.Output != "" {
		t.Errorf("got %s %q", c.Status, c.Output)
	}
}

func TestCountsTellChecksApart(t *testing.T) {
	o := options("", newServers())
	o.EnableScripts = true
	s := open(t, o)
	must(t, s.AddService(bg, service("a"), []*catalog.Check{ttl("t1"), ttl("t2")}, false, ""))
	must(t, s.AddCheck(bg, &catalog.Check{CheckID: "s", Definition: catalog.CheckDefinition{ScriptArgs: []string{"true"}, Interval: time.Hour}}, ""))
	if got, want := s.Counts(), (local.Counts{Services: 1, Checks: 3, CheckMonitors: 1, CheckTTLs: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestAliasChecksInARingComeToRest, or at least cost next to nothing: a change that
// goes round a ring of checks that follow each other kept a core and the servers busy.
func TestAliasChecksInARingComeToRest(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		const n = 8
		name := func(i int) string { return fmt.Sprint("s", i%n) }
		for i := range n {
			must(t, s.AddService(bg, service(name(i)), nil, false, ""))
		}
		for i := range n {
			c := &catalog.Check{CheckID: fmt.Sprint("alias", i), Name: "alias", ServiceID: name(i), Status: catalog.Passing,
				Definition: catalog.CheckDefinition{AliasService: name(i + 1)}}
			if i%2 == 0 {
				c.Status = catalog.Critical
			}
			must(t, s.AddCheck(bg, c, ""))
		}
		time.Sleep(time.Minute)
		before := f.calls()
		time.Sleep(10 * time.Minute)
		if calls := f.calls() - before; calls > 10*60*3 {
			t.Errorf("%d requests to the servers within 10 minutes", calls)
		}
	})
}

// TestTTLOfHundredsOfYearsOutlastsARestart: its end does not fit into the nanoseconds
// of an int64.
func TestTTLOfHundredsOfYearsOutlastsARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir, newServers()))
	c := ttl("c")
	c.Definition.TTL = math.MaxInt64
	must(t, s.AddCheck(bg, c, ""))
	must(t, s.UpdateTTL(bg, "c", catalog.Passing, "x"))
	must(t, s.Close())
	if got := open(t, options(dir, newServers())).Check("c").Status; got != catalog.Passing {
		t.Errorf("got %s", got)
	}
}
