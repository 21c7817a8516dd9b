package config_test

import (
	"strings"
	"testing"
	"time"

	"praetor/agent/config"
	"praetor/catalog"
)

// The file and the answers are those of conformance case service_hcl_dir.
func TestAServiceFromAFileIsReadyToRegister(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `service {
  name = "redis"
  id = "red0"
  tags = ["primary"]
  address = "10.0.0.5"
  port = 8000
  enable_tag_override = true
  weights = {
    passing = 5
  }
  meta = { k = "v" }
  token = "secret"
  kind = "nobody knows"
  checks = [
    { name = "ttl" ttl = "30s" status = "passing" },
    { id = "mem" tcp = "127.0.0.1:9" interval = "10h" timeout = "1s" }
  ]
  tagged_addresses = { wan = { address = "1.2.3.4" port = 80 } }
}`)
	want(t, rt.Services, []config.ServiceDefinition{{
		Service: &catalog.Service{
			ID: "red0", Service: "redis", Tags: []string{"primary"}, Address: "10.0.0.5", Port: 8000,
			EnableTagOverride: true, Meta: map[string]string{"k": "v"},
			Weights: catalog.Weights{Passing: 5, Warning: 1},
			TaggedAddresses: map[string]catalog.ServiceAddress{
				"wan":      {Address: "1.2.3.4", Port: 80},
				"lan_ipv4": {Address: "10.0.0.5", Port: 8000},
				"wan_ipv4": {Address: "10.0.0.5", Port: 8000},
			},
		},
		Token:  "secret",
		Origin: "flags-0.hcl",
		Checks: []*catalog.Check{
			{
				CheckID: "service:red0:1", Name: "ttl", Status: "passing", Type: "ttl",
				ServiceID: "red0", ServiceName: "redis", ServiceTags: []string{"primary"},
				Definition: catalog.CheckDefinition{TTL: 30 * time.Second},
			},
			{
				CheckID: "mem", Name: "Service 'redis' check", Status: "critical", Type: "tcp", Interval: "10h0m0s", Timeout: "1s",
				ServiceID: "red0", ServiceName: "redis", ServiceTags: []string{"primary"},
				Definition: catalog.CheckDefinition{TCP: "127.0.0.1:9", Interval: 10 * time.Hour, Timeout: time.Second},
			},
		},
	}})
}

func TestServicesMayBeWrittenAsBlocksListsAndSingly(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `services { name = "a" } services { name = "b" port = 4 } service { name = "c" }`,
		"-hcl", `services = [ { name = "d" }, { name = "a" port = 9 } ]`)
	var got []string
	for _, s := range rt.Services {
		got = append(got, s.Service.Service)
	}
	want(t, got, []string{"a", "b", "c", "d", "a"}) // the later one counts when they are registered
	want(t, rt.Services[4].Service.Port, 9)
	want(t, rt.Services[0].Service.Weights, catalog.Weights{Passing: 1, Warning: 1})
}

// The rows are those of conformance case check_kinds.
func TestNodeChecksShowTheirDurationsAndNoType(t *testing.T) {
	rt := load(t, "-dev", "-enable-local-script-checks", "-hcl", `checks = [
  { id = "http" name = "http" http = "http://127.0.0.1:1/" interval = "24h" method = "POST" header = { A = ["b"] } body = "x" timeout = "3s" },
  { name = "h2" h2ping = "127.0.0.1:1" interval = "24h" },
  { name = "h2 plain" h2ping = "127.0.0.1:1" interval = "24h" h2ping_use_tls = false },
  { id = "sc" name = "sc" args = ["/bin/true"] interval = "240h" failures_before_critical = 3 },
  { id = "ttl" name = "ttl" ttl = "1h30m" status = "odd" notes = "n" token = "secret" service_id = "web" },
]`)
	want(t, rt.NodeChecks, []config.CheckDefinition{
		{Origin: "flags-0.hcl", Check: &catalog.Check{CheckID: "http", Name: "http", Status: "critical", Interval: "24h0m0s", Timeout: "3s", Definition: catalog.CheckDefinition{
			HTTP: "http://127.0.0.1:1/", Interval: 24 * time.Hour, Timeout: 3 * time.Second, Method: "POST", Header: map[string][]string{"A": {"b"}}, Body: "x",
		}}},
		{Origin: "flags-0.hcl", Check: &catalog.Check{CheckID: "h2", Name: "h2", Status: "critical", Interval: "24h0m0s", Timeout: "0s", Definition: catalog.CheckDefinition{
			H2PING: "127.0.0.1:1", H2PingUseTLS: true, Interval: 24 * time.Hour,
		}}},
		{Origin: "flags-0.hcl", Check: &catalog.Check{CheckID: "h2 plain", Name: "h2 plain", Status: "critical", Interval: "24h0m0s", Timeout: "0s", Definition: catalog.CheckDefinition{
			H2PING: "127.0.0.1:1", Interval: 24 * time.Hour,
		}}},
		{Origin: "flags-0.hcl", Check: &catalog.Check{CheckID: "sc", Name: "sc", Status: "critical", Interval: "240h0m0s", Timeout: "0s", Definition: catalog.CheckDefinition{
			ScriptArgs: []string{"/bin/true"}, Interval: 240 * time.Hour, FailuresBeforeWarning: 3, FailuresBeforeCritical: 3,
		}}},
		{Token: "secret", Origin: "flags-0.hcl", Check: &catalog.Check{CheckID: "ttl", Name: "ttl", Status: "odd", Notes: "n", ServiceID: "web", Interval: "0s", Timeout: "0s", Definition: catalog.CheckDefinition{
			TTL: 90 * time.Minute,
		}}},
	})
}

func TestNoFailuresBeforeWarningIsNotTheSameAsUnset(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `checks = [
  { name = "unset" ttl = "1m" failures_before_critical = 3 },
  { name = "zero" ttl = "1m" failures_before_critical = 3 failures_before_warning = 0 },
  { name = "neither" ttl = "1m" failures_before_warning = 0 },
]`)
	var got []int
	for _, c := range rt.NodeChecks {
		got = append(got, c.Check.Definition.FailuresBeforeWarning)
	}
	want(t, got, []int{3, 1, 0})
}

func TestASidecarInheritsAndWaitsForItsPort(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `service {
  name = "web"
  port = 80
  tags = ["a"]
  connect {
    sidecar_service {
      proxy {
        upstreams = [ { destination_name = "db" local_bind_port = 9191 config { protocol = "http" retries { n = 3 } } } ]
        mesh_gateway { mode = "local" }
        expose { checks = true paths = [ { path = "/h" listener_port = 21500 local_path_port = 80 protocol = "http" } ] }
        transparent_proxy { outbound_listener_port = 15001 dialed_directly = true }
        config { max = 5 }
      }
    }
  }
}`)
	sidecar := rt.Services[0].Sidecar
	want(t, sidecar, &config.ServiceDefinition{
		Service: &catalog.Service{
			ID: "web-sidecar-proxy", Service: "web-sidecar-proxy", Kind: "connect-proxy", Tags: []string{"a"},
			Weights: catalog.Weights{Passing: 1, Warning: 1},
			Proxy: &catalog.Proxy{
				DestinationServiceName: "web", DestinationServiceID: "web", LocalServiceAddress: "127.0.0.1", LocalServicePort: 80,
				Upstreams:        []catalog.Upstream{{DestinationType: "service", DestinationName: "db", LocalBindPort: 9191, Config: map[string]any{"protocol": "http", "retries": map[string]any{"n": 3}}}},
				MeshGatewayMode:  "local",
				Expose:           &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/h", ListenerPort: 21500, LocalPathPort: 80, Protocol: "http"}}},
				TransparentProxy: &catalog.TransparentProxy{OutboundListenerPort: 15001, DialedDirectly: true},
				Config:           map[string]any{"max": 5},
			},
		},
		Checks: []*catalog.Check{},
		Origin: "flags-0.hcl",
	})
	native := load(t, "-dev", "-hcl", `service { name = "n" port = 1 connect { native = true } }`)
	want(t, native.Services[0].Service.Connect, &catalog.Connect{Native: true})
}

// The watches are those of conformance case watch_handlers and reference §9.
func TestWatchesAreRead(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `watches = [
  { type = "key" key = "w" args = ["sh", "-c", "x"] },
  { type = "service" service = "web" tag = ["a"] handler = "old form" token = "secret" datacenter = "dc2" },
  { type = "checks" state = "any" handler_type = "http" http_handler_config { path = "http://h/" timeout = "3s" header = { A = ["b"] } } },
  { type = "nodes" args = "one" },
]`)
	want(t, rt.Watches, []config.Watch{
		{Type: "key", Params: map[string]any{"key": "w"}, HandlerType: "script", Args: []string{"sh", "-c", "x"}},
		{Type: "service", Datacenter: "dc2", Token: "secret", Params: map[string]any{"service": "web", "tag": []any{"a"}}, HandlerType: "script", Handler: "old form"},
		{Type: "checks", Params: map[string]any{"state": "any"}, HandlerType: "http", HTTP: config.WatchHTTP{Path: "http://h/", Method: "POST", Timeout: 3 * time.Second, Header: map[string][]string{"A": {"b"}}}},
		{Type: "nodes", HandlerType: "script", Args: []string{"one"}},
	})
	_, _, err := config.LoadOn(host, parseFlags(t, "-dev", "-http-port", "-1", "-hcl", `watches { type = "nodes" args = ["x"] }`))
	wantError(t, err, "watch plans require an HTTP or HTTPS endpoint\n\t  set in flags-0.hcl")
}

func TestAListOfOneStandsForWhatIsInIt(t *testing.T) {
	for _, text := range []string{
		`{"node_name": ["n1"], "ports": [{"http": [1]}], "services": [[{"name": ["a"], "checks": [[{"ttl": "1m"}]]}]]}`,
		`node_name = ["n1"] ports { http = [1] } services { name = ["a"] checks = [[{ ttl = "1m" }]] }`,
	} {
		file := t.TempDir() + "/a.hcl"
		if text[0] == '{' {
			file += ".json"
		}
		write(t, file, text)
		rt, _, err := config.Load(&config.Flags{Dev: true, Files: []string{file}})
		ok(t, err)
		if rt.NodeName != "n1" || rt.Ports.HTTP != 1 || len(rt.Services) != 1 || len(rt.Services[0].Checks) != 1 {
			t.Errorf("%s: %+v", text, rt.Services)
		}
	}
	for text, want := range map[string]string{
		`node_name = ["a", "b"]`:         `'node_name' expected type 'string'`,
		`node_name = []`:                 `'node_name' expected type 'string'`,
		`services = [[{ bogus = "a" }]]`: `invalid config key services[0].bogus`,
	} {
		if _, _, err := config.Load(&config.Flags{Dev: true, HCL: []string{text}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
