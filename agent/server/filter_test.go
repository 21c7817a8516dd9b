package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// filtered asks an operation with a filter.
func filtered[Req, Rep any](op rpc.Op[Req, Rep], ask func(filter string) *Req) func(context.Context, *lone, string) error {
	return func(ctx context.Context, s *lone, filter string) error {
		_, err := op.Call(ctx, s.Router(), ask(filter))
		return err
	}
}

var filters = map[string]struct {
	field string
	ask   func(context.Context, *lone, string) error
}{
	"catalog/nodes": {"Node", filtered(ops.CatalogNodes, func(f string) *ops.CatalogNodesRequest { return &ops.CatalogNodesRequest{Filter: f} })},
	"catalog/services": {"Node", filtered(ops.CatalogServices, func(f string) *ops.CatalogServicesRequest {
		return &ops.CatalogServicesRequest{Filter: f}
	})},
	"catalog/service": {"Node", filtered(ops.CatalogService, func(f string) *ops.CatalogServiceRequest {
		return &ops.CatalogServiceRequest{Service: "web", Filter: f}
	})},
	"catalog/node": {"Service", filtered(ops.CatalogNode, func(f string) *ops.CatalogNodeRequest {
		return &ops.CatalogNodeRequest{Node: "n", Filter: f}
	})},
	"health/node": {"Output", filtered(ops.HealthNode, func(f string) *ops.HealthNodeRequest {
		return &ops.HealthNodeRequest{Node: "n", Filter: f}
	})},
	"health/checks": {"Output", filtered(ops.HealthChecks, func(f string) *ops.HealthChecksRequest {
		return &ops.HealthChecksRequest{Service: "web", Filter: f}
	})},
	"health/state": {"Output", filtered(ops.HealthState, func(f string) *ops.HealthStateRequest {
		return &ops.HealthStateRequest{State: "any", Filter: f}
	})},
	"health/service": {"Checks.Output", filtered(ops.HealthService, func(f string) *ops.HealthServiceRequest {
		return &ops.HealthServiceRequest{Service: "web", Filter: f}
	})},
	"ui/nodes": {"Checks.Output", filtered(ops.UINodes, func(f string) *ops.UINodesRequest { return &ops.UINodesRequest{Filter: f} })},
	"ui/services": {"Service.Service", filtered(ops.UIServices, func(f string) *ops.UIServicesRequest {
		return &ops.UIServicesRequest{Filter: f}
	})},
	"config": {"Name", filtered(ops.ConfigList, func(f string) *ops.ConfigListRequest {
		return &ops.ConfigListRequest{Kind: configentry.KindServiceDefaults, Filter: f}
	})},
	"exported-services": {"Service", filtered(ops.ConfigExported, func(f string) *ops.ConfigExportedRequest {
		return &ops.ConfigExportedRequest{Filter: f}
	})},
}

func (s *lone) registerWeb() {
	s.t.Helper()
	if err := s.register(catalog.Register{
		Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web"},
		Checks: []*catalog.Check{{CheckID: "c", Name: "c", ServiceID: "web", Output: strings.Repeat("a", 4000)}},
	}); err != nil {
		s.t.Fatal(err)
	}
}

func TestEveryListRefusesAFilterThatCostsTooMuch(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("ready", "")
		s.registerWeb()
		for name, list := range filters {
			err := list.ask(context.Background(), s, list.field+` matches "`+strings.Repeat(".{0,999}", 10)+`Z$"`)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "at most 2000 are allowed") {
				t.Errorf("%s: %v", name, err)
			}
			if err := list.ask(context.Background(), s, list.field+` matches "^a"`); err != nil {
				t.Errorf("%s: a cheap one: %v", name, err)
			}
		}
	})
}

func TestAFilterOfAListEndsWithItsCaller(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("ready", "")
		s.registerWeb()
		gone, leave := context.WithCancel(context.Background())
		leave()
		for name, list := range filters {
			if name == "config" || name == "exported-services" {
				continue // there are no rows to look at
			}
			if err := list.ask(gone, s, list.field+` != x`); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want its caller's end", name, err)
			}
		}
	})
}

// TestFiltersDoNotTellOfWhatIsHidden asks about what the caller may not see: the
// answer is the same whether or not it is so.
func TestFiltersDoNotTellOfWhatIsHidden(t *testing.T) {
	who := limited{rights{acl.Node.Read("open"), acl.Service.Read("web")}}
	virtual(t, func(o *server.Options) { o.ACL = who }, func(s *lone) {
		for _, n := range []catalog.Register{
			{Node: "open", Address: "10.0.0.1", NodeMeta: map[string]string{"a": "b"}},
			{Node: "closed", Address: "10.0.0.2", NodeMeta: map[string]string{"secret": "x"}},
		} {
			n.Service = &catalog.Service{Service: "web", ID: n.Node, Tags: []string{n.NodeMeta["secret"]}}
			s.mustRegister(n)
		}
		read := rpc.ReadOptions{Token: "t"}
		for name, ask := range map[string]func(filter, tag string) (bool, int, error){
			"health/service": func(filter, tag string) (bool, int, error) {
				rep, err := ops.HealthService.Call(context.Background(), s.Router(), &ops.HealthServiceRequest{ReadOptions: read, Service: "web", Filter: filter, Tags: []string{tag}})
				return rep.Filtered, len(rep.Instances), err
			},
			"catalog/service": func(filter, tag string) (bool, int, error) {
				rep, err := ops.CatalogService.Call(context.Background(), s.Router(), &ops.CatalogServiceRequest{ReadOptions: read, Service: "web", Filter: strings.Replace(filter, "Node.Meta", "NodeMeta", 1), Tags: []string{tag}})
				return rep.Filtered, len(rep.Instances), err
			},
			"query": func(_, tag string) (bool, int, error) {
				rep, err := ops.QuerySelect.Call(context.Background(), s.Router(), &ops.QuerySelectRequest{ReadOptions: read, Query: catalog.Query{
					Service: catalog.QueryService{Service: "web", Tags: []string{tag}},
				}})
				return rep.Filtered, len(rep.Instances), err
			},
		} {
			for _, guess := range []string{"x", "y"} {
				if filtered, n, err := ask(`Node.Meta.secret == "`+guess+`"`, guess); !filtered || n != 0 || err != nil {
					t.Errorf("%s, guessing %s: %d found, filtered %v, %v; want nothing, filtered", name, guess, n, filtered, err)
				}
			}
		}
	})
}
