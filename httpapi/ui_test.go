package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

var uiNode = &catalog.NodeDetail{
	Node:     &catalog.Node{ID: "u", Node: "n1", Address: "10.0.0.1", Datacenter: "dc1", CreateIndex: 3},
	Services: []*catalog.Service{{ID: "w", Service: "web", Tags: []string{}}, {ID: "d", Service: "db"}},
	Checks:   []*catalog.Check{{Node: "n1", CheckID: "n", Status: "warning"}, {Node: "n1", CheckID: "c", Status: "critical", ServiceID: "w", ServiceName: "web", ServiceTags: []string{}}},
}

const uiNodeText = `{"ID":"u","Node":"n1","Address":"10.0.0.1","TaggedAddresses":null,"Meta":null,"Services":[` +
	`{"ID":"w","Service":"web","Tags":[],"Address":"","Meta":null,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":0,"ModifyIndex":0},` +
	`{"ID":"d","Service":"db","Tags":null,"Address":"","Meta":null,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":0,"ModifyIndex":0}],` +
	`"Checks":[` +
	`{"Node":"n1","CheckID":"n","Name":"","Status":"warning","Notes":"","Output":"","ServiceID":"","ServiceName":"","ServiceTags":null,"Type":"","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":0,"ModifyIndex":0},` +
	`{"Node":"n1","CheckID":"c","Name":"","Status":"critical","Notes":"","Output":"","ServiceID":"w","ServiceName":"web","ServiceTags":[],"Type":"","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":0,"ModifyIndex":0}]}`

func TestUINodesShowAllThatIsOnThem(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.UINodes, &ops.UINodesReply{ReadMeta: leaderMeta, Nodes: []*catalog.NodeDetail{uiNode}})
	on(f.caller, ops.UINode, func(_ context.Context, req *ops.UINodeRequest) (*ops.UINodeReply, error) {
		if req.Node == "n/1" {
			return &ops.UINodeReply{ReadMeta: leaderMeta, Node: uiNode}, nil
		}
		return &ops.UINodeReply{ReadMeta: leaderMeta}, nil
	})
	res := f.want("GET", "/v1/internal/ui/nodes", "", 200, "["+uiNodeText+"]")
	wantHeader(t, res, "X-Consul-Index", "7")
	wantHeader(t, res, "X-Consul-Effective-Consistency", "")
	f.want("GET", "/v1/internal/ui/node/n%2F1", "", 200, uiNodeText)
	wantHeader(t, f.want("GET", "/v1/internal/ui/node/nope", "", 404, ""), "X-Consul-Index", "")
	f.want("GET", "/v1/internal/ui/node/", "", 400, "Missing node name")
	f.want("GET", "/v1/internal/ui/nodes?health", "", 200,
		`[{"ID":"u","Node":"n1","Address":"10.0.0.1","Meta":null,"Status":"warning","ServiceCount":2,"ChecksPassing":0,"ChecksWarning":1,"ChecksCritical":1}]`)
}

func TestUIServicesAreSummedUp(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.UIServices, &ops.UIServicesReply{ReadMeta: leaderMeta, Services: []*catalog.ServiceSummary{
		{Name: "db", Datacenter: "dc1"},
		{
			Kind: "mesh-gateway", Name: "gw", Datacenter: "dc1", Tags: []string{"a"}, Nodes: []string{"n1"}, ExternalSources: []string{"k8s"}, Instances: 3,
			Checks: catalog.Tally{Passing: 1, Warning: 2, Critical: 3}, Health: catalog.Tally{Passing: 4, Warning: 5, Critical: 6},
			TransparentProxy: true, ConnectNative: true, ConnectedWithProxy: true,
		},
	}})
	const db = `{"Name":"db","Datacenter":"dc1","Tags":null,"Nodes":null,"ExternalSources":null,"InstanceCount":0,"ChecksPassing":0,"ChecksWarning":0,"ChecksCritical":0,` +
		`"GatewayConfig":{},"TransparentProxy":false,"ConnectNative":false,"ConnectedWithProxy":false,"ConnectedWithGateway":false`
	const gw = `{"Kind":"mesh-gateway","Name":"gw","Datacenter":"dc1","Tags":["a"],"Nodes":["n1"],"ExternalSources":["k8s"],"InstanceCount":3,"ChecksPassing":1,"ChecksWarning":2,"ChecksCritical":3,` +
		`"GatewayConfig":{},"TransparentProxy":true,"ConnectNative":true,"ConnectedWithProxy":true,"ConnectedWithGateway":false`
	f.want("GET", "/v1/internal/ui/services", "", 200, "["+db+"},"+gw+"}]")
	f.want("GET", "/v1/internal/ui/services?health", "", 200,
		"["+db+`,"InstancesPassing":0,"InstancesWarning":0,"InstancesCritical":0},`+gw+`,"InstancesPassing":4,"InstancesWarning":5,"InstancesCritical":6}]`)
}

func TestUIFiltersReachTheServers(t *testing.T) {
	f := newFixture(t, nil)
	var filters []string
	on(f.caller, ops.UINodes, func(_ context.Context, req *ops.UINodesRequest) (*ops.UINodesReply, error) {
		filters = append(filters, req.Filter)
		return &ops.UINodesReply{}, nil
	})
	on(f.caller, ops.UIServices, func(_ context.Context, req *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
		filters = append(filters, req.Filter)
		return &ops.UIServicesReply{}, nil
	})
	f.want("GET", "/v1/internal/ui/nodes?filter=Node+==+n1", "", 200, "[]")
	f.want("GET", "/v1/internal/ui/services?filter=Service.Service+==+web", "", 200, "[]")
	if want := []string{"Node == n1", "Service.Service == web"}; !slices.Equal(filters, want) {
		t.Errorf("filters %q, want %q", filters, want)
	}
}

// TestUIListsThatFailHaveMetaHeaders: those of one node do not.
func TestUIListsThatFailHaveMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	refused := fault.New(fault.Rejected, "no")
	on(f.caller, ops.UINodes, func(context.Context, *ops.UINodesRequest) (*ops.UINodesReply, error) { return nil, refused })
	on(f.caller, ops.UIServices, func(context.Context, *ops.UIServicesRequest) (*ops.UIServicesReply, error) { return nil, refused })
	on(f.caller, ops.UINode, func(context.Context, *ops.UINodeRequest) (*ops.UINodeReply, error) { return nil, refused })
	for path, backend := range map[string]string{"nodes": "blocking-query", "services": "blocking-query", "node/x": ""} {
		wantHeader(t, f.want("GET", "/v1/internal/ui/"+path, "", 500, "no"), "X-Consul-Query-Backend", backend)
	}
}

func TestUIOverviewHasNoMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	rep := &ops.UIOverviewReply{ReadMeta: leaderMeta}
	on(f.caller, ops.UIOverview, func(context.Context, *ops.UIOverviewRequest) (*ops.UIOverviewReply, error) { return rep, nil })
	wantHeader(t, f.want("GET", "/v1/internal/ui/catalog-overview", "", 200, `{"Nodes":null,"Services":null,"Checks":null}`), "X-Consul-Index", "")
	rep = &ops.UIOverviewReply{Overview: &catalog.Overview{
		Nodes: catalog.Tally{Passing: 1}, Checks: []catalog.NameTally{{Tally: catalog.Tally{Warning: 1}}, {Name: "x", Tally: catalog.Tally{Critical: 2}}},
	}}
	f.want("GET", "/v1/internal/ui/catalog-overview", "", 200, `{"Nodes":[{"Total":1,"Passing":1,"Warning":0,"Critical":0}],"Services":[],`+
		`"Checks":[{"Total":1,"Passing":0,"Warning":1,"Critical":0},{"Total":2,"Passing":0,"Warning":0,"Critical":2,"Name":"x"}]}`)
}

func TestUIMeshQuestionsAreEmptyWithoutMesh(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.UIMesh, &ops.UIMeshReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.UITopology, &ops.UITopologyReply{ReadMeta: leaderMeta, Protocol: "tcp"})
	const topology = `{"Protocol":"tcp","TransparentProxy":false,"Upstreams":[],"Downstreams":[],"FilteredByACLs":false}`
	for _, row := range []struct {
		path   string
		status int
		want   string
	}{
		{"exported-services", 500, "must provide PeerName"},
		{"exported-services?peer=p", 200, "[]"},
		{"gateway-services-nodes/", 400, "Missing gateway name"},
		{"gateway-services-nodes/gw", 200, "[]"},
		{"gateway-intentions/", 400, "Missing gateway name"},
		{"gateway-intentions/gw", 200, "[]"},
		{"service-topology/?kind=", 400, "Missing service name"},
		{"service-topology/web", 400, "Missing service kind"},
		{"service-topology/web?kind=zz", 400, `Unsupported service kind "zz"`},
		{"service-topology/web?kind=", 200, topology},
		{"service-topology/gw?kind=ingress-gateway", 200, topology},
	} {
		f.want("GET", "/v1/internal/ui/"+row.path, "", row.status, row.want)
	}
	f.want("GET", "/v1/imported-services", "", 200, "[]")
}

func TestUITopologyShowsNeighboursAndIntentions(t *testing.T) {
	f := newFixture(t, nil)
	rep := &ops.UITopologyReply{ReadMeta: leaderMeta, Protocol: "http", TransparentProxy: true, Upstreams: []ops.Neighbour{{
		Service: &catalog.ServiceSummary{Name: "api", Datacenter: "dc1", Nodes: []string{"n2"}, Instances: 1, Checks: catalog.Tally{Warning: 1}, ConnectedWithProxy: true},
		Source:  ops.SourceRegistration, HasExact: true, DefaultAllow: true, ExternalSource: "kubernetes",
	}}}
	rep.Filtered = true
	on(f.caller, ops.UITopology, func(_ context.Context, req *ops.UITopologyRequest) (*ops.UITopologyReply, error) {
		if req.Service != "web" || req.Kind != "ingress-gateway" {
			t.Errorf("asked for %q of kind %q", req.Service, req.Kind)
		}
		return rep, nil
	})
	f.want("GET", "/v1/internal/ui/service-topology/web?kind=ingress-gateway", "", 200, `{"Protocol":"http","TransparentProxy":true,"Upstreams":[{"Name":"api","Datacenter":"dc1",`+
		`"Tags":null,"Nodes":["n2"],"ExternalSources":null,"InstanceCount":1,"ChecksPassing":0,"ChecksWarning":1,"ChecksCritical":0,"GatewayConfig":{},`+
		`"TransparentProxy":false,"ConnectNative":false,"Source":"proxy-registration",`+
		`"Intention":{"Allowed":false,"HasPermissions":false,"ExternalSource":"kubernetes","HasExact":true,"DefaultAllow":true}}],"Downstreams":[],"FilteredByACLs":true}`)
	for _, kind := range []string{"terminating-gateway", "mesh-gateway", "connect-proxy"} {
		f.want("GET", "/v1/internal/ui/service-topology/web?kind="+kind, "", 400, `Unsupported service kind "`+kind+`"`)
	}
}

func TestUIAsksAnyServerWhileThereIsNoLeader(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.UINodes, func(_ context.Context, req *ops.UINodesRequest) (*ops.UINodesReply, error) {
		if !req.Stale {
			return nil, fault.New(fault.NoLeader, "No cluster leader")
		}
		return &ops.UINodesReply{}, nil
	})
	f.want("GET", "/v1/internal/ui/nodes", "", 200, "[]")
	f.want("GET", "/v1/internal/ui/nodes?consistent", "", 500, "No cluster leader")
}

// secretive hides some node, who knows which, from all but root.
type secretive struct{}

func (secretive) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	return authorizer(token, func(n acl.Need) bool { return token == "root" || n != acl.Node.ReadAll() }), nil
}

func TestMetricsProxyAsksTheConfiguredServer(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/x-metrics")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("X-Key"), r.Header.Get("X-Consul-Token"), string(body)}, "|"))
	}))
	defer backend.Close()
	var conf httpapi.MetricsProxy
	f := newFixture(t, func(o *httpapi.Options) {
		o.ACL = secretive{}
		o.MetricsProxy = func() httpapi.MetricsProxy { return conf }
	})
	ask := func(path string, header ...string) (int, string, http.Header) {
		res, body := f.do("GET", "/v1/internal/ui/metrics-proxy/"+path, "", header...)
		return res.StatusCode, body, res.Header
	}
	if code, text, _ := ask("x"); code != 404 || text != "Metrics proxy is not enabled" {
		t.Errorf("off: %d %s", code, text)
	}
	conf = httpapi.MetricsProxy{BaseURL: backend.URL + "/base/", Headers: [][2]string{{"X-Key", "k"}}, Allow: []string{"/api/v1/query"}}
	root := []string{"X-Consul-Token", "root"}
	if code, text, h := ask("api/v1/query?query=up%20x", root...); code != 202 || text != "GET|/base/api/v1/query?query=up%20x|k||" || h.Get("Content-Type") != "text/x-metrics" {
		t.Errorf("on: %d %s %s", code, text, h)
	}
	for _, row := range []struct {
		name, path string
		header     []string
		code       int
	}{
		{"a path that is not allowed", "api/v1/admin", root, 403},
		{"a path that climbs out", "api/v1/query%2F..%2F..%2Fadmin", root, 403},
		{"no token", "api/v1/query", nil, 403},
		{"a token in the query", "api/v1/query?token=root", nil, 403},
	} {
		if code, text, _ := ask(row.path, row.header...); code != row.code {
			t.Errorf("%s: %d %s, want %d", row.name, code, text, row.code)
		}
	}
	conf.Allow = nil
	if code, text, _ := ask("any%2F..%2F..%2Fthing", root...); code != 202 || !strings.HasPrefix(text, "GET|/base/thing|") {
		t.Errorf("below the base: %d %s", code, text)
	}
	backend.Close()
	if code, _, _ := ask("api/v1/query", root...); code != http.StatusBadGateway {
		t.Errorf("no server: %d", code)
	}
}
