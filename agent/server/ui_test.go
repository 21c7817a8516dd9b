package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// furnish puts web and secret on n1 and web on n2, each with a check.
func (s *lone) furnish() {
	s.t.Helper()
	for _, svc := range []catalog.Service{{Node: "n1", Service: "web"}, {Node: "n1", Service: "secret"}, {Node: "n2", Service: "web"}} {
		err := s.Store().Apply([]catalog.Entry{{Index: s.Store().Read().LastIndex() + 1, Data: encoded(s.t, &catalog.Register{
			Node: svc.Node, Address: "10.0.0.1", Datacenter: "dc1", Service: &svc,
			Checks: []*catalog.Check{{CheckID: svc.Service, ServiceID: svc.Service, Status: catalog.Passing}},
		})}})[0]
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func encoded(t *testing.T, reg *catalog.Register) []byte {
	t.Helper()
	if err := reg.Prepare(); err != nil {
		t.Fatal(err)
	}
	data, err := catalog.Encode(catalog.RegisterCommand, reg)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestUIShowsWhatATokenMayReadOnly(t *testing.T) {
	who := rights{acl.Node.Read("n1"), acl.Service.Read("web")}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		synctest.Wait()
		s.furnish()
		ctx, r := context.Background(), s.Router()

		nodes, err := ops.UINodes.Call(ctx, r, &ops.UINodesRequest{})
		if err != nil || len(nodes.Nodes) != 1 || len(nodes.Nodes[0].Services) != 1 || len(nodes.Nodes[0].Checks) != 1 || !nodes.Filtered {
			t.Errorf("nodes: %+v, %v; want n1 with web and its check, filtered", nodes, err)
		}
		node, err := ops.UINode.Call(ctx, r, &ops.UINodeRequest{Node: "n2"})
		if err != nil || node.Node != nil || !node.Filtered {
			t.Errorf("hidden node: %+v, %v", node, err)
		}
		services, err := ops.UIServices.Call(ctx, r, &ops.UIServicesRequest{})
		if err != nil || len(services.Services) != 1 || services.Services[0].Instances != 1 || !services.Filtered {
			t.Errorf("services: %+v, %v; want one of web, filtered", services, err)
		}
		_, err = ops.UITopology.Call(ctx, r, &ops.UITopologyRequest{Service: "secret"})
		if fault.KindOf(err) != fault.Denied {
			t.Errorf("topology of a secret service: %v", err)
		}
	})
}

func TestUIFiltersNodesAndTheInstancesToSumUp(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		s.furnish()
		ctx, r := context.Background(), s.Router()
		nodes := func(expression, want string) {
			t.Helper()
			rep, err := ops.UINodes.Call(ctx, r, &ops.UINodesRequest{Filter: expression})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range rep.Nodes {
				got += n.Node.Node + " "
			}
			if got != want {
				t.Errorf("nodes where %s: %q, want %q", expression, got, want)
			}
		}
		nodes(`Node != s1`, "n1 n2 ")
		nodes(`Services.Service == secret`, "n1 ")
		nodes(`Checks.CheckID == web and Node == n2`, "n2 ")
		nodes(`Meta.x == 1`, "")

		services, err := ops.UIServices.Call(ctx, r, &ops.UIServicesRequest{Filter: `Service.Service == web and Node.Node == n2`})
		if err != nil || len(services.Services) != 1 || services.Services[0].Instances != 1 || services.Services[0].Nodes[0] != "n2" {
			t.Errorf("services: %+v, %v; want web on n2", services, err)
		}
		const text = `Failed to create boolean expression evaluator: Selector "Nope" is not valid`
		_, err = ops.UINodes.Call(ctx, r, &ops.UINodesRequest{Filter: "Nope == 1"})
		wantText(t, err, text)
		_, err = ops.UIServices.Call(ctx, r, &ops.UIServicesRequest{Filter: "Nope == 1"})
		wantText(t, err, text)
	})
}

func TestUISeesTheWholeCatalogAndWakesForIt(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		web := catalog.Register{Node: "n1", Address: "10.0.0.1", Service: &catalog.Service{Service: "web"}}
		if err := s.register(web); err != nil {
			t.Fatal(err)
		}
		ctx, r := context.Background(), s.Router()
		first, err := ops.UIServices.Call(ctx, r, &ops.UIServicesRequest{})
		if err != nil || len(first.Services) != 2 || first.Filtered { // and consul
			t.Fatalf("%+v, %v", first, err)
		}
		req := &ops.UIServicesRequest{}
		req.MinIndex, req.MaxWait = first.Index, time.Hour
		woken := make(chan *ops.UIServicesReply, 1)
		go func() { // waited for through woken
			rep, _ := ops.UIServices.Call(ctx, r, req)
			woken <- rep
		}()
		synctest.Wait()
		if err := s.register(web); err != nil { // nothing new
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-woken:
			t.Fatal("woken though nothing changed")
		default:
		}
		if err := s.register(catalog.Register{Node: "n3", Address: "10.0.0.3", Service: &catalog.Service{Service: "late"}}); err != nil {
			t.Fatal(err)
		}
		if rep := <-woken; rep == nil || len(rep.Services) != 3 || rep.Index <= first.Index {
			t.Errorf("woken with %+v", rep)
		}
	})
}

func TestOverviewNeedsOperatorRead(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{} }, func(s *lone) {
		synctest.Wait()
		for token, want := range map[string]string{
			"":      "Permission denied: anonymous token lacks permission 'operator:read'. The anonymous token is used implicitly when a request does not specify a token.",
			"other": "Permission denied: token with AccessorID 'acc' lacks permission 'operator:read'",
		} {
			req := &ops.UIOverviewRequest{}
			req.Token = token
			_, err := ops.UIOverview.Call(context.Background(), s.Router(), req)
			wantText(t, err, want)
		}
	})
}

func TestOverviewIsAtMostTenSecondsOld(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		ask := func() *catalog.Overview {
			rep, err := ops.UIOverview.Call(context.Background(), s.Router(), &ops.UIOverviewRequest{})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Overview
		}
		if o := ask(); o != nil {
			t.Errorf("right after the start: %+v", o)
		}
		time.Sleep(10 * time.Second)
		first := ask()
		if first == nil || first.Nodes.Total() != 1 {
			t.Fatalf("after 10 s: %+v, want one node", first)
		}
		s.furnish()
		if ask() != first {
			t.Error("counted again at once")
		}
		time.Sleep(10 * time.Second)
		if o := ask(); o.Nodes.Total() != 3 || len(o.Services) != 3 {
			t.Errorf("10 s later: %+v, want three nodes", o)
		}
	})
}

// stock puts a key into the store, whatever anybody's rights.
func (s *lone) stock(key, value string) {
	s.t.Helper()
	data, err := catalog.Encode(catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: key, Value: []byte(value)}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Store().Apply([]catalog.Entry{{Index: s.Store().Read().LastIndex() + 1, Data: data}})
}

func TestUIKeySearchFindsWhatItsTokenMayRead(t *testing.T) {
	who := rights{acl.Key.Read("app/Color"), acl.Key.Read("app/note"), acl.Key.Read("colors")}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		synctest.Wait()
		s.stock("app/Color", "blue")
		s.stock("app/note", "first line\n  the COLOR of the sky, "+strings.Repeat("ä", 100)+"\nlast")
		s.stock("app/secret/color", "hidden")
		s.stock("colors", "\xff\xfe")
		search := func(req ops.UIKeySearchRequest) (*ops.UIKeySearchReply, error) {
			return ops.UIKeySearch.Call(context.Background(), s.Router(), &req)
		}
		rep, err := search(ops.UIKeySearchRequest{Text: "coLor"})
		if err != nil || fmt.Sprint(rep.Keys) != "[{app/Color } {colors }]" || !rep.Filtered || rep.Searched != 4 || rep.More {
			t.Errorf("by name: %+v, %v", rep, err)
		}
		rep, err = search(ops.UIKeySearchRequest{Text: "color", Prefix: "app/", Values: true})
		if err != nil || len(rep.Keys) != 2 || rep.Keys[1].Key != "app/note" || !strings.HasPrefix(rep.Keys[1].Line, "the COLOR of the sky, ää") || !utf8.ValidString(rep.Keys[1].Line) || len(rep.Keys[1].Line) > 100 {
			t.Errorf("by value: %+v, %v", rep, err)
		}
		for _, text := range []string{"", strings.Repeat("x", 257)} {
			if _, err := search(ops.UIKeySearchRequest{Text: text}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("a text of %d bytes: %v", len(text), err)
			}
		}
	})
}

func TestUIKeySearchIsBounded(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		synctest.Wait()
		for i := range 300 {
			s.stock(fmt.Sprintf("k%03d", i), strings.Repeat("y", 200<<10))
		}
		rep, err := ops.UIKeySearch.Call(context.Background(), s.Router(), &ops.UIKeySearchRequest{Text: "k"})
		if err != nil || len(rep.Keys) != 200 || !rep.More {
			t.Errorf("%d keys, %v, %v; want 200 of 300", len(rep.Keys), rep.More, err)
		}
		rep, err = ops.UIKeySearch.Call(context.Background(), s.Router(), &ops.UIKeySearchRequest{Text: "none", Values: true})
		if err != nil || len(rep.Keys) != 0 || !rep.More || rep.Searched != 164 { // 32 MB
			t.Errorf("looked at %d values, %v, %v", rep.Searched, rep.More, err)
		}
		rep, err = ops.UIKeySearch.Call(context.Background(), s.Router(), &ops.UIKeySearchRequest{Text: "k", Skip: 200})
		if err != nil || len(rep.Keys) != 100 || rep.Keys[0].Key != "k200" || rep.Searched != 100 || rep.More {
			t.Errorf("the rest: %d keys of %d, %v, %v", len(rep.Keys), rep.Searched, rep.More, err)
		}
	})
}
