package httpapi_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

func place(node string) *catalog.Coordinate {
	return &catalog.Coordinate{Node: node, Coord: catalog.Coord{Vec: []float64{0.25, -1, 0, 0, 0, 0, 0, 1e-9}, Error: 1.5, Height: 1e-5}}
}

const placeJSON = `{"Node":"n1","Segment":"","Coord":{"Vec":[0.25,-1,0,0,0,0,0,1e-9],"Error":1.5,"Adjustment":0,"Height":0.00001}}`

func TestCoordinatesAreListed(t *testing.T) {
	f := newFixture(t, nil)
	var asked []string
	list := []*catalog.Coordinate{place("n1")}
	on(f.caller, ops.CoordinateNodes, func(_ context.Context, req *ops.CoordinateNodesRequest) (*ops.CoordinateNodesReply, error) {
		if !req.AnySegment {
			return &ops.CoordinateNodesReply{ReadMeta: leaderMeta}, nil
		}
		return &ops.CoordinateNodesReply{ReadMeta: leaderMeta, Coordinates: list}, nil
	})
	on(f.caller, ops.CoordinateNode, func(_ context.Context, req *ops.CoordinateNodeRequest) (*ops.CoordinateNodesReply, error) {
		asked = append(asked, req.Node)
		if req.Node != "n1" {
			return &ops.CoordinateNodesReply{ReadMeta: leaderMeta}, nil
		}
		return &ops.CoordinateNodesReply{ReadMeta: leaderMeta, Coordinates: list}, nil
	})
	answering(f.caller, ops.CoordinateDatacenters, &ops.CoordinateDatacentersReply{
		Datacenters: []ops.DatacenterCoordinates{{Datacenter: "dc1", Coordinates: list}},
	})
	wantHeader(t, f.want("GET", "/v1/coordinate/nodes", "", 200, "["+placeJSON+"]"), "X-Consul-Index", "7")
	f.want("GET", "/v1/coordinate/nodes?segment=x", "", 200, "[]")
	wantHeader(t, f.want("GET", "/v1/coordinate/node/n1", "", 200, "["+placeJSON+"]"), "X-Consul-Index", "7")
	wantHeader(t, f.want("GET", "/v1/coordinate/node/none", "", 404, ""), "X-Consul-Index", "")
	f.want("GET", "/v1/coordinate/node/", "", 404, "")
	if got := strings.Join(asked, " "); got != "n1 none" {
		t.Errorf("asked for %s", got)
	}
	res := f.want("GET", "/v1/coordinate/datacenters?dc=nope", "", 200, `[{"Datacenter":"dc1","AreaID":"wan","Coordinates":[`+placeJSON+`]}]`)
	wantHeader(t, res, "X-Consul-Index", "")
}

func TestCoordinateUpdateIsPassedOn(t *testing.T) {
	f := newFixture(t, nil)
	var got ops.CoordinateUpdateRequest
	on(f.caller, ops.CoordinateUpdate, func(_ context.Context, req *ops.CoordinateUpdateRequest) (*ops.Empty, error) {
		got = *req
		return &ops.Empty{}, nil
	})
	f.want("PUT", "/v1/coordinate/update?dc=dc2&token=secret", placeJSON, 200, "")
	if got.Datacenter != "dc2" || got.Token != "secret" || string(mustJSON(t, got.Coordinate)) != string(mustJSON(t, *place("n1"))) {
		t.Errorf("got %+v", got)
	}
	f.want("PUT", "/v1/coordinate/update", `{"Node":"n1"}`, 400, "Missing coordinate (Coord)")
	f.want("PUT", "/v1/coordinate/update", `{"Node":"n1","Bogus":1}`, 400, `Request decode failed: json: unknown field "Bogus"`)
	f.want("PUT", "/v1/coordinate/update", "", 400, "Request decode failed: EOF")
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDisabledCoordinatesAreRefusedEverywhere(t *testing.T) {
	f := newFixture(t, func(o *httpapi.Options) { o.DisableCoordinates = true })
	for _, r := range httpapi.Routes() {
		if strings.HasPrefix(r.Pattern, "/v1/coordinate/") {
			f.want(r.Methods[0], r.Pattern, "", 401, "Coordinate support disabled")
		}
	}
}

func TestFloatsAreWrittenAsEncodingJSONDoes(t *testing.T) {
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1e-5, 1e-6, 9.99e-7, 1e-7, -1e-9, 1e-10, 1e-100, 5e-324,
		1e20, 1e21, 1.5e22, -1e100, math.MaxFloat64, math.Pi,
	} {
		if got, want := string(wire.AppendFloat(nil, v)), string(mustJSON(t, v)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := string(wire.AppendFloat(nil, math.NaN())); got != "null" {
		t.Errorf("NaN: got %s, want null", got)
	}
}

func TestNearNamesANodeOrAnAddress(t *testing.T) {
	f := newFixture(t, nil)
	var got []ops.Near
	note := func(n ops.Near) { got = append(got, n) }
	on(f.caller, ops.CatalogNodes, func(_ context.Context, r *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
		note(r.Near)
		return &ops.CatalogNodesReply{}, nil
	})
	on(f.caller, ops.CatalogService, func(_ context.Context, r *ops.CatalogServiceRequest) (*ops.CatalogServiceReply, error) {
		note(r.Near)
		return &ops.CatalogServiceReply{}, nil
	})
	on(f.caller, ops.HealthService, func(_ context.Context, r *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
		note(r.Near)
		return &ops.HealthServiceReply{}, nil
	})
	on(f.caller, ops.HealthChecks, func(_ context.Context, r *ops.HealthChecksRequest) (*ops.HealthChecksReply, error) {
		note(r.Near)
		return &ops.HealthChecksReply{}, nil
	})
	on(f.caller, ops.HealthState, func(_ context.Context, r *ops.HealthStateRequest) (*ops.HealthChecksReply, error) {
		note(r.Near)
		return &ops.HealthChecksReply{}, nil
	})
	for query, want := range map[string]ops.Near{
		"":            {},
		"near=":       {},
		"near=x":      {NearNode: "x", NearDatacenter: "dc1"},
		"near=_agent": {NearNode: "n1", NearDatacenter: "dc1"},
		"near=_ip":    {NearIP: "192.0.2.1", NearDatacenter: "dc1"}, // httptest's caller
	} {
		got = nil
		for _, path := range []string{"catalog/nodes", "catalog/service/web", "health/service/web", "health/checks/web", "health/state/any"} {
			f.do("GET", "/v1/"+path+"?"+query, "")
		}
		if len(got) != 5 {
			t.Fatalf("?%s: asked %d times, want 5", query, len(got))
		}
		for _, near := range got {
			if near != want {
				t.Errorf("?%s: got %+v, want %+v", query, near, want)
			}
		}
	}
}

func TestNearTheCallerIsTheAgentOrTheCallersNode(t *testing.T) {
	f := newFixture(t, nil)
	var got ops.Near
	on(f.caller, ops.CatalogNodes, func(_ context.Context, r *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
		got = r.Near
		return &ops.CatalogNodesReply{}, nil
	})
	for _, test := range []struct{ remote, forwarded, node, ip string }{
		{"10.0.0.7:1234", "", "", "10.0.0.7"},
		{"[::ffff:10.0.0.7]:1234", "", "", "10.0.0.7"},
		{"[fe80::1%eth0]:1234", "", "", "fe80::1"},
		{"127.0.0.1:1234", "", "n1", ""},
		{"@", "", "n1", ""}, // a Unix socket
		{"127.0.0.1:1234", "10.0.0.8, 10.0.0.1", "", "10.0.0.8"},
		{"10.0.0.7:1234", "somebody", "", "10.0.0.7"},
	} {
		req := httptest.NewRequest("GET", "/v1/catalog/nodes?near=_ip", nil)
		req.RemoteAddr = test.remote
		req.Header.Set("X-Forwarded-For", test.forwarded)
		f.api.ServeHTTP(httptest.NewRecorder(), req)
		if got.NearNode != test.node || got.NearIP != test.ip {
			t.Errorf("from %s for %q: got node %q, IP %q; want %q, %q", test.remote, test.forwarded, got.NearNode, got.NearIP, test.node, test.ip)
		}
	}
}

// A list that was sorted for one caller is encoded for that one: caching it
// would drive out the answer that all the others share.
func TestSortedHealthIsNotCached(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.HealthService, &ops.HealthServiceReply{ReadMeta: leaderMeta, Instances: instances(2)})
	_, sorted := f.do("GET", "/v1/health/service/web?near=n1", "")
	if n, _ := f.api.Cached(); n != 0 {
		t.Errorf("%d answers cached, want none", n)
	}
	if _, plain := f.do("GET", "/v1/health/service/web", ""); plain != sorted {
		t.Errorf("got %s, want %s", plain, sorted)
	}
}
