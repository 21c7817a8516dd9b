package httpapi_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
)

func httpapiService(id string) *catalog.Service { return &catalog.Service{ID: id, Service: id} }

func httpapiCheck(id string) *catalog.Check {
	return &catalog.Check{Node: "n1", CheckID: id, Name: id, Status: "passing", Definition: catalog.CheckDefinition{TTL: time.Hour}}
}

const register = "/v1/agent/service/register"

func TestServiceRegistrationRefusals(t *testing.T) {
	f := newFixture(t, nil)
	for body, want := range map[string]string{
		"":                             "Request decode failed: EOF",
		`{"Name":"web"`:                "Request decode failed: unexpected EOF",
		"null":                         "Missing service name",
		"{}":                           "Missing service name",
		`{"Name":"w","F":1}`:           `Request decode failed: json: unknown field "F"`,
		`{"Name":"w","Namespace":"x"}`: `Request decode failed: json: unknown field "Namespace"`,
		`{"Name":"w","Check":{"ID":"x","TTL":"10s"}}`:                `Request decode failed: json: unknown field "ID"`,
		`{"Name":"w","check":{"http":"h","disable_redirects":true}}`: `Request decode failed: json: unknown field "disable_redirects"`,
		`{"Name":"w","Check":{"TTL":"10"}}`:                          `Request decode failed: time: missing unit in duration "10"`,
		`{"Name":"w","Check":{"Interval":""}}`:                       `Request decode failed: time: invalid duration ""`,
		`{"Name":"w","Address":"0.0.0.0"}`:                           "Invalid service address",
		`{"Name":"w","Meta":{"a b":"1"}}`:                            "Invalid Service Meta: Couldn't load metadata pair ('a b', '1'): Key contains invalid characters",
		`{"Name":"w","Weights":{}}`:                                  "Invalid Weights: Passing must be greater than 0",
		`{"Name":"w","Weights":{"Passing":1,"Warning":-1}}`:          "Invalid Weights: Warning must be greater or equal than 0",
		`{"Name":"w","Weights":{"Passing":65536}}`:                   "Invalid Weights: DNS Weight must be between 0 and 65535",
		`{"Name":"w","Locality":{"Zone":"z"}}`:                       "Validation failed: 1 error occurred:\n\t* zone cannot be set without region\n\n",
		`{"Name":"p","Kind":"connect-proxy"}`:                        "Validation failed: 2 errors occurred:\n\t* Port or SocketPath must be set for a connect-proxy\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n",
		`{"Name":"w","Weights":{},"Meta":{"":"v"}}`:                  "Invalid Weights: Passing must be greater than 0",
		`{"Name":"w","Address":"::","Weights":{}}`:                   "Invalid service address",
		`{"Name":"w","Connect":{"Native":true}}`:                     "Validation failed: 1 error occurred:\n\t* Port or SocketPath must be set for a Connect native service.\n\n",
		`{"Name":"g","Kind":"mesh-gateway","Locality":{"Zone":"z"},"Connect":{"SidecarService":{}},"Proxy":{"DestinationServiceName":"d"}}`: "Validation failed: 4 errors occurred:\n\t* zone cannot be set without region\n\t* Port must be non-zero for a mesh-gateway\n\t* A mesh-gateway cannot have a sidecar service defined\n\t* The Proxy.DestinationServiceName configuration is invalid for a mesh-gateway\n\n",
		`{"Name":"w","Port":1,"Ports":[{"Name":"a","Port":1,"Default":true}]}`:                                                              "Validation failed: 1 error occurred:\n\t* Port cannot be set together with Ports: the default one of them is the port\n\n",
		`{"Name":"w","Check":{"TTL":"1m","Token":"t"}}`:                                                                                     `Request decode failed: json: unknown field "Token"`,
		`{"Name":"w","Check":{"HTTP":"h"}}`:                                                                                                 "Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
		`{"Name":"w","Check":{"TTL":"1m","Interval":"1m","HTTP":"h"}}`:                                                                      "Invalid check: Interval and TTL cannot both be specified",
		`{"Name":"w","Check":{"AliasService":"x","TTL":"1m"}}`:                                                                              "Invalid check: TTL must be not be set for Alias checks",
		`{"Name":"w","Check":{"TTL":"1m","Status":"bad"}}`:                                                                                  "Status for checks must 'passing', 'warning', 'critical'",
		`{"Name":"w","Check":{"TCP":"x:1","Interval":"1m","OutputMaxSize":-1}}`:                                                             "Invalid check: MaxOutputMaxSize must be positive",
		`{"Name":"w","Connect":{"SidecarService":{"ID":"x"}}}`:                                                                              "Validation failed: 1 error occurred:\n\t* A SidecarService cannot specify an ID as this is managed by the agent\n\n",
		`{"Name":"w","Connect":{"sidecar_service":{"Connect":{"SidecarService":{}}}}}`:                                                      "Validation failed: 1 error occurred:\n\t* A SidecarService cannot have a nested SidecarService\n\n",
		`{"Name":"w","Connect":{"SidecarService":{"Proxy":{"DestinationServiceName":"*"}}}}`:                                                "Failed Validation: 1 error occurred:\n\t* Proxy.DestinationServiceName must not be a wildcard for Connect proxy services\n\n",
	} {
		f.want("PUT", register, body, 400, want)
	}
	f.want("PUT", register, `{"Name":"w","TaggedAddresses":{"lan_ipv4":{"Address":"2001:db8::1","Port":1}}}`, 500,
		`Service tagged address "lan_ipv4" must be a valid ipv4 address`)
	for _, body := range []string{`{"Name":7}`, `{"Name":"w","Port":"80"}`, `["a"]`, `{"Name":"w","Tags":"a"}`} {
		if res, text := f.do("PUT", register, body); res.StatusCode != 400 || !strings.HasPrefix(text, "Request decode failed: json: cannot unmarshal ") {
			t.Errorf("%s: %d %s", body, res.StatusCode, text)
		}
	}
	if len(f.local.services) > 0 {
		t.Errorf("registered %v", f.local.services)
	}
}

func TestServiceRegistrationInEitherCase(t *testing.T) {
	camel := `{"ID":"db-1","Name":"db","Tags":["a"],"Address":"10.9.9.9","Port":5432,
		"TaggedAddresses":{"wan":{"Address":"203.0.113.9","Port":1}},"Meta":{"engine":"pg"},"EnableTagOverride":true,"Weights":{"Passing":3,"Warning":1},
		"Check":{"CheckID":"own","TTL":"15s","DeregisterCriticalServiceAfter":"90m","Status":"passing","Notes":"n","ServiceID":"ignored"},
		"Checks":[{"TCP":"h:1","TCPUseTLS":true,"Interval":"10s","Timeout":2000000000,"TLSServerName":"s","TLSSkipVerify":true},
			{"GRPC":"h:1","GRPCUseTLS":true,"Interval":1e9},{"H2PING":"h:1","H2PingUseTLS":false,"Interval":"1s"},
			{"ScriptArgs":["x"],"DockerContainerID":"d","Interval":"1s"}],
		"Proxy":{"DestinationServiceName":"d","DestinationServiceID":"i","LocalServiceAddress":"l","LocalServicePort":1,"LocalServiceSocketPath":"s",
			"MeshGateway":{"Mode":"local"},"TransparentProxy":{"OutboundListenerPort":1},"AccessLogs":{},
			"Upstreams":[{"DestinationType":"service","DestinationName":"u","DestinationNamespace":"n","DestinationPeer":"p","LocalBindAddress":"a","LocalBindPort":9,"LocalBindSocketPath":"x","LocalBindSocketMode":"0600","MeshGateway":{"Mode":"none"}}],
			"Expose":{"Paths":[{"ListenerPort":1,"LocalPathPort":2,"Path":"/"}]}}}`
	snake := `{"id":"db-1","name":"db","tags":["a"],"address":"10.9.9.9","port":5432,
		"tagged_addresses":{"wan":{"address":"203.0.113.9","port":1}},"meta":{"engine":"pg"},"enable_tag_override":true,"weights":{"passing":3,"warning":1},
		"check":{"checkid":"own","ttl":"15s","deregister_critical_service_after":"90m","status":"passing","notes":"n","service_id":"ignored"},
		"checks":[{"tcp":"h:1","tcp_use_tls":true,"interval":"10s","timeout":2000000000,"tls_server_name":"s","tls_skip_verify":true},
			{"grpc":"h:1","grpc_use_tls":true,"interval":1e9},{"h2ping":"h:1","h2ping_use_tls":false,"interval":"1s"},
			{"args":["x"],"docker_container_id":"d","interval":"1s"}],
		"proxy":{"destination_service_name":"d","destination_service_id":"i","local_service_address":"l","local_service_port":1,"local_service_socket_path":"s",
			"mesh_gateway":{"mode":"local"},"transparent_proxy":{"outbound_listener_port":1},"access_logs":{},
			"upstreams":[{"destination_name":"u","destination_namespace":"n","destination_peer":"p","local_bind_address":"a","local_bind_port":9,"local_bind_socket_path":"x","local_bind_socket_mode":"0600","mesh_gateway":{"mode":"none"}}],
			"expose":{"paths":[{"listener_port":1,"local_path_port":2,"path":"/"}]}}}`
	type registered struct {
		services map[string]*catalog.Service
		checks   map[string]*catalog.Check
	}
	var got [2]registered
	for i, body := range []string{camel, snake} {
		f := newFixture(t, nil)
		f.want("PUT", register+"?token=t&replace-existing-checks", body, 200, "")
		got[i] = registered{f.local.services, f.local.checks}
		if f.local.token != "t" || !f.local.replaced {
			t.Errorf("token %q, replaced %t", f.local.token, f.local.replaced)
		}
	}
	if !reflect.DeepEqual(got[0], got[1]) {
		t.Fatalf("camel and snake differ:\n%+v\n%+v", got[0], got[1])
	}
	s := got[0].services["db-1"]
	if s == nil || s.Weights != (catalog.Weights{Passing: 3, Warning: 1}) || s.TaggedAddresses["lan_ipv4"].Port != 5432 || s.Proxy.Upstreams[0].LocalBindPort != 9 ||
		s.Proxy.TransparentProxy.OutboundListenerPort != 1 || s.Proxy.MeshGatewayMode != "local" || s.Proxy.Expose.Paths[0].LocalPathPort != 2 {
		t.Errorf("service: %+v", s)
	}
	c := got[0].checks["own"]
	if c == nil || c.Definition.TTL != 15*time.Second || c.Definition.DeregisterCriticalServiceAfter != 90*time.Minute || c.ServiceID != "db-1" || c.Interval != "" || c.Status != "passing" {
		t.Errorf("own: %+v", c)
	}
	c = got[0].checks["service:db-1:2"]
	if c == nil || c.Interval != "10s" || c.Timeout != "2s" || c.Type != "tcp" || !c.Definition.TCPUseTLS || !c.Definition.TLSSkipVerify || c.Status != "critical" {
		t.Errorf("second: %+v", c)
	}
	if d := got[0].checks["service:db-1:4"].Definition; d.H2PingUseTLS {
		t.Error("h2ping uses TLS though told not to")
	}
}

func TestEmptyChecksOfAServiceArePassedOver(t *testing.T) {
	f := newFixture(t, nil)
	for _, body := range []string{`{"Name":"web","Check":{}}`, `{"Name":"web","Check":{"TTL":"0s"}}`, `{"Name":"web","Check":null,"Checks":null}`} {
		f.want("PUT", register, body, 200, "")
	}
	if len(f.local.checks) > 0 {
		t.Errorf("checks: %v", f.local.checks)
	}
	f.want("GET", "/v1/agent/services", "", 200,
		`{"web":{"ID":"web","Service":"web","Tags":[],"Meta":{},"Port":0,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Datacenter":"dc1"}}`)
}

func TestReplaceExistingChecksIsOnWhenEmptyOrTrue(t *testing.T) {
	f := newFixture(t, nil)
	for query, want := range map[string]bool{"": false, "?replace-existing-checks": true, "?replace-existing-checks=true": true, "?replace-existing-checks=false": false, "?replace-existing-checks=maybe": false} {
		f.want("PUT", register+query, `{"Name":"web"}`, 200, "")
		if f.local.replaced != want {
			t.Errorf("%q: replaced %t", query, f.local.replaced)
		}
	}
}

func TestSidecarsAreRegisteredWithTheirParent(t *testing.T) {
	f := newFixture(t, nil)
	f.want("PUT", register, `{"Name":"web","Port":8080,"Tags":["t"],"Meta":{"m":"1"},"Connect":{"SidecarService":{},"Unknown":1}}`, 200, "")
	if f.local.sidecars["web-sidecar-proxy"] != "web" {
		t.Errorf("sidecars: %v", f.local.sidecars)
	}
	s := f.local.services["web-sidecar-proxy"]
	if s == nil || s.Port != 21000 || s.Kind != "connect-proxy" || s.Proxy.LocalServicePort != 8080 || s.Proxy.DestinationServiceID != "web" || s.Meta["m"] != "1" {
		t.Fatalf("sidecar: %+v", s)
	}
	if c := f.local.checks["service:web-sidecar-proxy:1"]; c == nil || c.Definition.TCP != "127.0.0.1:21000" {
		t.Errorf("check: %+v", c)
	}
	s.Port = 21007
	f.want("PUT", register, `{"Name":"web","Port":8080,"Connect":{"SidecarService":{}}}`, 200, "")
	if got := f.local.services["web-sidecar-proxy"].Port; got != 21007 {
		t.Errorf("a sidecar registered again got port %d, had 21007", got)
	}
	for bounds, want := range map[[2]int]string{
		{21007, 21007}: "no port provided for sidecar_service and none left in the configured range [21007, 21007]",
		{}:             "no port provided for sidecar_service and auto-assignment disabled in config",
	} {
		g := newFixture(t, func(o *httpapi.Options) { o.SidecarMin, o.SidecarMax = bounds[0], bounds[1] })
		g.local.services["x"] = &catalog.Service{ID: "x", Port: 21007}
		g.want("PUT", register, `{"Name":"web","Connect":{"SidecarService":{}}}`, 500, want)
	}
	f.want("PUT", register, `{"Name":"api","Port":1,"Connect":{"Native":true}}`, 200, "")
	if c := f.local.services["api"].Connect; c == nil || !c.Native {
		t.Error("not native")
	}
}

func TestServiceReads(t *testing.T) {
	f := newFixture(t, nil)
	f.want("GET", "/v1/agent/services", "", 200, "{}")
	f.want("GET", "/v1/agent/service/nope", "", 404, "unknown service ID: nope")
	f.want("GET", "/v1/agent/service/", "", 404, "unknown service ID: ")
	f.want("GET", "/v1/agent/service/x?wait=5", "", 400, "Invalid wait time")
	f.want("PUT", "/v1/agent/service/deregister/x", "", 404, `Unknown service ID "x". Ensure that the service ID is passed, not the service name.`)
	f.local.services["w"] = httpapiService("w")
	res, body := f.do("GET", "/v1/agent/service/w?hash=0000", "")
	hash := res.Header.Get("X-Consul-Contenthash")
	if len(hash) != 16 || body != string(wire.AppendAgentService(nil, f.local.services["w"], "dc1", hash)) {
		t.Errorf("hash %q, body %s", hash, body)
	}
	f.local.services["w"] = &catalog.Service{ID: "w", Service: "w", Port: 1}
	if res, _ := f.do("GET", "/v1/agent/service/w", ""); res.Header.Get("X-Consul-Contenthash") == hash {
		t.Error("another service has the same hash")
	}
	f.want("PUT", "/v1/agent/service/deregister/w", "", 200, "")
}

func TestServiceReadBlocksWhileTheHashHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.local.services["w"] = httpapiService("w")
		res, _ := f.do("GET", "/v1/agent/service/w", "")
		target := "/v1/agent/service/w?wait=10s&hash=" + res.Header.Get("X-Consul-Contenthash")

		start := time.Now()
		res, _ = f.do("GET", target, "")
		if spent := time.Since(start); res.StatusCode != 200 || spent < 10*time.Second || spent > 11*time.Second {
			t.Errorf("unchanged: %d after %s", res.StatusCode, spent)
		}

		start = time.Now()
		time.AfterFunc(3*time.Second, func() { f.local.replace(&catalog.Service{ID: "w", Service: "w", Port: 9}) })
		if res, body := f.do("GET", target, ""); res.StatusCode != 200 || !strings.Contains(body, `"Port":9`) || time.Since(start) != 3*time.Second {
			t.Errorf("changed: %d %s after %s", res.StatusCode, body, time.Since(start))
		}

		res, _ = f.do("GET", "/v1/agent/service/w", "")
		time.AfterFunc(time.Second, func() { f.local.replace() })
		f.want("GET", "/v1/agent/service/w?hash="+res.Header.Get("X-Consul-Contenthash"), "", 404, "unknown service ID: w")
	})
}

func TestLocalHealth(t *testing.T) {
	f := newFixture(t, nil)
	f.local.services["w1"], f.local.services["w2"] = &catalog.Service{ID: "w1", Service: "web"}, &catalog.Service{ID: "w2", Service: "web"}
	service := string(wire.AppendAgentService(nil, f.local.services["w1"], "dc1", ""))
	res := f.want("GET", "/v1/agent/health/service/id/w1", "", 200, `{"AggregatedStatus":"passing","Service":`+service+`,"Checks":[]}`)
	wantHeader(t, res, "X-Consul-Reason", "passing")
	f.local.checks["c"] = &catalog.Check{Node: "n1", CheckID: "c", Status: "warning", ServiceID: "w1", ServiceName: "web", Type: "ttl", Interval: "1s"}
	f.want("GET", "/v1/agent/health/service/id/w1", "", 429, `{"AggregatedStatus":"warning","Service":`+service+`,"Checks":[{"Node":"n1","CheckID":"c","Name":"",`+
		`"Status":"warning","Notes":"","Output":"","ServiceID":"w1","ServiceName":"web","ServiceTags":null,"Type":"","ExposedPort":0,`+
		`"Definition":{"Interval":"0s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s","HTTP":"","Header":null,"Method":"","Body":"","TLSServerName":"",`+
		`"TLSSkipVerify":false,"TCP":"","TCPUseTLS":false,"UDP":"","GRPC":"","OSService":"","GRPCUseTLS":false},"CreateIndex":0,"ModifyIndex":0}]}`)
	f.want("GET", "/v1/agent/health/service/id/w2?format=text", "", 200, "passing")
	f.want("GET", "/v1/agent/health/service/name/web?format=text", "", 429, "warning")
	f.local.checks["n"] = &catalog.Check{Node: "n1", CheckID: "n", Status: "critical"}
	res = f.want("GET", "/v1/agent/health/service/id/w2?format=text", "", 503, "critical")
	wantHeader(t, res, "Content-Type", "text/plain")
	f.local.checks["_service_maintenance:w1"] = &catalog.Check{CheckID: "_service_maintenance:w1", Status: "critical", ServiceID: "w1"}
	if res, body := f.do("GET", "/v1/agent/health/service/name/web", "", "Accept", "text/plain;q=0.5, application/json"); res.StatusCode != 503 || body != "maintenance" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	res = f.want("GET", "/v1/agent/health/service/id/x", "", 404, `{"AggregatedStatus":"critical","Service":null,"Checks":null}`)
	wantHeader(t, res, "X-Consul-Reason", "ServiceId x not found")
	f.want("GET", "/v1/agent/health/service/id/x?format=text", "", 404, "ServiceId x not found")
	f.want("GET", "/v1/agent/health/service/name/x", "", 404, "[]")
	f.want("GET", "/v1/agent/health/service/name/x?format=text", "", 404, "ServiceName x Not Found")
	f.want("GET", "/v1/agent/health/service/id/", "", 500, "Missing serviceID")
	f.want("GET", "/v1/agent/health/service/name/", "", 500, "Missing service Name")
}

func TestMaintenance(t *testing.T) {
	f := newFixture(t, nil)
	f.local.services["w"] = &catalog.Service{ID: "w", Service: "web", Tags: []string{"t"}}
	for target, text := range map[string]string{
		"maintenance":                      "Missing value for enable",
		"maintenance?enable=":              `Invalid value for enable: ""`,
		"maintenance?enable=maybe":         `Invalid value for enable: "maybe"`,
		"service/maintenance/?enable=true": "Missing service ID",
		"service/maintenance/w":            "Missing value for enable",
		"service/maintenance/w?enable=x":   `Invalid value for enable: "x"`,
	} {
		f.want("PUT", "/v1/agent/"+target, "", 400, text)
	}
	f.want("PUT", "/v1/agent/service/maintenance/x?enable=1", "", 404, `Unknown service ID "x". Ensure that the service ID is passed, not the service name.`)
	f.want("PUT", "/v1/agent/maintenance?enable=true", "", 200, "")
	f.want("PUT", "/v1/agent/service/maintenance/w?enable=t&reason=upgrade", "", 200, "")
	f.want("PUT", "/v1/agent/service/maintenance/w?enable=T&reason=second", "", 200, "")
	want := map[string]*catalog.Check{
		"_node_maintenance": {Node: "n1", CheckID: "_node_maintenance", Name: "Node Maintenance Mode", Status: "critical", Type: "maintenance",
			Notes: "Maintenance mode is enabled for this node, but no reason was provided. This is a default message."},
		"_service_maintenance:w": {Node: "n1", CheckID: "_service_maintenance:w", Name: "Service Maintenance Mode", Status: "critical", Type: "maintenance",
			Notes: "upgrade", ServiceID: "w", ServiceName: "web", ServiceTags: []string{"t"}},
	}
	if !reflect.DeepEqual(f.local.checks, want) {
		t.Errorf("got %+v", f.local.checks)
	}
	for range 2 {
		f.want("PUT", "/v1/agent/maintenance?enable=false", "", 200, "")
		f.want("PUT", "/v1/agent/service/maintenance/w?enable=0", "", 200, "")
	}
	if len(f.local.checks) > 0 {
		t.Errorf("left %v", f.local.checks)
	}
}

func TestChecksOfTheAgent(t *testing.T) {
	f := newFixture(t, nil)
	f.local.services["w"] = &catalog.Service{ID: "w", Service: "web", Tags: []string{"t"}}
	const path = "/v1/agent/check/register"
	for body, want := range map[string]string{
		"{}":                                      "Missing check name",
		`{"Name":"x","Bogus":1}`:                  `Request decode failed: json: unknown field "Bogus"`,
		`{"Name":"x","TTL":"1s","Status":"ok"}`:   "Bad check status",
		`{"Name":"x","HTTP":"h"}`:                 "Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
		`{"Name":"x","TTL":true}`:                 "Invalid check: TTL must be > 0 for TTL checks",
		`{"Name":"x","alias_service":"w"}`:        `Request decode failed: json: unknown field "alias_service"`,
		`{"Name":"x","TTL":"1s","Interval":"1s"}`: "Invalid check: Interval and TTL cannot both be specified",
		`{"Name":"x","TCP":"h","Interval":"1s","FailuresBeforeWarning":5,"FailuresBeforeCritical":2}`: "Invalid check: FailuresBeforeWarning can't be higher than FailuresBeforeCritical",
	} {
		f.want("PUT", path, body, 400, want)
	}
	f.want("PUT", path, `{"Name":"x","TTL":"1s","ServiceID":"nope"}`, 404, `ServiceID "nope" does not exist`)
	f.want("PUT", path, `{"id":"c","name":"n","service_id":"w","http":"h","disable_redirects":true,"interval":"90m","timeout":1500000000,"failuresbeforecritical":3}`, 200, "")
	c := f.local.checks["c"]
	if c == nil || c.ServiceName != "web" || !c.Definition.DisableRedirects || c.Definition.FailuresBeforeWarning != 3 || c.Status != "critical" {
		t.Fatalf("check: %+v", c)
	}
	f.want("GET", "/v1/agent/checks", "", 200, `{"c":{"Node":"n1","CheckID":"c","Name":"n","Status":"critical","Notes":"","Output":"","ServiceID":"w","ServiceName":"web",`+
		`"ServiceTags":["t"],"Type":"http","Interval":"1h30m0s","Timeout":"1.5s","ExposedPort":0,"Definition":{},"CreateIndex":0,"ModifyIndex":0}}`)
	f.want("PUT", path, `{"Name":"ttl","TTL":3600000000000.5}`, 200, "")
	if c := f.local.checks["ttl"]; c.Interval != "0s" || c.Timeout != "0s" || c.Definition.TTL != time.Hour {
		t.Errorf("ttl: %+v", c)
	}
	for target, want := range map[string][2]string{"warn/ttl?note=50%25+full": {"warning", "50% full"}, "pass/ttl": {"passing", ""}, "fail/ttl?note=down": {"critical", "down"}} {
		f.want("PUT", "/v1/agent/check/"+target, "", 200, "")
		if c := f.local.checks["ttl"]; c.Status != want[0] || c.Output != want[1] {
			t.Errorf("%s: %+v", target, c)
		}
	}
	f.want("PUT", "/v1/agent/check/update/ttl", `{"Status":"warning","Output":"x"}`, 200, "")
	for body, want := range map[string]string{
		`{"Status":"bad"}`: "Invalid check status: 'bad'", `{"Output":"x"}`: "Invalid check status: ''", `{"Status":"maintenance"}`: "Invalid check status: 'maintenance'",
		`{"Status":"passing","F":1}`: `Request decode failed: json: unknown field "F"`, "": "Request decode failed: EOF", "{": "Request decode failed: unexpected EOF",
	} {
		f.want("PUT", "/v1/agent/check/update/ttl", body, 400, want)
	}
	f.want("PUT", "/v1/agent/check/pass/c", "", 500, `CheckID "c" does not have associated TTL`)
	for _, target := range []string{"pass/nope", "deregister/nope"} {
		f.want("PUT", "/v1/agent/check/"+target, "", 404, `Unknown check ID "nope". Ensure that the check ID is passed, not the check name.`)
	}
	f.want("PUT", "/v1/agent/check/deregister/c", "", 200, "")
}

func FuzzServiceRegistration(f *testing.F) {
	for _, seed := range []string{
		`{"Name":"web"}`, `{"name":"w","check":{"ttl":"1s"},"checks":[null,{"tcp":"x","interval":1e9}]}`, `{"Name":"w","Connect":{"SidecarService":{"Proxy":{"Upstreams":[{}]}}}}`,
		`{"Name":"w","Proxy":{"Config":{"a":[1,null,{"b":"c"}]}},"Kind":"connect-proxy","Port":1}`, `null`, `[]`, `{"Name":"w","Check":{"Interval":-1e300}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := newFixture(t, nil)
		res, text := x.do("PUT", register, body)
		switch res.StatusCode {
		case 200:
			// What was taken can be shown.
			if res, text := x.do("GET", "/v1/agent/services?pretty", ""); res.StatusCode != 200 {
				t.Errorf("%q: %d %s", body, res.StatusCode, text)
			}
		case 400, 500:
		default:
			t.Errorf("%q: %d %s", body, res.StatusCode, text)
		}
	})
}

func FuzzOtherBodies(f *testing.F) {
	for _, seed := range []string{
		`{"Name":"c","TTL":"1s"}`, `{"Node":"n","Address":"a","Service":{"Service":"s","Proxy":{}},"Check":{"Definition":{"TTL":1}}}`, `{"Status":"passing"}`,
		`{"Node":"n","Checks":[{"Definition":null}]}`, `{"ID":1}`, `{"Definition":{"Interval":"1s","Header":{"a":null}}}`, "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var check definition.Check
		if definition.DecodeAlone(strings.NewReader(body), &check) == nil {
			row, err := check.RowAlone()
			if err != nil {
				t.Errorf("%q: %v", body, err)
			}
			wire.AppendCheck(nil, row)
		}
		var reg wire.Register
		if definition.Decode(strings.NewReader(body), &reg) == nil {
			row := reg.Row()
			for _, c := range row.Checks {
				wire.AppendCheck(nil, c)
			}
			if row.Service != nil {
				wire.AppendNodeService(nil, row.Service)
			}
		}
	})
}

func TestCancelledReadsEnd(t *testing.T) {
	f := newFixture(t, nil)
	f.local.services["w"] = httpapiService("w")
	res, _ := f.do("GET", "/v1/agent/service/w", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := f.serve(ctx, "/v1/agent/service/w?hash="+res.Header.Get("X-Consul-Contenthash")); code != 500 {
		t.Errorf("got %d", code)
	}
}
