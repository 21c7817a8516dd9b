package server_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"praetor/agent/server"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// stocked is a catalog with node n, its check alive, and service web, ID w1,
// with a check.
func stocked(t *testing.T) *catalog.Store {
	t.Helper()
	store := catalog.New()
	data, err := catalog.Encode(catalog.RegisterCommand, &catalog.Register{
		Node: "n", Address: "10.0.0.9", NodeMeta: map[string]string{"a": "b"},
		Service: &catalog.Service{ID: "w1", Service: "web"},
		Checks:  []*catalog.Check{{CheckID: "alive"}, {CheckID: "web", ServiceID: "w1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result := store.Apply([]catalog.Entry{{Index: 1, Data: data}})[0]; result != nil {
		t.Fatal(result)
	}
	return store
}

func TestRegistrationsNeedTheRightsOfWhatTheyTouch(t *testing.T) {
	same := catalog.Register{Node: "n", Address: "10.0.0.9", NodeMeta: map[string]string{"a": "b"}}
	with := func(change func(r *catalog.Register)) *catalog.Register {
		r := same
		change(&r)
		return &r
	}
	const (
		needsNode = `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "n"`
		needsWeb  = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "web"`
		needsDB   = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "db"`
	)
	web, db, node := rights{acl.Service.Write("web")}, rights{acl.Service.Write("db")}, rights{acl.Node.Write("n")}
	rows := []struct {
		name string
		who  rights
		reg  *catalog.Register
		want string
	}{
		{"an unchanged node", rights{}, &same, ""},
		{"another address", rights{}, with(func(r *catalog.Register) { r.Address = "10.0.0.8" }), needsNode},
		{"another address, kept out", rights{}, with(func(r *catalog.Register) { r.Address, r.SkipNodeUpdate = "10.0.0.8", true }), ""},
		{"metadata erased", rights{}, with(func(r *catalog.Register) { r.NodeMeta = nil }), needsNode},
		{"another locality", rights{}, with(func(r *catalog.Register) { r.Locality = &catalog.Locality{Region: "eu"} }), needsNode},
		{"a node check", rights{}, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x"}} }), needsNode},
		{"a node check, allowed", node, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x"}} }), ""},
		{"a new node", rights{}, &catalog.Register{Node: "new", Address: "x", SkipNodeUpdate: true}, `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "new"`},
		{"a service", web, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w2", Service: "web"} }), ""},
		{"a service of others", db, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w2", Service: "web"} }), needsWeb},
		{"the ID of a service of others", db, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "w1", Service: "db"} }), "Permission denied"},
		{"a new service of others", web, with(func(r *catalog.Register) { r.Service = &catalog.Service{ID: "d1", Service: "db"} }), needsDB},
		{"a check of a service of others", db, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceID: "w1"}} }), needsWeb},
		{"a check of a service", web, with(func(r *catalog.Register) { r.Checks = []*catalog.Check{{CheckID: "x", ServiceID: "w1"}} }), ""},
	}
	tx := stocked(t).Read()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { wantText(t, kernel.MayRegister(row.who.authorizer(), tx, row.reg), row.want) })
	}
}

func TestRemovalsNeedTheRightsOfWhatGoes(t *testing.T) {
	web, db, node := rights{acl.Service.Write("web")}, rights{acl.Service.Write("db")}, rights{acl.Node.Write("n")}
	const (
		needsNode = `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "n"`
		needsWeb  = `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "web"`
	)
	rows := []struct {
		name string
		who  rights
		d    *catalog.Deregister
		want string
	}{
		{"nothing", node, nil, "Must provide node"},
		{"no node", node, &catalog.Deregister{}, "Must provide node"},
		{"a node", node, &catalog.Deregister{Node: "n"}, ""},
		{"a node, with a service's right", web, &catalog.Deregister{Node: "n"}, needsNode},
		{"a service", web, &catalog.Deregister{Node: "n", ServiceID: "w1"}, ""},
		{"a service of others", db, &catalog.Deregister{Node: "n", ServiceID: "w1"}, needsWeb},
		{"an unknown service", web, &catalog.Deregister{Node: "n", ServiceID: "x"}, "Unknown service ID 'x'"},
		{"an unknown service, with the node's right", node, &catalog.Deregister{Node: "n", ServiceID: "x"}, ""},
		{"a service's check", web, &catalog.Deregister{Node: "n", CheckID: "web"}, ""},
		{"a check of others", db, &catalog.Deregister{Node: "n", CheckID: "web"}, needsWeb},
		{"a node's check", web, &catalog.Deregister{Node: "n", CheckID: "alive"}, needsNode},
		{"an unknown check", web, &catalog.Deregister{Node: "n", CheckID: "x"}, "Unknown check ID 'x'"},
	}
	tx := stocked(t).Read()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { wantText(t, kernel.MayDeregister(row.who.authorizer(), tx, row.d), row.want) })
	}
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestServicesAreListedByTheInstancesThatMayBeSeen(t *testing.T) {
	who := rights{acl.Node.Read("n1"), acl.Service.Read("web"), acl.Service.Read("db")}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		synctest.Wait()
		var batch []catalog.Entry
		index := s.Store().Read().LastIndex()
		for _, svc := range []catalog.Service{
			{Node: "n1", Service: "web", ID: "1", Tags: []string{"b", "a"}}, {Node: "n1", Service: "web", ID: "2", Tags: []string{"a"}},
			{Node: "n2", Service: "web", ID: "1", Tags: []string{"hidden"}}, {Node: "n2", Service: "db"}, {Node: "n1", Service: "secret"},
		} {
			index++
			data, err := catalog.Encode(catalog.RegisterCommand, &catalog.Register{Node: svc.Node, Address: "x", Service: &svc})
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, catalog.Entry{Index: index, Data: data})
		}
		s.Store().Apply(batch)
		rep, err := ops.CatalogServices.Call(context.Background(), s.Router(), &ops.CatalogServicesRequest{})
		if err != nil || len(rep.Services) != 1 || !slices.Equal(rep.Services["web"], []string{"a", "b"}) || !rep.Filtered {
			t.Errorf("%+v, %v; want web with tags a and b, filtered", rep, err)
		}
	})
}

func TestTokensThatFailToResolveGetThatError(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{} }, func(s *lone) {
		req := &ops.KVGetRequest{Key: "a"}
		for token, want := range map[string]string{
			"unknown": "ACL not found",
			"":        `Permission denied: anonymous token lacks permission 'key:read' on "a". The anonymous token is used implicitly when a request does not specify a token.`,
			"other":   `Permission denied: token with AccessorID 'acc' lacks permission 'key:read' on "a"`,
		} {
			req.Token = token
			_, err := ops.KVGet.Call(context.Background(), s.Router(), req)
			wantText(t, err, want)
			if fault.KindOf(err) != fault.Denied {
				t.Errorf("kind %s", fault.KindOf(err))
			}
		}
	})
}

func TestWhatMayNotBeSeenHasNoAddress(t *testing.T) {
	for _, row := range []struct {
		rights  rights
		address string
		want    string
	}{
		{rights{acl.Node.Read("n")}, "10.0.0.9", "n"},
		{rights{}, "10.0.0.9", ""},
		{rights{acl.Node.Read("n"), acl.Service.Read("web")}, "10.0.0.8", "web"},
		{rights{acl.Node.Read("n")}, "10.0.0.8", ""},
		{rights{acl.Service.Read("web")}, "10.0.0.8", ""},
	} {
		virtual(t, func(o *server.Options) { o.ACL = limited{row.rights} }, func(s *lone) {
			s.mustRegister(catalog.Register{Node: "n", Address: "10.0.0.9", Service: &catalog.Service{ID: "w1", Service: "web", Address: "10.0.0.8"}})
			rep, err := ops.CatalogAddress.Call(context.Background(), s.Router(), &ops.CatalogAddressRequest{ReadOptions: rpc.ReadOptions{Token: "t"}, Address: row.address})
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case rep.Node != nil:
				got = rep.Node.Node
			case rep.Service != nil:
				got = rep.Service.Service
			}
			if got != row.want {
				t.Errorf("%s with %+v: %q, want %q", row.address, row.rights, got, row.want)
			}
		})
	}
}
