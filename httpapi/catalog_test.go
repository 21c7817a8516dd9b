package httpapi_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/httpapi/wire"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func TestCatalogRegisterTakesEveryField(t *testing.T) {
	f := newFixture(t, nil)
	var got ops.CatalogRegisterRequest
	on(f.caller, ops.CatalogRegister, func(_ context.Context, req *ops.CatalogRegisterRequest) (*ops.Empty, error) {
		got = *req
		return &ops.Empty{}, nil
	})
	f.want("PUT", "/v1/catalog/register?dc=ignored&token=t", `{"ID":"u","node":"n","Address":"a","Address":"b","Datacenter":"dc2",
		"TaggedAddresses":{"lan":"x"},"NodeMeta":{"k":"v"},"Locality":{"Region":"r"},"SkipNodeUpdate":true,
		"Service":{"ID":"w","Service":"web","Kind":"connect-proxy","Tags":["t"],"Address":"s","TaggedAddresses":{"lan":{"Address":"y","Port":1}},
			"Meta":{"m":"1"},"Ports":[{"Name":"a","Port":79},{"Name":"b","Port":80,"Default":true}],"SocketPath":"/s","Weights":{"Passing":5,"Warning":2},"EnableTagOverride":true,
			"Proxy":{"DestinationServiceName":"d","Upstreams":[{"DestinationName":"u"}],"MeshGateway":{"Mode":"local"},"Expose":{"Checks":true}},
			"Connect":{"Native":true,"Other":1},"Locality":{"Zone":"z"},"CreateIndex":5,"ModifyIndex":6},
		"Check":{"CheckID":"c","Definition":{"TCP":"x:1","Interval":"10s","Timeout":1000000000,"TTL":true,"Unknown":1}},
		"Checks":[null,{"Node":"n","CheckID":"d","Name":"D","Status":"weird","Notes":"n","Output":"o","ServiceID":"w","Type":"mine","ServiceTags":["x"],"ExposedPort":4}]} garbage`,
		200, "true")
	want := catalog.Register{
		ID: "u", Node: "n", Address: "b", Datacenter: "dc2", TaggedAddresses: map[string]string{"lan": "x"}, NodeMeta: map[string]string{"k": "v"},
		Locality: &catalog.Locality{Region: "r"}, SkipNodeUpdate: true,
		Service: &catalog.Service{
			ID: "w", Service: "web", Kind: "connect-proxy", Tags: []string{"t"}, Address: "s",
			TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "y", Port: 1}}, Meta: map[string]string{"m": "1"},
			Port: 80, Ports: []catalog.ServicePort{{Name: "a", Port: 79}, {Name: "b", Port: 80, Default: true}}, SocketPath: "/s", Weights: catalog.Weights{Passing: 5, Warning: 2}, EnableTagOverride: true,
			Proxy:   &catalog.Proxy{DestinationServiceName: "d", Upstreams: []catalog.Upstream{{DestinationName: "u"}}, MeshGatewayMode: "local", Expose: &catalog.Expose{Checks: true}},
			Connect: &catalog.Connect{Native: true}, Locality: &catalog.Locality{Zone: "z"},
		},
		Checks: []*catalog.Check{
			{Node: "n", CheckID: "d", Name: "D", Status: "weird", Notes: "n", Output: "o", ServiceID: "w", ServiceTags: []string{"x"}, Type: "mine", ExposedPort: 4},
			{CheckID: "c", Definition: catalog.CheckDefinition{TCP: "x:1", Interval: 10 * time.Second, Timeout: time.Second}}, // after the list
		},
	}
	if !reflect.DeepEqual(got.Register, want) {
		t.Errorf("got  %+v\nwant %+v", got.Register, want)
	}
	if got.WriteOptions.Datacenter != "dc2" || got.Token != "t" {
		t.Errorf("options: %+v", got.WriteOptions)
	}
}

func TestCatalogWritesRefuseBadBodies(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.CatalogRegister, func(context.Context, *ops.CatalogRegisterRequest) (*ops.Empty, error) {
		return nil, fault.New(fault.Rejected, "Must provide node")
	})
	const register, deregister = "/v1/catalog/register", "/v1/catalog/deregister"
	for _, tt := range []struct {
		path, body string
		status     int
		text       string
	}{
		{register, "", 400, "Request decode failed: EOF"},
		{register, `{"Node":`, 400, "Request decode failed: unexpected EOF"},
		{register, `{"Bogus":1}`, 400, `Request decode failed: json: unknown field "Bogus"`},
		{register, `{"Partition":"x"}`, 400, `Request decode failed: json: unknown field "Partition"`},
		{register, `{"Service":{"Namespace":"x"}}`, 400, `Request decode failed: json: unknown field "Namespace" - Namespaces are a Consul Enterprise feature`},
		{register, `{"Service":{"tagged_addresses":{}}}`, 400, `Request decode failed: json: unknown field "tagged_addresses"`},
		{register, `{"Node":"n","PeerName":"p"}`, 500, "cannot register requests with PeerName in them"},
		{register, "null", 500, "Must provide node"},
		{deregister, "x", 400, "Request decode failed: invalid character 'x' looking for beginning of value"},
		{deregister, `{"Namespace":"x"}`, 400, `Request decode failed: json: unknown field "Namespace" - Namespaces are a Consul Enterprise feature`},
	} {
		f.want("PUT", tt.path, tt.body, tt.status, tt.text)
	}
}

func TestCatalogDeregister(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.CatalogDeregister, func(_ context.Context, req *ops.CatalogDeregisterRequest) (*ops.Empty, error) {
		if want := (catalog.Deregister{Node: "n", ServiceID: "s", CheckID: "c"}); req.Deregister != want || req.Datacenter != "dc2" {
			t.Errorf("got %+v", req)
		}
		return &ops.Empty{}, nil
	})
	f.want("PUT", "/v1/catalog/deregister", `{"Datacenter":"dc2","Node":"n","Address":"x","ServiceID":"s","CheckID":"c"}`, 200, "true")
}

func TestCatalogReadsWithNothingToShow(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.CatalogDatacenters, &ops.CatalogDatacentersReply{})
	answering(f.caller, ops.CatalogNodes, &ops.CatalogNodesReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.CatalogServices, &ops.CatalogServicesReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.CatalogService, &ops.CatalogServiceReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.CatalogNode, &ops.CatalogNodeReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.HealthNode, &ops.HealthChecksReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.HealthChecks, &ops.HealthChecksReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.HealthState, &ops.HealthChecksReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.HealthService, &ops.HealthServiceReply{ReadMeta: leaderMeta})
	answering(f.caller, ops.StatusLeader, &ops.StatusLeaderReply{})
	answering(f.caller, ops.StatusPeers, &ops.StatusPeersReply{})
	for path, want := range map[string]string{
		"catalog/datacenters": "[]", "catalog/nodes": "[]", "catalog/services": "{}", "catalog/service/x": "[]",
		"catalog/node/x": "null", "catalog/node-services/x": `{"Node":null,"Services":null}`,
		"health/node/x": "[]", "health/checks/x": "[]", "health/state/any": "[]", "health/service/x": "[]",
		"status/leader": `""`, "status/peers": "[]",
	} {
		res := f.want("GET", "/v1/"+path, "", 200, want)
		wantHeader(t, res, "Content-Type", "application/json")
	}
	for path, want := range map[string]string{
		"catalog/service/": "Missing service name", "catalog/node/": "Missing node name", "catalog/node-services/": "Missing node name",
		"health/node/": "Missing node name", "health/checks/": "Missing service name", "health/state/": "Missing check state",
		"health/service/":                     "Missing service name",
		"health/service/web?passing=maybe":    "Invalid value for ?passing",
		"health/service/web?sg=x&peer=y":      "peer-name and sameness-group are mutually exclusive",
		"health/service/web?token=t&passing=": "",
	} {
		if want == "" {
			f.want("GET", "/v1/"+path, "", 200, "[]")
			continue
		}
		f.want("GET", "/v1/"+path, "", 400, want)
	}
	f.want("GET", "/v1/health/service/web?sg=x", "", 500, "sameness groups are not supported in consul CE")
}

func TestCatalogNodeForms(t *testing.T) {
	f := newFixture(t, nil)
	ns := &catalog.NodeServices{Node: &catalog.Node{Node: "n"}, Services: []*catalog.Service{{ID: "a", Service: "x"}, {ID: "b<", Service: "x"}}}
	answering(f.caller, ops.CatalogNode, &ops.CatalogNodeReply{NodeServices: ns})
	node := string(wire.AppendNode(nil, ns.Node))
	a, b := string(wire.AppendNodeService(nil, ns.Services[0])), string(wire.AppendNodeService(nil, ns.Services[1]))
	f.want("GET", "/v1/catalog/node/n", "", 200, `{"Node":`+node+`,"Services":{"a":`+a+`,"b\u003c":`+b+`}}`)
	f.want("GET", "/v1/catalog/node-services/n", "", 200, `{"Node":`+node+`,"Services":[`+a+`,`+b+`]}`)
	answering(f.caller, ops.CatalogNode, &ops.CatalogNodeReply{NodeServices: &catalog.NodeServices{Node: ns.Node}})
	f.want("GET", "/v1/catalog/node/n", "", 200, `{"Node":`+node+`,"Services":{}}`)
	f.want("GET", "/v1/catalog/node-services/n", "", 200, `{"Node":`+node+`,"Services":null}`)
	f.want("GET", "/v1/catalog/node-services/n?filter=ID==x", "", 200, `{"Node":`+node+`,"Services":[]}`)
	answering(f.caller, ops.CatalogNode, &ops.CatalogNodeReply{})
	f.want("GET", "/v1/catalog/node-services/n?filter=ID==x", "", 200, `{"Node":null,"Services":[]}`)
	answering(f.caller, ops.CatalogNode, &ops.CatalogNodeReply{ReadMeta: rpc.ReadMeta{Filtered: true}}) // a node that may not be seen
	f.want("GET", "/v1/catalog/node-services/n", "", 200, `{"Node":null,"Services":null}`)
}

// TestMeshEndpointsAreNotAskedForTags: ?tag says what a service has, and its proxies need not.
func TestMeshEndpointsAreNotAskedForTags(t *testing.T) {
	f := newFixture(t, nil)
	var tags []string
	on(f.caller, ops.CatalogService, func(_ context.Context, req *ops.CatalogServiceRequest) (*ops.CatalogServiceReply, error) {
		tags = req.Tags
		return &ops.CatalogServiceReply{}, nil
	})
	on(f.caller, ops.HealthService, func(_ context.Context, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		tags = req.Tags
		return &ops.HealthServiceReply{}, nil
	})
	for path, want := range map[string][]string{
		"catalog/service/x?": {"a", "b"}, "health/service/x?": {"a", "b"}, "catalog/connect/x?": nil, "health/connect/x?": nil,
		"catalog/connect/x?cached&": nil, "health/connect/x?cached&": {"a", "b"}, "health/connect/x?cached&near=n&": nil, "health/connect/x?index=1&": nil,
	} {
		f.want("GET", "/v1/"+path+"tag=a&tag=b", "", 200, "[]")
		if !slices.Equal(tags, want) {
			t.Errorf("%s: tags %q, want %q", path, tags, want)
		}
	}
}

func TestNodeMetaSplitsAtTheFirstColon(t *testing.T) {
	f := newFixture(t, nil)
	var got ops.HealthServiceRequest
	on(f.caller, ops.HealthService, func(_ context.Context, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		got = *req
		return &ops.HealthServiceReply{}, nil
	})
	f.do("GET", "/v1/health/service/web?node-meta=a:1&node-meta=b:x:y&node-meta=c&tag=t&tag=u&passing=TRUE", "")
	if want := map[string]string{"a": "1", "b": "x:y", "c": ""}; !reflect.DeepEqual(got.NodeMeta, want) {
		t.Errorf("node-meta: got %v, want %v", got.NodeMeta, want)
	}
	if want := []string{"t", "u"}; !reflect.DeepEqual(got.Tags, want) || !got.PassingOnly || got.Service != "web" {
		t.Errorf("got %+v", got)
	}
}

func TestAddressesOfOtherDatacentersAreTranslated(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.TranslateWAN = true })
	n := &catalog.Node{Node: "n", Address: "10.0.0.1", TaggedAddresses: map[string]string{"wan": "198.51.100.1"}}
	s := &catalog.Service{ID: "w", Service: "web", Address: "10.0.0.2", Port: 1, TaggedAddresses: map[string]catalog.ServiceAddress{"wan": {Address: "198.51.100.2", Port: 2}}}
	answering(f.caller, ops.CatalogService, &ops.CatalogServiceReply{Instances: []*catalog.Instance{{Node: n, Service: s}}})
	answering(f.caller, ops.HealthService, &ops.HealthServiceReply{Instances: []*catalog.InstanceHealth{{Node: n, Service: s}}})
	far, farService := *n, *s
	far.Address, farService.Address, farService.Port = "198.51.100.1", "198.51.100.2", 2
	for query, want := range map[string]struct {
		n *catalog.Node
		s *catalog.Service
	}{"": {n, s}, "?dc=dc1": {n, s}, "?dc=dc2": {&far, &farService}} {
		res := f.want("GET", "/v1/catalog/service/web"+query, "", 200, "["+string(wire.AppendServiceNode(nil, &catalog.Instance{Node: want.n, Service: want.s}))+"]")
		wantHeader(t, res, "X-Consul-Translate-Addresses", "true")
		f.want("GET", "/v1/health/service/web"+query, "", 200, "["+string(wire.AppendInstanceHealth(nil, &catalog.InstanceHealth{Node: want.n, Service: want.s}))+"]")
	}
}
