package query_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/agent/server/query"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// room is a leader that answers queries.
type room struct{ *testkernel.Server }

func queried(t *testing.T, test func(r room)) {
	t.Helper()
	testkernel.Run(t, withQueries(testkernel.Options{}), func(s *testkernel.Server) { test(room{s}) })
}

func withQueries(k testkernel.Options) testkernel.Options {
	k.Register = func(s *testkernel.Server, m *kernel.Mux) { query.New(s.Kernel).Register(m) }
	return k
}

func ask[Req, Rep any](r room, op rpc.Op[Req, Rep], token string, req *Req) (*Rep, error) {
	reflect.ValueOf(req).Elem().FieldByName("Token").SetString(token)
	return op.Call(r.T.Context(), r.Router, req)
}

func (r room) write(token string, verb catalog.QueryVerb, q catalog.Query) (string, error) {
	rep, err := ask(r, ops.QueryApply, token, &ops.QueryApplyRequest{Write: catalog.QueryWrite{Verb: verb, Query: q}})
	if err != nil {
		return "", err
	}
	return rep.ID, nil
}

func (r room) create(q catalog.Query) string {
	r.T.Helper()
	id, err := r.write("", catalog.QueryCreate, q)
	if err != nil {
		r.T.Fatal(err)
	}
	return id
}

func refused(t testing.TB, name string, err error, kind fault.Kind, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || err.Error() != want:
		t.Errorf("%s: %v, want %q", name, err, want)
	case fault.KindOf(err) != kind:
		t.Errorf("%s: %v is a fault of kind %v, want %v", name, err, fault.KindOf(err), kind)
	}
}

func named(name string) catalog.Query {
	return catalog.Query{Name: name, Service: catalog.QueryService{Service: "web"}}
}

const none = "0f3a3c1f-0d3c-4c7e-9d51-8a5d0e7c2b10"

func TestQueriesThatCannotBeAreRefused(t *testing.T) {
	queried(t, func(r room) {
		id := r.create(named("taken"))
		with := func(change func(q *catalog.Query)) catalog.Query {
			q := named("new")
			change(&q)
			return q
		}
		type failover = catalog.QueryFailover
		for name, c := range map[string]struct {
			verb catalog.QueryVerb
			q    catalog.Query
			kind fault.Kind
			want string
		}{
			"with an ID":        {catalog.QueryCreate, with(func(q *catalog.Query) { q.ID = id }), fault.Rejected, "ID must be empty when creating a new prepared query"},
			"without a name":    {catalog.QueryCreate, with(func(q *catalog.Query) { q.Name = "" }), fault.Rejected, "Invalid prepared query: Must be bound to a session"},
			"without a service": {catalog.QueryCreate, with(func(q *catalog.Query) { q.Service.Service = "" }), fault.Rejected, "Invalid prepared query: Must provide a Service name to query"},
			"fewer than none":   {catalog.QueryCreate, with(func(q *catalog.Query) { q.Service.Failover.NearestN = -1 }), fault.Rejected, "Invalid prepared query: Bad NearestN '-1', must be >= 0"},
			"targets and nearest": {catalog.QueryCreate, with(func(q *catalog.Query) {
				q.Service.Failover = failover{NearestN: 1, Targets: []catalog.QueryTarget{{Peer: "p"}}}
			}), fault.Rejected, "Invalid prepared query: Targets cannot be populated with NearestN or Datacenters"},
			"targets and others": {catalog.QueryCreate, with(func(q *catalog.Query) {
				q.Service.Failover = failover{Datacenters: []string{"dc2"}, Targets: []catalog.QueryTarget{{Peer: "p"}}}
			}), fault.Rejected, "Invalid prepared query: Targets cannot be populated with NearestN or Datacenters"},
			"a TTL that is none":    {catalog.QueryCreate, with(func(q *catalog.Query) { q.DNSTTL = "soon" }), fault.Rejected, `Invalid prepared query: Bad DNS TTL 'soon': time: invalid duration "soon"`},
			"a TTL below zero":      {catalog.QueryCreate, with(func(q *catalog.Query) { q.DNSTTL = "-1s" }), fault.Rejected, "Invalid prepared query: DNS TTL '-1000000000', must be >=0"},
			"a TTL of zero":         {catalog.QueryCreate, with(func(q *catalog.Query) { q.DNSTTL, q.Name = "0s", "zero" }), 0, ""},
			"a name that is taken":  {catalog.QueryCreate, named("Taken"), fault.Rejected, "raft apply failed: name 'Taken' aliases an existing query name"},
			"a session that is not": {catalog.QueryCreate, with(func(q *catalog.Query) { q.Session = none }), fault.Rejected, "raft apply failed: invalid session \"" + none + "\""},
			"too large":             {catalog.QueryCreate, with(func(q *catalog.Query) { q.Service.Tags = []string{strings.Repeat("a", 513<<10)} }), fault.Invalid, ""},
			"a template":            {catalog.QueryCreate, with(func(q *catalog.Query) { q.Template = catalog.QueryTemplate{Type: "x"} }), fault.Rejected, "raft apply failed: failed compiling template: Bad Template.Type 'x'"},
			"an update of none":     {catalog.QueryUpdate, with(func(q *catalog.Query) { q.ID = none }), fault.Rejected, "Cannot modify non-existent prepared query: '" + none + "'"},
			"an update of no UUID":  {catalog.QueryUpdate, named("x"), fault.Rejected, "Prepared Query lookup failed: failed prepared query lookup: index error: UUID must be 36 characters"},
			"a removal of none":     {catalog.QueryDelete, catalog.Query{ID: none}, fault.Rejected, "Cannot modify non-existent prepared query: '" + none + "'"},
			"an update":             {catalog.QueryUpdate, with(func(q *catalog.Query) { q.ID, q.Name = strings.ToUpper(id), "taken" }), 0, ""},
		} {
			_, err := r.write("", c.verb, c.q)
			if name == "too large" {
				if fault.KindOf(err) != c.kind || !strings.HasPrefix(err.Error(), "the query is too large: some 52") || !strings.HasSuffix(err.Error(), "bytes, at most 524288 are allowed") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			refused(t, name, err, c.kind, c.want)
		}
		for _, ask := range []func(id string) error{
			func(id string) error { _, err := ask(r, ops.QueryGet, "", &ops.QueryGetRequest{ID: id}); return err },
		} {
			refused(t, "get none", ask(none), fault.NotFound, "Query not found")
			refused(t, "get no UUID", ask("x"), fault.Rejected, "failed prepared query lookup: index error: UUID must be 36 characters")
			refused(t, "get", ask(strings.ToUpper(id)), 0, "")
		}
		_, err := ask(r, ops.QueryExecute, "", &ops.QueryExecuteRequest{QueryIDOrName: "none"})
		refused(t, "execute none", err, fault.NotFound, "Query not found")
		if _, err := r.write("", catalog.QueryDelete, catalog.Query{ID: strings.ToUpper(id)}); err != nil {
			t.Errorf("remove: %v", err)
		}
		_, err = ask(r, ops.QueryGet, "", &ops.QueryGetRequest{ID: id})
		refused(t, "get what was removed", err, fault.NotFound, "Query not found")
	})
}

// TestWhoSeesAndChangesQueries: rights go by names, and queries without one are for those
// who manage access. Tokens are masked.
func TestWhoSeesAndChangesQueries(t *testing.T) {
	queried(t, func(r room) {
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.0.1.1"})
		r.Log(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionCreate, Session: catalog.Session{ID: none, Node: "n", Behavior: "release"}})
		ids := map[string]string{}
		for _, name := range []string{"mine", "other", ""} {
			q := named(name)
			q.Token, q.Session = "secret", none
			ids[name] = r.create(q)
		}
		template := named("")
		template.Template.Type = catalog.TemplateNamePrefix
		ids["template"] = r.create(template)
		read, manage := testkernel.Rights{acl.Query.Read("mine")}, testkernel.Rights{acl.ACL.Write()}
		for _, c := range []struct {
			rights testkernel.Rights
			list   string // names with their tokens
			get    string // what may be got
		}{
			{nil, "", ""}, {read, "mine <hidden>", "mine"}, {testkernel.Rights{acl.Query.Read("")}, " ", "template"}, {manage, "mine secret, other secret,  secret,  ", " mine other template"},
		} {
			r.ACL = c.rights
			rep, err := ask(r, ops.QueryList, "t", &ops.QueryListRequest{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, q := range rep.Queries {
				got = append(got, q.Name+" "+q.Token)
			}
			want := strings.Split(c.list, ", ")
			if c.list == "" {
				want = nil
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || rep.Filtered != (len(got) < 4) {
				t.Errorf("%v sees %q, filtered %t; want %q", c.rights, got, rep.Filtered, want)
			}
			var may []string
			for name, id := range ids {
				one, err := ask(r, ops.QueryGet, "t", &ops.QueryGetRequest{ID: id})
				if err == nil {
					may = append(may, name)
				} else if fault.KindOf(err) != fault.Denied {
					t.Errorf("%v gets %q: %v", c.rights, name, err)
				}
				if err == nil && (len(one.Queries) != 1 || one.Queries[0].ID != id || one.Index == 0) {
					t.Errorf("%v gets %q: %+v", c.rights, name, one)
				}
			}
			slices.Sort(may)
			if strings.Join(may, " ") != c.get {
				t.Errorf("%v may get %q, want %q", c.rights, may, c.get)
			}
		}
		if _, stored := r.Store.Read().Query(nil, ids["mine"]); stored.Token != "secret" {
			t.Error("showing it changed what is stored")
		}

		r.ACL = testkernel.Rights{acl.Query.Write("mine"), acl.Query.Read("mine")}
		for name, c := range map[string]struct {
			verb   catalog.QueryVerb
			id     string
			to     string
			denied bool
		}{
			"make one's own":         {catalog.QueryCreate, "", "mine2", true},
			"make one without name":  {catalog.QueryCreate, "", "", false},
			"update one's own":       {catalog.QueryUpdate, ids["mine"], "mine", false},
			"rename one's own":       {catalog.QueryUpdate, ids["mine"], "other2", true},
			"take another's":         {catalog.QueryUpdate, ids["other"], "mine", true},
			"remove another's":       {catalog.QueryDelete, ids["other"], "mine", true},
			"remove one without":     {catalog.QueryDelete, ids[""], "", false},
			"remove a template":      {catalog.QueryDelete, ids["template"], "", true},
			"rename to without name": {catalog.QueryUpdate, ids["other"], "", true},
		} {
			q := named(c.to)
			q.ID, q.Session = c.id, none
			if _, err := r.write("t", c.verb, q); (fault.KindOf(err) == fault.Denied) != c.denied || !c.denied && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		rep, err := ask(r, ops.QueryExplain, "t", &ops.QueryExplainRequest{QueryIDOrName: "mine"})
		if err != nil || rep.Query.Service.Service != "web" {
			t.Errorf("explain: %+v, %v", rep, err)
		}
		if _, err := ask(r, ops.QueryExplain, "t", &ops.QueryExplainRequest{QueryIDOrName: "other"}); fault.KindOf(err) != fault.Denied {
			t.Errorf("explain another's: %v", err)
		}
	})
}

// furnish registers n0 to n3 with web: passing, warning, critical, and critical by a check of
// the node.
func (r room) furnish() {
	for i, status := range []string{catalog.Passing, catalog.Warning, catalog.Critical, catalog.Passing} {
		node := fmt.Sprint("n", i)
		checks := []*catalog.Check{{CheckID: "c", Name: "c", ServiceID: "w", Status: status}}
		if i == 3 {
			checks = append(checks, &catalog.Check{CheckID: "node", Name: "node", Status: catalog.Critical})
		}
		r.Log(catalog.RegisterCommand, &catalog.Register{
			Node: node, Address: fmt.Sprint("10.1.0.", i), NodeMeta: map[string]string{"rack": node}, Checks: checks,
			Service: &catalog.Service{ID: "w", Service: "web", Tags: []string{"All", node}, Meta: map[string]string{"ver": fmt.Sprint(i)}},
		})
	}
}

// execute is what a query gives: its instances' nodes, sorted, and where they are.
func (r room) execute(req ops.QueryExecuteRequest) (nodes string, rep *ops.QueryExecuteReply) {
	r.T.Helper()
	rep, err := ask(r, ops.QueryExecute, "", &req)
	if err != nil {
		r.T.Fatal(err)
	}
	var names []string
	for _, i := range rep.Instances {
		names = append(names, i.Node.Node)
	}
	return strings.Join(names, " "), rep
}

func sorted(words string) string {
	list := strings.Fields(words)
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestWhatQueriesSelect(t *testing.T) {
	queried(t, func(r room) {
		r.furnish()
		for i, c := range []struct {
			s    catalog.QueryService
			want string
		}{
			{catalog.QueryService{}, "n0 n1"},
			{catalog.QueryService{OnlyPassing: true}, "n0"},
			{catalog.QueryService{IgnoreCheckIDs: []string{"c"}}, "n0 n1 n2"},
			{catalog.QueryService{IgnoreCheckIDs: []string{"c", "node"}}, "n0 n1 n2 n3"},
			{catalog.QueryService{IgnoreCheckIDs: []string{"c"}, OnlyPassing: true}, "n0 n1 n2"},
			{catalog.QueryService{Tags: []string{"all", "N1"}}, "n1"},
			{catalog.QueryService{Tags: []string{"!n1"}}, "n0"},
			{catalog.QueryService{Tags: []string{"all", "!none"}}, "n0 n1"},
			{catalog.QueryService{Tags: []string{"!ALL"}}, ""},
			{catalog.QueryService{NodeMeta: map[string]string{"rack": "n1"}}, "n1"},
			{catalog.QueryService{ServiceMeta: map[string]string{"ver": "0"}}, "n0"},
			{catalog.QueryService{ServiceMeta: map[string]string{"ver": "0"}, NodeMeta: map[string]string{"rack": "n1"}}, ""},
			{catalog.QueryService{Connect: true}, ""},
		} {
			c.s.Service = "web"
			name := fmt.Sprint("q", i)
			r.create(catalog.Query{Name: name, Service: c.s, DNSTTL: "7s"})
			got, rep := r.execute(ops.QueryExecuteRequest{QueryIDOrName: strings.ToUpper(name)})
			if sorted(got) != c.want || rep.Service != "web" || rep.DNSTTL != "7s" || rep.Datacenter != "dc1" || rep.Failovers != 0 || rep.Instances == nil {
				t.Errorf("%+v: %s of %+v, want %s", c.s, got, rep, c.want)
			}
		}
		for limit, want := range map[int]int{0: 2, 1: 1, 2: 2, 5: 2, -1: 2} {
			if _, rep := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "q0", Limit: limit}); len(rep.Instances) != want {
				t.Errorf("limited to %d: %d", limit, len(rep.Instances))
			}
		}
		if got, _ := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "q0", Connect: true}); got != "" {
			t.Errorf("what is in the mesh: %s", got)
		}
		orders := map[string]bool{}
		for range 50 {
			got, _ := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "q3"})
			orders[got] = true
		}
		if len(orders) < 10 {
			t.Errorf("%d orders of four instances in 50 answers", len(orders))
		}
		template := catalog.Query{Name: "geo-", Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix}, Service: catalog.QueryService{Service: "${name.suffix}"}}
		id := r.create(template)
		if got, _ := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "geo-web"}); sorted(got) != "n0 n1" {
			t.Errorf("by a template: %s", got)
		}
		if got, rep := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "geo-"}); got != "" || rep.Service != "" {
			t.Errorf("by one that gives no name: %s", got)
		}
		_, err := ask(r, ops.QueryExecute, "", &ops.QueryExecuteRequest{QueryIDOrName: id})
		refused(t, "a template by its ID", err, fault.Rejected, "prepared query templates can only be resolved up by name, not by ID")
	})
}

// TestTheTokenOfAQueryDecides, if it has one, and not that of who asks.
func TestTheTokenOfAQueryDecides(t *testing.T) {
	queried(t, func(r room) {
		r.furnish()
		own := named("own")
		own.Token = "t"
		r.create(own)
		r.create(named("plain"))
		r.ACL = testkernel.Rights{acl.Node.Read("n0"), acl.Service.Read("web")}
		for _, c := range []struct{ name, token, want string }{{"own", "", "n0"}, {"own", "t", "n0"}, {"plain", "", "n0 n1"}, {"plain", "t", "n0"}} {
			rep, err := ask(r, ops.QueryExecute, c.token, &ops.QueryExecuteRequest{QueryIDOrName: c.name})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(rep.Instances); got != len(strings.Fields(c.want)) || rep.Filtered != (c.want == "n0") {
				t.Errorf("%s as %q: %d, filtered %t; want %s", c.name, c.token, got, rep.Filtered, c.want)
			}
		}
	})
}

func TestTheNearestComesFirst(t *testing.T) {
	queried(t, func(r room) {
		var batch catalog.CoordinateBatch
		for i := range 12 {
			node := fmt.Sprint("n", i)
			r.Log(catalog.RegisterCommand, &catalog.Register{Node: node, Address: fmt.Sprint("10.1.0.", i), Service: &catalog.Service{ID: "w", Service: "web"}})
			batch.Coordinates = append(batch.Coordinates, &catalog.Coordinate{Node: node, Coord: catalog.Coord{Vec: []float64{float64(i), 0, 0, 0, 0, 0, 0, 0}}})
		}
		r.Log(catalog.CoordinateCommand, &batch)
		for _, near := range []string{"", "n3", "_agent", "_ip"} {
			q := named("near" + near)
			q.Service.Near = near
			r.create(q)
		}
		here := ops.Near{NearDatacenter: "dc1"}
		for _, c := range []struct {
			req  ops.QueryExecuteRequest
			want string // the first two; "" for any
		}{
			{ops.QueryExecuteRequest{QueryIDOrName: "nearn3"}, "n3"},
			{ops.QueryExecuteRequest{QueryIDOrName: "nearn3", Near: ops.Near{NearNode: "n0", NearDatacenter: "dc1"}}, "n0 n1 n2 n3"},
			{ops.QueryExecuteRequest{QueryIDOrName: "near", Near: ops.Near{NearNode: "N11", NearDatacenter: "dc1"}}, "n11 n10 n9"},
			{ops.QueryExecuteRequest{QueryIDOrName: "near", Near: ops.Near{NearIP: "10.1.0.11", NearDatacenter: "dc1"}}, "n11 n10 n9"},
			{ops.QueryExecuteRequest{QueryIDOrName: "near_agent", Near: here, Agent: "n0"}, "n0 n1 n2"},
			{ops.QueryExecuteRequest{QueryIDOrName: "near_ip", Near: here, SourceIP: "10.1.0.0"}, "n0 n1 n2"},
		} {
			if got, _ := r.execute(c.req); !strings.HasPrefix(got+" ", c.want+" ") {
				t.Errorf("%+v: %s, want %s", c.req, got, c.want)
			}
		}
	})
}

// TestTheNearNodeLeadsThoseAsNear: n0 is as near as others, and named last by chance. Without
// places it leads if it is among the first ten.
func TestTheNearNodeLeadsThoseAsNear(t *testing.T) {
	list := func(n int) (list []*catalog.InstanceHealth) {
		for i := range n {
			list = append(list, &catalog.InstanceHealth{Node: &catalog.Node{Node: fmt.Sprint("n", i)}})
		}
		return list
	}
	for _, c := range []struct {
		node string
		want string
	}{{"n0", "n0 n1 n2"}, {"N2", "n2 n0 n1 n3"}, {"n9", "n9 n0 n1"}, {"n10", "n0 n1"}, {"", "n0 n1"}, {"x", "n0 n1"}} {
		before := list(12)
		var got []string
		for _, i := range query.LeadWith(c.node, before) {
			got = append(got, i.Node.Node)
		}
		if !strings.HasPrefix(strings.Join(got, " ")+" ", c.want+" ") || len(got) != 12 || before[0].Node.Node != "n0" {
			t.Errorf("%s: %v", c.node, got)
		}
	}
	if got := query.LeadWith("n0", nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// TestOtherDatacentersAreAskedInTurn: the nearest, then those named, each once.
func TestOtherDatacentersAreAskedInTurn(t *testing.T) {
	queried(t, func(r room) {
		var members []gossip.Member
		servers, names := []rpc.Server{r.At()}, []string{"dc1"}
		for i, dc := range []string{"dc2", "dc3", "silent"} {
			member := testkernel.Member(2+i, func(t *gossip.ServerTags) { t.Datacenter = dc })
			member.Name = fmt.Sprint("s", 2+i, ".", dc)
			members, names = append(members, member), append(names, dc)
			if dc == "silent" {
				continue
			}
			k := testkernel.Options{}
			k.Datacenter = dc
			there := r.Also(2+i, withQueries(k))
			servers = append(servers, there.At())
			if dc == "dc3" {
				room{there}.furnish()
			}
		}
		r.Kernel.WAN = testkernel.NewPool(members...)
		r.Router.SetServers(servers, names)
		for i, c := range []struct {
			failover  catalog.QueryFailover
			dc, peer  string
			failovers int
			found     bool
		}{
			{catalog.QueryFailover{}, "dc1", "", 0, false},
			{catalog.QueryFailover{NearestN: 1}, "dc2", "", 1, false},
			{catalog.QueryFailover{NearestN: 2}, "dc3", "", 2, true},
			{catalog.QueryFailover{NearestN: 9}, "dc3", "", 2, true},
			{catalog.QueryFailover{Datacenters: []string{"dc3", "dc2"}}, "dc3", "", 1, true},
			{catalog.QueryFailover{Datacenters: []string{"dc2", "dc2", "dc1", "nowhere"}}, "dc2", "", 1, false},
			{catalog.QueryFailover{NearestN: 1, Datacenters: []string{"dc2", "dc3"}}, "dc3", "", 2, true},
			{catalog.QueryFailover{Datacenters: []string{"silent", "dc3"}}, "dc3", "", 2, true},
			{catalog.QueryFailover{Datacenters: []string{"silent"}}, "dc1", "", 1, false},
			{catalog.QueryFailover{Targets: []catalog.QueryTarget{{Peer: "p"}, {Datacenter: "dc3"}}}, "dc3", "", 2, true},
			{catalog.QueryFailover{Targets: []catalog.QueryTarget{{Datacenter: "dc2"}, {Peer: "p"}}}, "", "p", 2, false},
		} {
			q := named(fmt.Sprint("q", i))
			q.Service.Failover = c.failover
			r.create(q)
			nodes, rep := r.execute(ops.QueryExecuteRequest{QueryIDOrName: q.Name, Limit: 1})
			if rep.Datacenter != c.dc || rep.PeerName != c.peer || rep.Failovers != c.failovers || (nodes != "") != c.found || len(rep.Instances) > 1 {
				t.Errorf("%+v: %q in %q, peer %q, after %d; want %q, %q, %d", c.failover, nodes, rep.Datacenter, rep.PeerName, rep.Failovers, c.dc, c.peer, c.failovers)
			}
		}
		r.furnish()
		q := named("here")
		q.Service.Failover.NearestN = 2
		r.create(q)
		if nodes, rep := r.execute(ops.QueryExecuteRequest{QueryIDOrName: "here"}); rep.Failovers != 0 || rep.Datacenter != "dc1" || sorted(nodes) != "n0 n1" {
			t.Errorf("with instances here: %s, %+v", nodes, rep)
		}
	})
}
