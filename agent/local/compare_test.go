package local_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// proxied is a service with something everywhere.
func proxied() *catalog.Service {
	return &catalog.Service{
		Kind: "connect-proxy", ID: "web", Service: "web-proxy", Tags: []string{"a", "b"}, Address: "10.0.0.9", Port: 80, SocketPath: "/run/web",
		Ports:           []catalog.ServicePort{{Name: "http", Port: 80, Default: true}, {Name: "admin", Port: 81}},
		TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "10.0.0.9", Port: 80}}, Meta: map[string]string{"k": "v"},
		Weights: catalog.Weights{Passing: 2, Warning: 1}, Locality: &catalog.Locality{Region: "r", Zone: "z"},
		Proxy: &catalog.Proxy{
			DestinationServiceName: "web", DestinationServiceID: "web-1", LocalServiceAddress: "127.0.0.1", LocalServicePort: 8080, Mode: "direct", MeshGatewayMode: "local",
			Config:    map[string]any{"a": int64(1), "b": map[string]any{"c": "d"}},
			Upstreams: []catalog.Upstream{{DestinationName: "db", LocalBindPort: 1, Config: map[string]any{"x": "y"}}, {DestinationName: "cache", LocalBindPort: 2}},
			Expose:    &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/health", ListenerPort: 3}}}, TransparentProxy: &catalog.TransparentProxy{OutboundListenerPort: 4},
		},
	}
}

// rewritten has an agent register what mine makes of a service, and somebody else change it in
// the catalog. It returns how many requests the next full sync takes to put that right.
func rewritten(t *testing.T, mine, change func(s *catalog.Service)) (requests int, was, now *catalog.Service) {
	t.Helper()
	own, theirs := proxied(), proxied()
	mine(own)
	mine(theirs)
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, own, nil, false, ""))
		synctest.Wait()
		was = f.service(own.ID)
		theirs.TaggedAddresses = maps.Clone(was.TaggedAddresses) // with those that each service gets
		change(theirs)
		f.write(t, &catalog.Register{Node: "n1", SkipNodeUpdate: true, Service: theirs})
		f.sent()
		time.Sleep(5 * time.Minute)
		requests, now = len(f.sent()), f.service(own.ID)
	})
	return requests, was, now
}

func asItIs(*catalog.Service) {}

// TestEveryDifferenceIsRepaired: the agent's word about its services counts, member by member.
func TestEveryDifferenceIsRepaired(t *testing.T) {
	for name, change := range map[string]func(s *catalog.Service){
		"kind":              func(s *catalog.Service) { s.Kind = "mesh-gateway" },
		"name":              func(s *catalog.Service) { s.Service = "other" },
		"a tag less":        func(s *catalog.Service) { s.Tags = s.Tags[:1] },
		"the order of tags": func(s *catalog.Service) { s.Tags = []string{"b", "a"} },
		"address":           func(s *catalog.Service) { s.Address = "" },
		"port":              func(s *catalog.Service) { s.Port = 81 },
		"a port of several": func(s *catalog.Service) { s.Ports[1].Port = 82 },
		"socket":            func(s *catalog.Service) { s.SocketPath = "" },
		"tagged address": func(s *catalog.Service) {
			s.TaggedAddresses["lan"] = catalog.ServiceAddress{Address: "10.0.0.8", Port: 80}
		},
		"one more address":      func(s *catalog.Service) { s.TaggedAddresses["wan"] = catalog.ServiceAddress{Address: "1.2.3.4"} },
		"meta":                  func(s *catalog.Service) { s.Meta = map[string]string{"k": "w"} },
		"weights":               func(s *catalog.Service) { s.Weights.Warning = 2 },
		"override of tags":      func(s *catalog.Service) { s.EnableTagOverride = true },
		"locality":              func(s *catalog.Service) { s.Locality.Zone = "y" },
		"no locality":           func(s *catalog.Service) { s.Locality = nil },
		"native":                func(s *catalog.Service) { s.Connect = &catalog.Connect{Native: true} },
		"no proxy":              func(s *catalog.Service) { s.Proxy = nil },
		"destination":           func(s *catalog.Service) { s.Proxy.DestinationServiceName = "db" },
		"destination's ID":      func(s *catalog.Service) { s.Proxy.DestinationServiceID = "web-2" },
		"local address":         func(s *catalog.Service) { s.Proxy.LocalServiceAddress = "" },
		"local port":            func(s *catalog.Service) { s.Proxy.LocalServicePort = 1 },
		"mode":                  func(s *catalog.Service) { s.Proxy.Mode = "transparent" },
		"mesh gateway":          func(s *catalog.Service) { s.Proxy.MeshGatewayMode = "" },
		"a number of config":    func(s *catalog.Service) { s.Proxy.Config["a"] = int64(2) },
		"config inside":         func(s *catalog.Service) { s.Proxy.Config["b"] = map[string]any{"c": "e"} },
		"no config":             func(s *catalog.Service) { s.Proxy.Config = nil },
		"an upstream less":      func(s *catalog.Service) { s.Proxy.Upstreams = s.Proxy.Upstreams[:1] },
		"the order of those":    func(s *catalog.Service) { u := s.Proxy.Upstreams; u[0], u[1] = u[1], u[0] },
		"an upstream's port":    func(s *catalog.Service) { s.Proxy.Upstreams[1].LocalBindPort = 9 },
		"an upstream's config":  func(s *catalog.Service) { s.Proxy.Upstreams[0].Config = nil },
		"exposed checks":        func(s *catalog.Service) { s.Proxy.Expose.Checks = false },
		"an exposed path":       func(s *catalog.Service) { s.Proxy.Expose.Paths[0].Path = "/" },
		"no transparent proxy":  func(s *catalog.Service) { s.Proxy.TransparentProxy = nil },
		"its outbound listener": func(s *catalog.Service) { s.Proxy.TransparentProxy.OutboundListenerPort = 5 },
	} {
		requests, was, now := rewritten(t, asItIs, change)
		if requests != 1 {
			t.Errorf("%s: %d requests", name, requests)
		}
		now.ModifyIndex = was.ModifyIndex
		if !reflect.DeepEqual(now, was) {
			t.Errorf("%s: it is now\n%+v of %+v\nand was\n%+v of %+v", name, now, now.Proxy, was, was.Proxy)
		}
	}
}

// TestWhatSaysTheSameIsLeftAlone: an agent that took these for news would write into the log at
// each full sync.
func TestWhatSaysTheSameIsLeftAlone(t *testing.T) {
	type change = func(s *catalog.Service)
	for name, c := range map[string]struct{ mine, theirs change }{
		"nothing changed":            {asItIs, asItIs},
		"no tags and an empty list":  {func(s *catalog.Service) { s.Tags = nil }, func(s *catalog.Service) { s.Tags = []string{} }},
		"no meta and an empty map":   {func(s *catalog.Service) { s.Meta = nil }, func(s *catalog.Service) { s.Meta = map[string]string{} }},
		"weights of 1 and none":      {func(s *catalog.Service) { s.Weights = catalog.Weights{} }, func(s *catalog.Service) { s.Weights = catalog.Weights{Passing: 1, Warning: 1} }},
		"not native, in two ways":    {func(s *catalog.Service) { s.Connect = &catalog.Connect{} }, func(s *catalog.Service) { s.Connect = nil }},
		"numbers of two types":       {asItIs, func(s *catalog.Service) { s.Proxy.Config["a"] = 1.0 }},
		"no config and an empty one": {func(s *catalog.Service) { s.Proxy.Config = nil }, func(s *catalog.Service) { s.Proxy.Config = map[string]any{} }},
		"that of an upstream":        {asItIs, func(s *catalog.Service) { s.Proxy.Upstreams[1].Config = map[string]any{} }},
		"no upstreams in two ways":   {func(s *catalog.Service) { s.Proxy.Upstreams = nil }, func(s *catalog.Service) { s.Proxy.Upstreams = []catalog.Upstream{} }},
		"no exposed paths":           {func(s *catalog.Service) { s.Proxy.Expose.Paths = nil }, func(s *catalog.Service) { s.Proxy.Expose.Paths = []catalog.ExposePath{} }},
	} {
		if requests, _, now := rewritten(t, c.mine, c.theirs); requests != 0 {
			t.Errorf("%s: %d requests; it is now %+v of %+v", name, requests, now, now.Proxy)
		}
	}
}

// TestChecksAreNewsWhereTheCatalogSaysSo: not their type, interval and timeout, nor what the
// catalog copies from their service.
func TestChecksAreNewsWhereTheCatalogSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(c *catalog.Check)
		requests int
	}{
		"nothing":  {func(*catalog.Check) {}, 0},
		"name":     {func(c *catalog.Check) { c.Name = "x" }, 1},
		"status":   {func(c *catalog.Check) { c.Status = catalog.Passing }, 1},
		"notes":    {func(c *catalog.Check) { c.Notes = "x" }, 1},
		"output":   {func(c *catalog.Check) { c.Output = "x" }, 1},
		"service":  {func(c *catalog.Check) { c.ServiceID = "" }, 1},
		"type":     {func(c *catalog.Check) { c.Type = "x" }, 0},
		"interval": {func(c *catalog.Check) { c.Interval = "9s" }, 0},
		"timeout":  {func(c *catalog.Check) { c.Timeout = "9s" }, 0},
	} {
		f := newServers()
		running(t, f, func(o *local.Options) { o.CheckUpdateInterval = 0 }, func(t *testing.T, s *local.State) {
			must(t, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, false, ""))
			synctest.Wait()
			theirs := *f.check("c")
			c.change(&theirs)
			f.write(t, &catalog.Register{Node: "n1", SkipNodeUpdate: true, Checks: []*catalog.Check{&theirs}})
			f.sent()
			time.Sleep(5 * time.Minute)
			if got := len(f.sent()); got != c.requests {
				t.Errorf("%s: %d requests, want %d; it is now %+v", name, got, c.requests, f.check("c"))
			}
		})
	}
}

// TestACheckWhoseServiceSomebodyRemovedBringsItBack: the two are sent again together, at once.
func TestACheckWhoseServiceSomebodyRemovedBringsItBack(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, false, ""))
		must(t, s.AddService(bg, service("db"), nil, false, ""))
		synctest.Wait()
		f.remove(&catalog.Deregister{Node: "n1", ServiceID: "web"})
		f.remove(&catalog.Deregister{Node: "n1", ServiceID: "db"})
		f.sent()
		must(t, s.UpdateTTL(bg, "c", catalog.Passing, "fine"))
		time.Sleep(time.Second)
		if got := fmt.Sprint(f.services()); got != "[web]" { // db waits for the next full sync
			t.Errorf("services are %s", got)
		}
		if c := f.check("c"); c == nil || c.Status != catalog.Passing || c.ServiceID != "web" {
			t.Errorf("the check is %+v", c)
		}
		if got := len(f.sent()); got != 2 {
			t.Errorf("it took %d requests", got)
		}
		if text := s.SyncError(); text != "" {
			t.Errorf("it says that %s", text)
		}
	})
}

// TestWhySomethingIsNotInTheCatalog is told to whoever asks, until it is.
func TestWhySomethingIsNotInTheCatalog(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f *servers)
		want  string
	}{
		"no leader":  {func(f *servers) { f.down = fault.New(fault.NoLeader, "No cluster leader") }, "No cluster leader"},
		"no servers": {func(f *servers) { f.down = fault.New(fault.NoLeader, "%s", rpc.TextNoServers) }, rpc.TextNoServers},
		"one that is wrong": {func(f *servers) {
			f.refuse = func(r *catalog.Register) string {
				if r.Service != nil {
					return "bad service"
				}
				return ""
			}
		}, "bad service"},
	} {
		f := newServers()
		var log *logText
		running(t, f, func(o *local.Options) { log = logged(o) }, func(t *testing.T, s *local.State) {
			synctest.Wait()
			f.set(func() { c.spoil(f) })
			must(t, s.AddService(bg, service("web"), nil, false, ""))
			synctest.Wait()
			if got := s.SyncError(); got != c.want {
				t.Errorf("%s: it says %q, want %q", name, got, c.want)
			}
			if lines := log.String(); !strings.Contains(lines, `[ERROR] failed to sync remote state: error="`+c.want) && !strings.Contains(lines, `[ERROR] failed to sync remote state: error=`+c.want) {
				t.Errorf("%s: the log says %s", name, lines)
			}
			f.set(func() { f.down, f.refuse = nil, nil })
			time.Sleep(5 * time.Minute)
			if got := s.SyncError(); got != "" || fmt.Sprint(f.services()) != "[web]" {
				t.Errorf("%s: later it says %q, and there are %v", name, got, f.services())
			}
		})
	}
}

// TestNodeMetaOfAReloadReachesTheCatalog, with what every node has besides.
func TestNodeMetaOfAReloadReachesTheCatalog(t *testing.T) {
	f := newServers()
	running(t, f, nil, func(t *testing.T, s *local.State) {
		synctest.Wait()
		if m := s.NodeMeta(); m["rack"] != "7" || m["consul-version"] == "" {
			t.Errorf("the node has %v", m)
		}
		s.SetNodeMeta(map[string]string{"row": "3"})
		synctest.Wait()
		_, n := f.store.Read().Node(nil, "n1")
		if _, still := n.Meta["rack"]; still || n.Meta["row"] != "3" || n.Meta["consul-version"] == "" {
			t.Errorf("the catalog has %v", n.Meta)
		}
	})
}
