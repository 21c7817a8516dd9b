package server_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// nodeID is the ID of node n.
const nodeID = "40404040-0000-0000-0000-0000000000aa"

// stocked is a catalog with node n, its check alive, and service web, ID w1,
// with a check.
func stocked(t *testing.T) *catalog.Store {
	t.Helper()
	store := catalog.New()
	data, err := catalog.Encode(catalog.RegisterCommand, &catalog.Register{
		ID: nodeID, Node: "n", Address: "10.0.0.9", NodeMeta: map[string]string{"a": "b"},
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

// TestServicesOfANodeAreSeenByTheirNames asks for the services of a node with the right to
// read a name that is another's ID (reference/security.md §12, U2).
func TestServicesOfANodeAreSeenByTheirNames(t *testing.T) {
	for _, row := range []struct {
		who      rights
		services int
		filtered bool
	}{
		{rights{acl.Node.Read("n"), acl.Service.Read("web")}, 1, false},
		{rights{acl.Node.Read("n"), acl.Service.Read("w1")}, 0, true},
		{rights{acl.Node.Read("n")}, 0, true},
	} {
		virtual(t, func(o *server.Options) { o.Store, o.ACL = stocked(t), row.who }, func(s *lone) {
			rep, err := ops.CatalogNode.Call(context.Background(), s.Router(), &ops.CatalogNodeRequest{ReadOptions: rpc.ReadOptions{Token: "t"}, Node: "n"})
			if err != nil || rep.NodeServices == nil || len(rep.NodeServices.Services) != row.services || rep.Filtered != row.filtered {
				t.Errorf("%v: %+v, filtered %v, %v", row.who, rep.NodeServices, rep.Filtered, err)
			}
		})
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
