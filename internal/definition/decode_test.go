package definition_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/definition"
)

func decodeService(t *testing.T, text string) *definition.Service {
	t.Helper()
	var s definition.Service
	if err := definition.Decode(strings.NewReader(text), &s); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &s
}

func TestTheFirstSpellingWithAValueCounts(t *testing.T) {
	for text, port := range map[string]int{
		`{"Proxy":{"LocalServicePort":1}}`:                          1,
		`{"proxy":{"local_service_port":2}}`:                        2,
		`{"Proxy":{"LocalServicePort":1,"local_service_port":2}}`:   1,
		`{"Proxy":{"local_service_port":2,"localserviceport":1}}`:   1,
		`{"Proxy":{"LocalServicePort":0,"local_service_port":2}}`:   2,
		`{"Proxy":{"local_service_port":2,"LocalServicePort":0}}`:   2,
		`{"Proxy":{"local_service_port":2,"LOCALSERVICEPORT":3}}`:   3,
		`{"Proxy":{"LocalServicePort":1,"local_service_port":0}}`:   1,
		`{"Proxy":{"LOCAL_SERVICE_PORT":4,"DestinationName":null}}`: -1,
	} {
		var s definition.Service
		err := definition.Decode(strings.NewReader(text), &s)
		if port < 0 {
			wantText(t, err, `json: unknown field "DestinationName"`)
			continue
		}
		if err != nil || s.Proxy.LocalServicePort != port {
			t.Errorf("%s: port %+v, %v; want %d", text, s.Proxy, err, port)
		}
	}
	want(t, decodeService(t, `{"Check":{"ScriptArgs":[],"script_args":["a"],"args":["b"]}}`).Check.ScriptArgs, []string{"a"})
	want(t, decodeService(t, `{"Tags":[],"Check":{"args":[]}}`).Check.ScriptArgs, []string{})
	want(t, decodeService(t, `{"TaggedAddresses":{},"tagged_addresses":{"lan":{"Port":1}}}`).TaggedAddresses, map[string]definition.Address{})
}

// A check inside a service and one that is registered by itself take different keys.
func TestEachDoorHasItsKeys(t *testing.T) {
	for _, c := range []struct{ body, inService, alone string }{
		{`{"CheckID":"c"}`, "", `json: unknown field "CheckID"`},
		{`{"ID":"c"}`, `json: unknown field "ID"`, ""},
		{`{"DisableRedirects":true}`, "", ""},
		{`{"disable_redirects":true}`, `json: unknown field "disable_redirects"`, ""},
		{`{"tcp_use_tls":true,"tls_skip_verify":true,"service_id":"s"}`, "", ""},
		{`{"alias_node":"n"}`, `json: unknown field "alias_node"`, `json: unknown field "alias_node"`},
		{`{"Token":"t"}`, `json: unknown field "Token"`, ""},
		{`{"ProxyHTTP":"x","proxygrpc":""}`, "", `json: unknown field "ProxyHTTP"`},
		{`{"Namespace":"n"}`, `json: unknown field "Namespace"`, `json: unknown field "Namespace"`},
	} {
		var s definition.Service
		wantText(t, definition.Decode(strings.NewReader(`{"Check":`+c.body+`}`), &s), c.inService)
		var check definition.Check
		wantText(t, definition.DecodeAlone(strings.NewReader(c.body), &check), c.alone)
	}
}

func TestConnectPassesOverUnknownKeys(t *testing.T) {
	s := decodeService(t, `{"Name":"web","Connect":{"Native":true,"Odd":1,"sidecar_service":{"Odd":1,"enable_tag_override":true,"Proxy":{"Odd":1,"mesh_gateway":{"Mode":"local"}}}}}`)
	sidecar := s.Sidecar()
	if !s.Connect.Native || sidecar == nil || !sidecar.EnableTagOverride || sidecar.Row().Proxy.MeshGatewayMode != "local" {
		t.Errorf("%+v, sidecar %+v", s, sidecar)
	}
}

func TestWrongTypesAreToldByTheKeysThatWereSent(t *testing.T) {
	for text, field := range map[string]string{
		`{"Proxy":{"local_service_port":"x"}}`:                     "Proxy.local_service_port",
		`{"Proxy":{"LocalServicePort":1,"local_service_port":""}}`: "Proxy.local_service_port",
		`{"Checks":[null,{"args":1}]}`:                             "Checks.args",
		`{"Connect":{"sidecar_service":{"tagged_addresses":1}}}`:   "Connect.sidecar_service.tagged_addresses",
	} {
		err := definition.Decode(strings.NewReader(text), new(definition.Service))
		var wrong *json.UnmarshalTypeError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v; want field %s", text, err, field)
		}
	}
}

func TestDurationsAreTextsOrNanoseconds(t *testing.T) {
	for text, shown := range map[string]string{`"90m"`: "1h30m0s", `1500000000.7`: "1.5s", `-1e300`: "-2562047h47m16.854775808s", `true`: "", `{}`: "", `null`: "", `0`: ""} {
		s := decodeService(t, `{"Check":{"Interval":`+text+`}}`)
		row, err := s.Check.Row()
		if err != nil || row.Interval != shown {
			t.Errorf("%s: %q, %v; want %q", text, row.Interval, err, shown)
		}
	}
	wantText(t, definition.Decode(strings.NewReader(`{"Check":{"TTL":"10"}}`), new(definition.Service)), `time: missing unit in duration "10"`)
}

func TestARowHasNothingOfWhatItWasWrittenIn(t *testing.T) {
	bad := "soon"
	row, err := (&definition.Check{CheckID: "c", Interval: &bad, TTL: &bad}).RowAlone()
	wantText(t, err, "2 errors occurred:\n"+
		"\t* interval: invalid duration: \"soon\": time: invalid duration \"soon\"\n\t* ttl: invalid duration: \"soon\": time: invalid duration \"soon\"\n\n")
	want(t, row.CheckID, "c")

	svc := decodeService(t, `{"Name":"web","Weights":{"Passing":2},"Locality":{},"Proxy":{"Upstreams":[{"DestinationName":"db"}],"Expose":{"Paths":[{"listener_port":1}]},"transparent_proxy":{"dialed_directly":true}}}`).Row()
	want(t, svc, &catalog.Service{
		ID: "web", Service: "web", Weights: catalog.Weights{Passing: 2}, Locality: &catalog.Locality{},
		Proxy: &catalog.Proxy{
			Upstreams: []catalog.Upstream{{DestinationType: "service", DestinationName: "db"}},
			Expose:    &catalog.Expose{Paths: []catalog.ExposePath{{ListenerPort: 1}}}, TransparentProxy: &catalog.TransparentProxy{DialedDirectly: true},
		},
	})
}

func BenchmarkDecode(b *testing.B) {
	const text = `{"ID":"web1","Name":"web","Tags":["a"],"Port":80,"Meta":{"a":"b"},"Checks":[{"CheckID":"c","TCP":"127.0.0.1:80","Interval":"10s","tls_skip_verify":true}]}`
	b.ReportAllocs()
	for b.Loop() {
		if err := definition.Decode(strings.NewReader(text), new(definition.Service)); err != nil {
			b.Fatal(err)
		}
	}
}
