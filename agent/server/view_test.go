package server_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/ops"
)

func TestViewsThatAreAskedForStay(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		ask := func(service string) []*catalog.InstanceHealth {
			rep, err := ops.HealthService.Call(context.Background(), s.Router(), &ops.HealthServiceRequest{Service: service})
			if err != nil {
				t.Fatal(err)
			}
			return rep.Instances
		}
		if err := s.register(catalog.Register{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web"}}); err != nil {
			t.Fatal(err)
		}
		first := ask("web")
		for i := range 3 * kernel.MaxViews {
			ask(fmt.Sprint("nobody-", i))
			if i%1000 == 0 && &ask("web")[0] != &first[0] {
				t.Fatalf("forgotten after %d questions about others", i)
			}
		}
		if n := s.Views(); n != kernel.MaxViews {
			t.Errorf("%d views, want %d", n, kernel.MaxViews)
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
