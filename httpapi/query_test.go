package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"praetor/catalog"
	"praetor/internal/ops"
)

func TestExecutedQueriesAreRememberedIfAsked(t *testing.T) {
	v := newViewed(t, nil)
	asked := 0
	on(v.caller, ops.QueryExecute, func(_ context.Context, req *ops.QueryExecuteRequest) (*ops.QueryExecuteReply, error) {
		asked++
		return &ops.QueryExecuteReply{ReadMeta: leaderMeta, Service: req.QueryIDOrName, Datacenter: "dc1", Instances: instances(1)}, nil
	})
	for _, row := range []struct {
		path, control, cache string
		asked                int
	}{
		{"a/execute", "", "", 1},
		{"a/execute?cached", "", "MISS", 2},
		{"a/execute?cached", "", "HIT", 2},
		{"b/execute?cached", "", "MISS", 3},
		{"a/execute?cached&limit=1", "", "MISS", 4},
		{"a/execute?cached", "max-age=0", "MISS", 5},
		{"a/execute", "", "", 6},
	} {
		code, h := v.get("/v1/query/"+row.path, "Cache-Control", row.control)
		if code != http.StatusOK || h.Get("X-Cache") != row.cache || asked != row.asked || h.Get("X-Consul-Index") == "" {
			t.Errorf("%s: %d, X-Cache %q, asked %d times; want %+v", row.path, code, h.Get("X-Cache"), asked, row)
		}
	}
}

func TestQueriesAreReadFromBodiesAndShownWhole(t *testing.T) {
	f := newFixture(t, nil)
	var wrote catalog.QueryWrite
	on(f.caller, ops.QueryApply, func(_ context.Context, req *ops.QueryApplyRequest) (*ops.QueryApplyReply, error) {
		wrote = req.Write
		return &ops.QueryApplyReply{ID: "id"}, nil
	})
	f.want("POST", "/v1/query", `{"name":"n","Service":{"Service":"s","Tags":[],"Failover":{"Targets":[{"Datacenter":"dc2"}]}},"DNS":{"TTL":"1s"}}`, 200, `{"ID":"id"}`)
	if wrote.Verb != catalog.QueryCreate || wrote.Query.Name != "n" || wrote.Query.DNSTTL != "1s" || wrote.Query.Service.Failover.Targets[0].Datacenter != "dc2" {
		t.Errorf("wrote %+v", wrote)
	}
	on(f.caller, ops.QueryGet, func(context.Context, *ops.QueryGetRequest) (*ops.QueriesReply, error) {
		return &ops.QueriesReply{ReadMeta: leaderMeta, Queries: []*catalog.Query{&wrote.Query}}, nil
	})
	f.want("GET", "/v1/query/x", "", 200, `[{"ID":"","Name":"n","Session":"","Token":"","Template":{"Type":"","Regexp":"","RemoveEmptyTags":false},`+
		`"Service":{"Service":"s","SamenessGroup":"","Failover":{"NearestN":0,"Datacenters":null,"Targets":[{"Peer":"","Datacenter":"dc2"}]},"OnlyPassing":false,`+
		`"IgnoreCheckIDs":null,"Near":"","Tags":[],"NodeMeta":null,"ServiceMeta":null,"Connect":false,"Peer":""},"DNS":{"TTL":"1s"},"CreateIndex":0,"ModifyIndex":0}]`)
	f.want("PUT", "/v1/query/x/execute", "{}", 405, "method PUT not allowed")
	f.want("PUT", "/v1/query/x", "", 200, "")
	if wrote.Verb != catalog.QueryUpdate || wrote.Query.ID != "x" || wrote.Query.Name != "" {
		t.Errorf("wrote %+v", wrote)
	}
	f.want("DELETE", "/v1/query/x", "", 200, "")
	if wrote.Verb != catalog.QueryDelete || wrote.Query.ID != "x" {
		t.Errorf("wrote %+v", wrote)
	}
}
