package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/ops"
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
