package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// TestViewsHoldSoManyBytes asks about a service that changes under questions that
// nobody repeats: each of their answers holds rows that were replaced since.
func TestViewsHoldSoManyBytes(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		ask := func(service, filter string) []*catalog.InstanceHealth {
			rep, err := ops.HealthService.Call(context.Background(), s.Router(), &ops.HealthServiceRequest{Service: service, Filter: filter})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Instances
		}
		const instances, output = 64, 16 << 10
		rounds := 2 * kernel.MaxViewBytes / (instances * output)
		register := func(service, node string, output int) {
			err := s.register(catalog.Register{Node: node, Address: "10.1.1.1", Service: &catalog.Service{Service: service, Port: 8080}, Checks: []*catalog.Check{
				{CheckID: "c", Status: catalog.Passing, ServiceID: service, Output: strings.Repeat("x", output)},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		register("asked", "n", 1)
		for i := range instances {
			register("large", fmt.Sprint("n", i), output)
		}
		first := ask("asked", "")
		for i := range rounds {
			if got := ask("large", fmt.Sprint("Service.Port != ", i)); len(got) != instances {
				t.Fatalf("%d instances", len(got))
			}
			register("large", "n0", output+i%2)
			if &ask("asked", "")[0] != &first[0] {
				t.Fatalf("an answer that is asked for was forgotten in round %d", i)
			}
		}
		n, bytes := s.Views()
		if bytes > kernel.MaxViewBytes || bytes < kernel.MaxViewBytes/2 || n >= rounds {
			t.Errorf("%d answers of %d hold %d bytes", n, rounds, bytes)
		}
	})
}

// TestSharedAnswersSaySo asks in the server's own process, where lists are given to
// all, and from outside.
func TestSharedAnswersSaySo(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		if err := s.register(catalog.Register{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web"}}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			req  ops.HealthServiceRequest
			want bool
		}{
			{ops.HealthServiceRequest{Service: "web"}, true},
			{ops.HealthServiceRequest{Service: "web", PassingOnly: true}, true},
			{ops.HealthServiceRequest{Service: "none"}, true},
			{ops.HealthServiceRequest{Service: "web", Near: ops.Near{NearNode: "n"}}, false},
		} {
			rep, err := ops.HealthService.Call(context.Background(), s.Router(), &row.req)
			if err != nil || rep.Shared != row.want {
				t.Errorf("%+v: shared %v, %v; want %v", row.req, rep.Shared, err, row.want)
			}
			var sent ops.HealthServiceReply
			if encoded, err := rep.MarshalMsg(nil); err != nil {
				t.Error(err)
			} else if _, err := sent.UnmarshalMsg(encoded); err != nil || sent.Shared {
				t.Errorf("%+v: a reply that was sent is shared, %v", row.req, err)
			}
		}
		for filter, want := range map[string]bool{"": true, "ServiceName == web": false} {
			rep, err := ops.CatalogServices.Call(context.Background(), s.Router(), &ops.CatalogServicesRequest{Filter: filter})
			if err != nil || rep.Shared != want {
				t.Errorf("services where %q: shared %v, %v; want %v", filter, rep.Shared, err, want)
			}
		}
	})
}

func TestViewsAnswerWhatWasAsked(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		for i, status := range []string{catalog.Passing, catalog.Passing, catalog.Critical} {
			err := s.register(catalog.Register{
				Node: fmt.Sprint("n", i), Address: "10.1.1.1", NodeMeta: map[string]string{"rack": fmt.Sprint(i % 2)},
				Service: &catalog.Service{Service: "web", Tags: []string{fmt.Sprint("t", i), "All"}},
				Checks:  []*catalog.Check{{CheckID: "c", Status: status, ServiceID: "web"}},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		rows := []struct {
			req  ops.HealthServiceRequest
			want []string
		}{
			{ops.HealthServiceRequest{}, []string{"n0", "n1", "n2"}},
			{ops.HealthServiceRequest{PassingOnly: true}, []string{"n0", "n1"}},
			{ops.HealthServiceRequest{Tags: []string{"all", "T2"}}, []string{"n2"}},
			{ops.HealthServiceRequest{Tags: []string{"t2"}, PassingOnly: true}, nil},
			{ops.HealthServiceRequest{NodeMeta: map[string]string{"rack": "0"}}, []string{"n0", "n2"}},
			{ops.HealthServiceRequest{NodeMeta: map[string]string{"rack": "0"}, PassingOnly: true}, []string{"n0"}},
		}
		for range 2 { // made, then kept
			for i, row := range rows {
				row.req.Service = "web"
				rep, err := ops.HealthService.Call(context.Background(), s.Router(), &row.req)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, in := range rep.Instances {
					got = append(got, in.Node.Node)
				}
				if !slices.Equal(got, row.want) {
					t.Errorf("row %d: %v, want %v", i, got, row.want)
				}
			}
		}
	})
}

// TestListsThatAreKeptFollowTheState changes the state at random, and after each change
// asks for each list twice: it is what the state has, and given to both if there is
// anything in it.
func TestListsThatAreKeptFollowTheState(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		rnd := rand.New(rand.NewPCG(1, 2))
		pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
		key := func() string { return pick("a", "a/1", "a/1/x", "a/2", "ab", "b/1") }
		change := func() error {
			switch rnd.IntN(7) {
			case 0, 1:
				s.put(key(), pick("1", "2"))
				return nil
			case 2:
				_, err := ops.KVApply.Call(context.Background(), s.Router(), &ops.KVApplyRequest{Write: catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: key()}}})
				return err
			case 3:
				_, err := ops.KVApply.Call(context.Background(), s.Router(), &ops.KVApplyRequest{Write: catalog.KVWrite{Verb: catalog.KVDeleteTree, Entry: catalog.KVEntry{Key: pick("a/", "b/")}}})
				return err
			case 4:
				_, err := ops.CatalogDeregister.Call(context.Background(), s.Router(), &ops.CatalogDeregisterRequest{Deregister: catalog.Deregister{Node: pick("n1", "n2")}})
				return err
			}
			return s.register(catalog.Register{
				Node: pick("n1", "n2", "n3"), Address: pick("10.1.1.1", "10.1.1.2"), Service: &catalog.Service{Service: pick("web", "db"), Tags: []string{pick("t", "u")}},
				Checks: []*catalog.Check{{CheckID: "c", Status: pick(catalog.Passing, catalog.Critical), ServiceID: ""}},
			})
		}
		for step := range 400 {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"", "a", "a/", "a/1", "c"} {
				wantKept(s, ops.KVList, &ops.KVListRequest{Prefix: prefix}, func(r *ops.KVListReply) []*catalog.KVEntry { return r.Entries },
					func(tx *catalog.Tx) (uint64, []*catalog.KVEntry) { return tx.KVList(nil, prefix) })
				for _, separator := range []string{"", "/"} {
					wantKept(s, ops.KVKeys, &ops.KVKeysRequest{Prefix: prefix, Separator: separator}, func(r *ops.KVKeysReply) []string { return r.Keys },
						func(tx *catalog.Tx) (uint64, []string) { return tx.KVKeys(nil, prefix, separator) })
				}
			}
			for _, state := range []string{"any", "passing", "Critical"} {
				wantKept(s, ops.HealthState, &ops.HealthStateRequest{State: state}, func(r *ops.HealthChecksReply) []*catalog.Check { return r.Checks },
					func(tx *catalog.Tx) (uint64, []*catalog.Check) { return tx.ChecksInState(nil, state) })
			}
			wantKept(s, ops.CatalogNodes, &ops.CatalogNodesRequest{}, func(r *ops.CatalogNodesReply) []*catalog.Node { return r.Nodes },
				func(tx *catalog.Tx) (uint64, []*catalog.Node) { return tx.Nodes(nil) })
			for _, service := range []string{"web", "DB"} {
				wantKept(s, ops.CatalogService, &ops.CatalogServiceRequest{Service: service}, func(r *ops.CatalogServiceReply) []*catalog.Instance { return r.Instances },
					func(tx *catalog.Tx) (uint64, []*catalog.Instance) { return tx.ServiceInstances(nil, service) })
			}
			if t.Failed() {
				t.Fatalf("after %d changes", step+1)
			}
		}
	})
}

// wantKept asks for a list twice.
func wantKept[Req, Rep any, Row comparable](s *lone, op rpc.Op[Req, Rep], req *Req, list func(*Rep) []Row, of func(*catalog.Tx) (uint64, []Row)) {
	s.t.Helper()
	var first []Row
	for i := range 2 {
		rep, err := op.Call(context.Background(), s.Router(), req)
		if err != nil {
			s.t.Fatal(err)
		}
		meta, got := rpc.ReadMetaOf(any(rep).(rpc.Message)), list(rep)
		if index, want := of(s.State()); meta.Index != max(index, 1) || !slices.Equal(got, want) {
			s.t.Errorf("%s %+v: index %d, %d rows; want %d, %d rows", op.Name, req, meta.Index, len(got), index, len(want))
		}
		if i == 0 {
			first = got
		} else if len(got) > 0 && (!meta.Shared || &got[0] != &first[0]) {
			s.t.Errorf("%s %+v: shared %t, the same %t", op.Name, req, meta.Shared, &got[0] == &first[0])
		}
	}
}

// listed is a list of which only the nodes' names matter.
type listed struct {
	names  []string
	shared bool
}

// TestWhatAListPicksIsItsCallersOwn asks for some of a list that others are given.
func TestWhatAListPicksIsItsCallersOwn(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		for i := range 4 {
			s.mustRegister(catalog.Register{
				Node: fmt.Sprint("n", i), Address: "10.1.1.1", NodeMeta: map[string]string{"rack": fmt.Sprint(i % 2)},
				Service: &catalog.Service{Service: "web", Tags: []string{fmt.Sprint("t", i)}},
			})
		}
		nodes := func(req ops.CatalogNodesRequest) (l listed) {
			rep, err := ops.CatalogNodes.Call(context.Background(), s.Router(), &req)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range rep.Nodes {
				l.names = append(l.names, n.Node)
			}
			l.shared = rep.Shared
			return l
		}
		instances := func(req ops.CatalogServiceRequest) (l listed) {
			req.Service = "web"
			rep, err := ops.CatalogService.Call(context.Background(), s.Router(), &req)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range rep.Instances {
				l.names = append(l.names, i.Node.Node)
			}
			l.shared = rep.Shared
			return l
		}
		for range 2 {
			for _, part := range []listed{
				nodes(ops.CatalogNodesRequest{NodeMeta: map[string]string{"rack": "1"}}),
				nodes(ops.CatalogNodesRequest{Filter: "Meta.rack == 1"}),
				instances(ops.CatalogServiceRequest{NodeMeta: map[string]string{"rack": "1"}}),
				instances(ops.CatalogServiceRequest{Tags: []string{"t1"}}),
				instances(ops.CatalogServiceRequest{Filter: "NodeMeta.rack == 1"}),
			} {
				if part.shared || part.names[0] != "n1" || len(part.names) > 2 {
					t.Errorf("a part of a list: %+v", part)
				}
			}
			for _, whole := range []listed{nodes(ops.CatalogNodesRequest{}), instances(ops.CatalogServiceRequest{})} {
				if !slices.Equal(whole.names[:4], []string{"n0", "n1", "n2", "n3"}) || !whole.shared {
					t.Errorf("a whole list: %+v", whole)
				}
			}
		}
	})
}
