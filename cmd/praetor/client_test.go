package main_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// client is the client that people really use, talking to a real agent.
type client struct {
	*testing.T
	*api.Client
	node string
}

func newClient(t *testing.T, ip string) *client {
	n := newNode(t, "a", ip, "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	cl, err := api.NewClient(&api.Config{Address: ip + ":8500"})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "own node", 20*time.Second, func() error { return wantSerfHealth(n, "a", "passing") })
	return &client{t, cl, "a"}
}

// same reports a difference; got and want are compared as they print.
func (c *client) same(what string, got, want any, err error) {
	c.Helper()
	if err != nil {
		c.Errorf("%s: %v", what, err)
	} else if fmt.Sprint(got) != fmt.Sprint(want) {
		c.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// names maps a list to what tells its members apart, in its order.
func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}

func serviceIDs(list []*api.CatalogService) []string {
	return names(list, func(s *api.CatalogService) string { return s.ServiceID })
}

func entryIDs(list []*api.ServiceEntry) []string {
	return names(list, func(e *api.ServiceEntry) string { return e.Service.ID })
}

func checkIDs(list api.HealthChecks) []string {
	return slices.Sorted(slices.Values(names(list, func(h *api.HealthCheck) string { return h.CheckID })))
}

// seed registers by hand two nodes with two instances, a proxy and a native one.
func (c *client) seed() {
	for i, reg := range []*api.CatalogRegistration{
		{
			Node: "n1", Address: "10.0.0.1", NodeMeta: map[string]string{"rack": "1"},
			Service: &api.AgentService{ID: "w1", Service: "web", Port: 80, Tags: []string{"v1", "x"}, Meta: map[string]string{"env": "prod"}},
			Checks:  api.HealthChecks{{CheckID: "c1", Name: "c1", Status: api.HealthPassing, ServiceID: "w1"}, {CheckID: "node", Name: "node", Status: api.HealthPassing}},
		},
		{
			Node: "n2", Address: "10.0.0.2", NodeMeta: map[string]string{"rack": "2"},
			Service: &api.AgentService{ID: "w2", Service: "web", Port: 81, Tags: []string{"v2", "x"}},
			Check:   &api.AgentCheck{CheckID: "c2", Name: "c2", Status: api.HealthCritical, ServiceID: "w2"},
		},
		{
			Node: "n2", Address: "10.0.0.2", SkipNodeUpdate: true,
			Service: &api.AgentService{ID: "p1", Service: "web-proxy", Kind: api.ServiceKindConnectProxy, Port: 82, Tags: []string{"v1"}, Proxy: &api.AgentServiceConnectProxyConfig{DestinationServiceName: "web"}},
		},
		{
			Node: "n1", Address: "10.0.0.1", SkipNodeUpdate: true,
			Service: &api.AgentService{ID: "nat", Service: "native", Port: 83, Connect: &api.AgentServiceConnect{Native: true}},
		},
	} {
		if _, err := c.Catalog().Register(reg, nil); err != nil {
			c.Fatalf("registration %d: %v", i, err)
		}
	}
}

// wantMeta holds an answer to what every read says about itself.
func (c *client) wantMeta(what string, m *api.QueryMeta) {
	c.Helper()
	if m == nil || m.LastIndex == 0 || !m.KnownLeader {
		c.Errorf("%s: meta %+v", what, m)
	}
}

func TestTheRealClientReadsTheCatalog(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.31.1")
	c.seed()
	cat := c.Catalog()

	dcs, err := cat.Datacenters()
	c.same("datacenters", dcs, []string{"dc1"}, err)

	nodeNames := func(list []*api.Node) []string { return names(list, func(n *api.Node) string { return n.Node }) }
	for what, row := range map[string]struct {
		q    *api.QueryOptions
		want []string
	}{
		"all":                {nil, []string{"a", "n1", "n2"}},
		"filtered":           {&api.QueryOptions{Filter: `Meta.rack == "2"`}, []string{"n2"}},
		"with metadata":      {&api.QueryOptions{NodeMeta: map[string]string{"rack": "1"}}, []string{"n1"}},
		"stale":              {&api.QueryOptions{AllowStale: true, Filter: "Node != a"}, []string{"n1", "n2"}},
		"consistent":         {&api.QueryOptions{RequireConsistent: true, Filter: "Node != a"}, []string{"n1", "n2"}},
		"near":               {&api.QueryOptions{Near: "_agent", Filter: "Node == a"}, []string{"a"}},
		"of this datacenter": {&api.QueryOptions{Datacenter: "dc1", Filter: `Address == "10.0.0.1"`}, []string{"n1"}},
	} {
		list, meta, err := cat.Nodes(row.q)
		c.same("nodes "+what, nodeNames(list), row.want, err)
		c.wantMeta("nodes "+what, meta)
	}

	services, meta, err := cat.Services(nil)
	c.same("services", slices.Sorted(maps.Keys(services)), []string{"consul", "native", "web", "web-proxy"}, err)
	c.wantMeta("services", meta)
	slices.Sort(services["web"])
	c.same("tags", services["web"], []string{"v1", "v2", "x"}, nil)
	services, _, err = cat.Services(&api.QueryOptions{Filter: `ServiceName == web and NodeMeta.rack == "1"`})
	slices.Sort(services["web"])
	c.same("services filtered", services, map[string][]string{"web": {"v1", "x"}}, err)
	services, _, err = cat.Services(&api.QueryOptions{NodeMeta: map[string]string{"rack": "1"}})
	c.same("services with metadata", slices.Sorted(maps.Keys(services)), []string{"native", "web"}, err)

	list, meta, err := cat.Service("web", "", nil)
	c.same("service", serviceIDs(list), []string{"w1", "w2"}, err)
	c.wantMeta("service", meta)
	list, _, err = cat.Service("web", "V2", nil)
	c.same("service with a tag", serviceIDs(list), []string{"w2"}, err)
	list, _, err = cat.ServiceMultipleTags("web", []string{"x", "v1"}, nil)
	c.same("service with tags", serviceIDs(list), []string{"w1"}, err)
	list, _, err = cat.Service("web", "", &api.QueryOptions{Filter: "ServicePort == 81", UseCache: true, MaxAge: time.Minute})
	c.same("service filtered", serviceIDs(list), []string{"w2"}, err)
	list, _, err = cat.Service("web", "", &api.QueryOptions{MergeCentralConfig: true, NodeMeta: map[string]string{"rack": "1"}})
	c.same("service with metadata", serviceIDs(list), []string{"w1"}, err)
	list, _, err = cat.Connect("WEB", "", nil)
	c.same("connect", serviceIDs(list), []string{"p1"}, err)
	list, _, err = cat.Connect("native", "", nil)
	c.same("connect native", serviceIDs(list), []string{"nat"}, err)
	list, _, err = cat.ConnectMultipleTags("web", []string{"v1", "v2"}, nil)
	c.same("connect with tags", serviceIDs(list), []string{"p1"}, err) // which say nothing of proxies

	node, _, err := cat.Node("n2", nil)
	c.same("node", slices.Sorted(maps.Keys(node.Services)), []string{"p1", "w2"}, err)
	node, _, err = cat.Node("n2", &api.QueryOptions{Filter: `Kind == "connect-proxy" and Proxy.DestinationServiceName == web`})
	c.same("node filtered", slices.Sorted(maps.Keys(node.Services)), []string{"p1"}, err)
	none, _, err := cat.Node("nope", nil)
	c.same("unknown node", none == nil, true, err)
	on, _, err := cat.NodeServiceList("n1", &api.QueryOptions{MergeCentralConfig: true})
	c.same("node services", names(on.Services, func(s *api.AgentService) string { return s.ID }), []string{"nat", "w1"}, err)
	c.same("their node", on.Node.Address, "10.0.0.1", nil)
	gateways, meta, err := cat.GatewayServices("gw", nil)
	c.same("gateway services", len(gateways), 0, err)
	c.wantMeta("gateway services", meta)

	if _, _, err := cat.Nodes(&api.QueryOptions{Filter: "Nope == 1"}); err == nil || !strings.Contains(err.Error(), `Selector "Nope" is not valid`) {
		t.Errorf("a filter that cannot be: %v", err)
	}

	for _, d := range []*api.CatalogDeregistration{{Node: "n1", CheckID: "c1"}, {Node: "n2", ServiceID: "p1"}} {
		if _, err := cat.Deregister(d, nil); err != nil {
			t.Errorf("deregister %+v: %v", d, err)
		}
	}
	list, _, err = cat.Connect("web", "", nil)
	c.same("connect without its proxy", serviceIDs(list), []string{}, err)
	if _, err := cat.Deregister(&api.CatalogDeregistration{Node: "n2"}, nil); err != nil {
		t.Error(err)
	}
	list, _, err = cat.Service("web", "", nil)
	c.same("service without a node", serviceIDs(list), []string{"w1"}, err)
}

func TestTheRealClientReadsHealth(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.31.2")
	c.seed()
	h := c.Health()

	checks, meta, err := h.Node("n1", nil)
	c.same("node", checkIDs(checks), []string{"c1", "node"}, err)
	c.wantMeta("node", meta)
	checks, _, err = h.Node("n1", &api.QueryOptions{Filter: "ServiceID == w1"})
	c.same("node filtered", checkIDs(checks), []string{"c1"}, err)
	checks, _, err = h.Checks("web", &api.QueryOptions{NodeMeta: map[string]string{"rack": "2"}})
	c.same("checks with metadata", checkIDs(checks), []string{"c2"}, err)
	checks, _, err = h.Checks("web", &api.QueryOptions{Filter: "Status != critical"})
	c.same("checks filtered", checkIDs(checks), []string{"c1"}, err)
	checks, _, err = h.State(api.HealthCritical, nil)
	c.same("state", checkIDs(checks), []string{"c2"}, err)
	checks, _, err = h.State(api.HealthAny, &api.QueryOptions{Filter: "Node != a", Near: "_agent"})
	c.same("any state", checkIDs(checks), []string{"c1", "c2", "node"}, err)
	c.same("worst of them", checks.AggregatedStatus(), api.HealthCritical, nil)

	list, meta, err := h.Service("web", "", false, nil)
	c.same("service", entryIDs(list), []string{"w1", "w2"}, err)
	c.wantMeta("service", meta)
	c.same("checks of it", checkIDs(list[0].Checks), []string{"c1", "node"}, nil)
	c.same("its node", list[0].Node.Meta, map[string]string{"rack": "1"}, nil)
	for what, row := range map[string]struct {
		tags    []string
		passing bool
		q       *api.QueryOptions
		want    []string
	}{
		"passing":       {nil, true, nil, []string{"w1"}},
		"tags":          {[]string{"x", "v2"}, false, nil, []string{"w2"}},
		"filtered":      {nil, false, &api.QueryOptions{Filter: "Checks.Status == critical"}, []string{"w2"}},
		"with metadata": {nil, false, &api.QueryOptions{NodeMeta: map[string]string{"rack": "1"}}, []string{"w1"}},
		"stale":         {nil, false, &api.QueryOptions{AllowStale: true}, []string{"w1", "w2"}},
		"consistent":    {nil, false, &api.QueryOptions{RequireConsistent: true}, []string{"w1", "w2"}},
		"cached":        {nil, false, &api.QueryOptions{UseCache: true, MaxAge: time.Minute, StaleIfError: time.Hour}, []string{"w1", "w2"}},
		"merged":        {nil, true, &api.QueryOptions{MergeCentralConfig: true}, []string{"w1"}},
	} {
		list, _, err := h.ServiceMultipleTags("web", row.tags, row.passing, row.q)
		c.same("service "+what, entryIDs(list), row.want, err)
	}
	list, _, err = h.Connect("web", "", true, nil)
	c.same("connect", entryIDs(list), []string{"p1"}, err)
	list, _, err = h.ConnectMultipleTags("web", []string{"nope"}, false, nil)
	c.same("connect with tags", entryIDs(list), []string{"p1"}, err)
	list, meta, err = h.Ingress("web", false, nil)
	c.same("ingress", entryIDs(list), []string{}, err)
	c.wantMeta("ingress", meta)

	c.wantWake("connect", func(q *api.QueryOptions) ([]string, *api.QueryMeta, error) {
		list, meta, err := h.Connect("web", "", false, q)
		return entryIDs(list), meta, err
	}, []string{"nat2", "p1"})
}

// wantWake holds a blocking read to its promise: it answers when a native
// instance of web comes, and not before.
func (c *client) wantWake(what string, read func(*api.QueryOptions) ([]string, *api.QueryMeta, error), want []string) {
	c.Helper()
	_, meta, err := read(nil)
	if err != nil {
		c.Fatal(err)
	}
	type result struct {
		ids  []string
		meta *api.QueryMeta
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends within the wait; the channel has room
		ids, m, err := read(&api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: 20 * time.Second})
		done <- result{ids, m, err}
	}()
	if _, err := c.Catalog().Register(&api.CatalogRegistration{
		Node: "n1", Address: "10.0.0.1", SkipNodeUpdate: true,
		Service: &api.AgentService{ID: "nat2", Service: "web", Port: 84, Connect: &api.AgentServiceConnect{Native: true}},
	}, nil); err != nil {
		c.Fatal(err)
	}
	r := <-done
	c.same(what+" woken", r.ids, want, r.err)
	if r.err == nil && r.meta.LastIndex <= meta.LastIndex {
		c.Errorf("%s: index went from %d to %d", what, meta.LastIndex, r.meta.LastIndex)
	}
}

func TestTheRealClientDrivesItsAgent(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.31.3")
	a := c.Agent()
	if err := a.ServiceRegister(&api.AgentServiceRegistration{
		ID: "w1", Name: "web", Port: 80, Tags: []string{"v1"}, Meta: map[string]string{"env": "prod"},
		Check: &api.AgentServiceCheck{CheckID: "ttl", TTL: "10m", Status: api.HealthPassing},
	}); err != nil {
		t.Fatal(err)
	}
	err := a.ServiceRegisterOpts(&api.AgentServiceRegistration{Name: "db", Port: 81}, api.ServiceRegisterOpts{ReplaceExistingChecks: true})
	c.same("register with options", nil, nil, err)
	c.same("register a check", nil, nil, a.CheckRegister(&api.AgentCheckRegistration{ID: "own", Name: "own", AgentServiceCheck: api.AgentServiceCheck{TTL: "10m"}}))
	c.same("register another", nil, nil, a.CheckRegisterOpts(&api.AgentCheckRegistration{ID: "more", Name: "more", AgentServiceCheck: api.AgentServiceCheck{TTL: "10m"}}, nil))

	services, err := a.Services()
	c.same("services", slices.Sorted(maps.Keys(services)), []string{"db", "w1"}, err)
	services, err = a.ServicesWithFilter(`Meta.env == prod and v1 in Tags`)
	c.same("services filtered", slices.Sorted(maps.Keys(services)), []string{"w1"}, err)
	services, err = a.ServicesWithFilterOpts(`Port == 81`, &api.QueryOptions{})
	c.same("services filtered, with options", slices.Sorted(maps.Keys(services)), []string{"db"}, err)
	checks, err := a.Checks()
	c.same("checks", slices.Sorted(maps.Keys(checks)), []string{"more", "own", "ttl"}, err)
	checks, err = a.ChecksWithFilter("Status == passing")
	c.same("checks filtered", slices.Sorted(maps.Keys(checks)), []string{"ttl"}, err)
	checks, err = a.ChecksWithFilterOpts("ServiceID == ``", &api.QueryOptions{})
	c.same("checks filtered, with options", slices.Sorted(maps.Keys(checks)), []string{"more", "own"}, err)
	svc, meta, err := a.Service("w1", nil)
	c.same("service", svc.Port, 80, err)
	if svc.ContentHash == "" || meta.LastContentHash != svc.ContentHash {
		t.Errorf("service: hash %q, meta %+v", svc.ContentHash, meta)
	}

	status := func(id string) string {
		checks, err := a.Checks()
		if err != nil || checks[id] == nil {
			return fmt.Sprint(err)
		}
		return checks[id].Status + " " + checks[id].Output
	}
	for want, update := range map[string]func() error{
		"passing good":   func() error { return a.UpdateTTL("own", "good", "pass") },
		"warning hm":     func() error { return a.WarnTTL("own", "hm") },
		"critical bad":   func() error { return a.FailTTL("own", "bad") },
		"passing again":  func() error { return a.PassTTL("own", "again") },
		"critical worst": func() error { return a.UpdateTTLOpts("own", "worst", api.HealthCritical, nil) },
	} {
		err := update()
		c.same("update", status("own"), want, err)
	}
	c.same("own passes", nil, nil, a.PassTTL("own", ""))
	c.same("deregister a check", nil, nil, a.CheckDeregisterOpts("more", nil))
	c.same("a check that is gone", status("more"), "<nil>", nil)

	state, info, err := a.AgentHealthServiceByID("w1")
	c.same("health by ID", []any{state, info.Service.ID, checkIDs(info.Checks)}, []any{api.HealthPassing, "w1", []string{"own", "ttl"}}, err)
	state, _, err = a.AgentHealthServiceByIDOpts("nope", nil)
	c.same("health of none", state, api.HealthCritical, err)
	c.same("maintenance", nil, nil, a.EnableServiceMaintenance("w1", "why"))
	state, infos, err := a.AgentHealthServiceByName("web")
	c.same("health by name", []any{state, len(infos), infos[0].AggregatedStatus}, []any{api.HealthCritical, 1, api.HealthMaint}, err)
	c.same("no maintenance", nil, nil, a.DisableServiceMaintenance("w1"))
	c.same("maintenance, with options", nil, nil, a.EnableServiceMaintenanceOpts("w1", "", nil))
	c.same("no maintenance, with options", nil, nil, a.DisableServiceMaintenanceOpts("w1", nil))
	state, _, err = a.AgentHealthServiceByNameOpts("web", nil)
	c.same("health by name", state, api.HealthPassing, err)
	c.same("node maintenance", nil, nil, a.EnableNodeMaintenance("why"))
	c.same("its check", status("_node_maintenance"), "critical ", nil)
	c.same("no node maintenance", nil, nil, a.DisableNodeMaintenance())

	waitFor(t, "web in the catalog", 20*time.Second, func() error {
		list, _, err := c.Health().Service("web", "", true, nil)
		if err == nil && len(list) != 1 {
			err = errors.New("not there, or not passing")
		}
		return err
	})
	c.same("deregister", nil, nil, a.ServiceDeregister("w1"))
	c.same("deregister, with options", nil, nil, a.ServiceDeregisterOpts("db", nil))
	c.same("deregister the check", nil, nil, a.CheckDeregister("own"))
	services, err = a.Services()
	c.same("services left", len(services), 0, err)

	members, err := a.Members(false)
	c.same("members", names(members, func(m *api.AgentMember) string { return m.Name }), []string{"a"}, err)
	members, err = a.MembersOpts(api.MembersOpts{Filter: "Tags.role == consul and Status == 1"})
	c.same("members filtered", len(members), 1, err)
	members, err = a.MembersOpts(api.MembersOpts{WAN: true, Filter: `Name matches "[.]dc2$"`})
	c.same("WAN members filtered", len(members), 0, err)
	name, err := a.NodeName()
	c.same("node name", name, c.node, err)
	self, err := a.Self()
	c.same("self", self["Config"]["NodeName"], c.node, err)
	version, err := a.Version()
	c.same("version", version["HumanVersion"] != "", true, err)
	c.same("reload", nil, nil, a.Reload())
	c.same("join", nil, nil, a.Join("127.77.31.3", false))
	c.same("leave", nil, nil, a.Leave())
}

func TestMembersFilter(t *testing.T) {
	t.Parallel()
	n := newNode(t, "a", "127.77.31.4", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	if out, errs, code := n.cli("members", "-filter", "Name == a"); code != 0 || !strings.Contains(out, "127.77.31.4:8301") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if out, _, code := n.cli("members", "-filter", "Name != a"); code != 2 || out != "" {
		t.Errorf("%d %s", code, out)
	}
	if _, errs, code := n.cli("members", "-filter", "Nope == 1"); code != 1 || !strings.Contains(errs, `Selector "Nope" is not valid`) {
		t.Errorf("%d %s", code, errs)
	}
}
