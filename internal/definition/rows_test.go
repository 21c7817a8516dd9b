package definition_test

import (
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
)

// TestACheckKeepsEverythingItWasGiven goes over each member of a check once: what is
// written in a file is what runs.
func TestACheckKeepsEverythingItWasGiven(t *testing.T) {
	var s definition.Service
	body := `{"Name":"web","Check":{
		"CheckID":"c","Name":"n","Notes":"why","Status":"passing","http":"http://x/","header":{"A":["b","c"]},"method":"PUT","body":"text",
		"DisableRedirects":true,"OutputMaxSize":7,"tcp":"x:1","tcp_use_tls":true,"udp":"x:2","interval":"3s","timeout":"2s","ttl":"4s",
		"docker_container_id":"d","shell":"/bin/sh","args":["a","b"],"grpc":"x:3/s","grpc_use_tls":true,"tls_server_name":"t","tls_skip_verify":true,
		"AliasNode":"an","AliasService":"as","h2ping":"x:4","OSService":"svc","deregister_critical_service_after":"90m",
		"SuccessBeforePassing":1,"FailuresBeforeWarning":2,"FailuresBeforeCritical":3}}`
	if err := definition.Decode(strings.NewReader(body), &s); err != nil {
		t.Fatal(err)
	}
	row, err := s.Check.Row()
	if err != nil {
		t.Fatal(err)
	}
	want(t, row, &catalog.Check{
		CheckID: "c", Name: "n", Notes: "why", Status: "passing", Interval: "3s", Timeout: "2s",
		Definition: catalog.CheckDefinition{
			HTTP: "http://x/", Header: map[string][]string{"A": {"b", "c"}}, Method: "PUT", Body: "text", DisableRedirects: true, OutputMaxSize: 7,
			TCP: "x:1", TCPUseTLS: true, UDP: "x:2", Interval: 3 * time.Second, Timeout: 2 * time.Second, TTL: 4 * time.Second,
			DockerContainerID: "d", Shell: "/bin/sh", ScriptArgs: []string{"a", "b"}, GRPC: "x:3/s", GRPCUseTLS: true,
			TLSServerName: "t", TLSSkipVerify: true, AliasNode: "an", AliasService: "as", H2PING: "x:4", H2PingUseTLS: true, OSService: "svc",
			DeregisterCriticalServiceAfter: 90 * time.Minute,
			SuccessBeforePassing:           1, FailuresBeforeWarning: 2, FailuresBeforeCritical: 3,
		},
	})
}

func TestACheckByItselfShowsItsTimes(t *testing.T) {
	for _, c := range []struct {
		body     string
		id       string
		interval string
		timeout  string
	}{
		{`{"Name":"n","TTL":"1m"}`, "n", "0s", "0s"},
		{`{"ID":"c","Name":"n","TTL":"1m"}`, "c", "0s", "0s"},
		{`{"ID":"c","TCP":"x:1","Interval":"90s","Timeout":"1500ms"}`, "c", "1m30s", "1.5s"},
	} {
		var check definition.Check
		if err := definition.DecodeAlone(strings.NewReader(c.body), &check); err != nil {
			t.Fatalf("%s: %v", c.body, err)
		}
		row, err := check.RowAlone()
		if err != nil {
			t.Fatalf("%s: %v", c.body, err)
		}
		got := []string{row.CheckID, row.Interval, row.Timeout}
		want(t, got, []string{c.id, c.interval, c.timeout})
	}
	in := &definition.Check{TTL: new(string)}
	*in.TTL = "1m"
	row, err := in.Row()
	if err != nil || row.Interval != "" || row.Timeout != "" {
		t.Errorf("inside a service: interval %q, timeout %q, %v; want neither", row.Interval, row.Timeout, err)
	}
}

func TestWhetherAPingSpeaksTLS(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name  string
		check definition.Check
		want  bool
	}{
		{"a ping does", definition.Check{H2PING: "x:1"}, true},
		{"unless told not to", definition.Check{H2PING: "x:1", H2PingUseTLS: &no}, false},
		{"told to", definition.Check{H2PING: "x:1", H2PingUseTLS: &yes}, true},
		{"no ping", definition.Check{HTTP: "http://x"}, false},
	} {
		row, err := c.check.Row()
		if err != nil || row.Definition.H2PingUseTLS != c.want {
			t.Errorf("%s: %t, %v", c.name, row.Definition.H2PingUseTLS, err)
		}
	}
}

func TestEveryDurationThatIsNoneIsNamed(t *testing.T) {
	bad, good := "soon", "1s"
	c := &definition.Check{Interval: &bad, Timeout: &good, TTL: &bad, DeregisterCriticalServiceAfter: &bad}
	_, err := c.Row()
	wantText(t, err, "3 errors occurred:\n"+
		"\t* interval: invalid duration: \"soon\": time: invalid duration \"soon\"\n"+
		"\t* ttl: invalid duration: \"soon\": time: invalid duration \"soon\"\n"+
		"\t* deregister_critical_service_after: invalid duration: \"soon\": time: invalid duration \"soon\"\n\n")
	if _, err := c.RowAlone(); err == nil {
		t.Error("alone: no error")
	}
}

func TestOfSeveralChecksWithOneIDTheLastCounts(t *testing.T) {
	check := func(id, status string) *catalog.Check { return &catalog.Check{CheckID: id, Status: status} }
	for _, c := range []struct {
		name     string
		in, want []*catalog.Check
	}{
		{"none", nil, nil},
		{"all different", []*catalog.Check{check("a", "1"), check("b", "2")}, []*catalog.Check{check("a", "1"), check("b", "2")}},
		{"twice", []*catalog.Check{check("a", "1"), check("a", "2")}, []*catalog.Check{check("a", "2")}},
		{"in the order of the last ones", []*catalog.Check{check("a", "1"), check("b", "2"), check("a", "3")}, []*catalog.Check{check("b", "2"), check("a", "3")}},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, definition.LastOfEach(c.in), c.want) })
	}
}

func TestStatusesThatMayBeGiven(t *testing.T) {
	for status, ok := range map[string]bool{"passing": true, "warning": true, "critical": true, "": false, "Passing": false, "maintenance": false, "any": false} {
		if definition.ValidStatus(status) != ok {
			t.Errorf("%q: %t, want %t", status, !ok, ok)
		}
	}
}

func TestOnlyArgumentsMakeAScript(t *testing.T) {
	for _, c := range []struct {
		def  catalog.CheckDefinition
		want bool
	}{
		{catalog.CheckDefinition{ScriptArgs: []string{"a"}}, true},
		{catalog.CheckDefinition{ScriptArgs: []string{"a"}, DockerContainerID: "d"}, true},
		{catalog.CheckDefinition{DockerContainerID: "d", Shell: "/bin/sh"}, false},
		{catalog.CheckDefinition{HTTP: "http://x"}, false},
	} {
		if got := definition.RunsScript(&catalog.Check{Definition: c.def}); got != c.want {
			t.Errorf("%+v: %t", c.def, got)
		}
	}
}

// TestEveryKindThatRunsByItselfNeedsAnInterval turns over the list one by one.
func TestEveryKindThatRunsByItselfNeedsAnInterval(t *testing.T) {
	const refusal = "Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks"
	for name, d := range map[string]catalog.CheckDefinition{
		"script": {ScriptArgs: []string{"a"}}, "http": {HTTP: "http://x"}, "tcp": {TCP: "x:1"}, "udp": {UDP: "x:1"},
		"grpc": {GRPC: "x:1"}, "h2ping": {H2PING: "x:1"}, "os_service": {OSService: "x"},
	} {
		wantText(t, definition.ValidateCheck(&catalog.Check{Definition: d}), refusal)
		d.Interval = -time.Second
		wantText(t, definition.ValidateCheck(&catalog.Check{Definition: d}), refusal)
		d.Interval = 1
		if err := definition.ValidateCheck(&catalog.Check{Definition: d}); err != nil {
			t.Errorf("%s with an interval: %v", name, err)
		}
	}
	wantText(t, definition.ValidateCheck(&catalog.Check{Definition: catalog.CheckDefinition{TTL: -1}}), "TTL must be > 0 for TTL checks")
	equal := catalog.CheckDefinition{TTL: 1, FailuresBeforeWarning: 2, FailuresBeforeCritical: 2}
	wantText(t, definition.ValidateCheck(&catalog.Check{Definition: equal}), "")
}

func TestAServiceKeepsEverythingItWasGiven(t *testing.T) {
	body := `{"Kind":"connect-proxy","ID":"w1","Name":"web","Tags":["a"],"Address":"10.0.0.1","Port":80,"SocketPath":"/s","Meta":{"k":"v"},
		"tagged_addresses":{"lan":{"Address":"10.0.0.2","Port":81}},"Weights":{"Passing":5},"enable_tag_override":true,
		"Connect":{"Native":true},"Locality":{"Region":"r","Zone":"z"},
		"Proxy":{"destination_service_name":"db","DestinationServiceID":"db1","LocalServiceAddress":"127.0.0.2","LocalServicePort":5,"local_service_ports":[{"Name":"l","Port":5}],"LocalServiceSocketPath":"/l",
			"Mode":"direct","Config":{"x":1},"MeshGateway":{"Mode":"local"},"transparent_proxy":{"outbound_listener_port":15,"DialedDirectly":true},
			"Expose":{"Checks":true,"Paths":[{"listener_port":1,"Path":"/p","LocalPathPort":2,"Protocol":"http"}]},
			"Upstreams":[{"destination_name":"a","Datacenter":"dc2","LocalBindAddress":"127.0.0.3","local_bind_port":9,"destination_port":"http","mesh_gateway":{"Mode":"remote"},"Config":{"y":2}},
				{"DestinationType":"prepared_query","DestinationName":"q","LocalBindSocketPath":"/u","LocalBindSocketMode":"0600","DestinationPeer":"p"}]}}`
	want(t, decodeService(t, body).Row(), &catalog.Service{
		Kind: "connect-proxy", ID: "w1", Service: "web", Tags: []string{"a"}, Address: "10.0.0.1", Port: 80, SocketPath: "/s", Meta: map[string]string{"k": "v"},
		TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "10.0.0.2", Port: 81}}, Weights: catalog.Weights{Passing: 5}, EnableTagOverride: true,
		Connect: &catalog.Connect{Native: true}, Locality: &catalog.Locality{Region: "r", Zone: "z"},
		Proxy: &catalog.Proxy{
			DestinationServiceName: "db", DestinationServiceID: "db1", LocalServiceAddress: "127.0.0.2", LocalServicePort: 5, LocalServicePorts: []catalog.ServicePort{{Name: "l", Port: 5}}, LocalServiceSocketPath: "/l",
			Mode: "direct", Config: map[string]any{"x": 1.0}, MeshGatewayMode: "local",
			TransparentProxy: &catalog.TransparentProxy{OutboundListenerPort: 15, DialedDirectly: true},
			Expose:           &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{ListenerPort: 1, Path: "/p", LocalPathPort: 2, Protocol: "http"}}},
			Upstreams: []catalog.Upstream{
				{DestinationType: "service", DestinationName: "a", DestinationPort: "http", Datacenter: "dc2", LocalBindAddress: "127.0.0.3", LocalBindPort: 9, MeshGatewayMode: "remote", Config: map[string]any{"y": 2.0}},
				{DestinationType: "prepared_query", DestinationName: "q", LocalBindSocketPath: "/u", LocalBindSocketMode: "0600", DestinationPeer: "p"},
			},
		},
	})
}

// TestPortsAreRefusedWithTheClientsTexts: the published client looks first, and so the first
// fault is said alone. What a user gives is the ports or the port; a row that was read
// has the default one beside them.
func TestPortsAreRefusedWithTheClientsTexts(t *testing.T) {
	const both = "Port cannot be set together with Ports: the default one of them is the port"
	for body, c := range map[string]struct {
		port      int
		want, row string // of what a user gives, and of a row
	}{
		`{"Ports":[]}`: {0, "", ""},
		`{"Ports":[{"Name":"a","Port":1,"Default":true},{"name":"A","port":1}]}`:          {1, "", ""},
		`{"Port":2,"Ports":[{"Name":"a","Port":1},{"Name":"b","Port":2,"Default":true}]}`: {2, both, ""},
		`{"Port":1,"Ports":[{"Name":"a","Port":1},{"Name":"b","Port":2,"Default":true}]}`: {1, both, both},
		`{"Port":1,"Ports":[{"Name":"a","Port":2}]}`:                                      {1, "one of the Ports must be marked as Default", "="},
		`{"Ports":[{"Name":" ","Port":1,"Default":true}]}`:                                {1, "Ports.Name cannot be empty", "="},
		`{"Ports":[{"Port":0}]}`:                                                                           {0, "Ports.Name cannot be empty", "="},
		`{"Ports":[{"Name":"a","Default":true}]}`:                                                          {0, "Ports.Port must be non-zero", "="},
		`{"Ports":[{"Name":"a","Port":-1}]}`:                                                               {0, "Ports.Port must be non-zero", "="},
		`{"Ports":[{"Name":"a","Port":1},{"Name":"a","Port":2,"Default":true}]}`:                           {2, `Ports.Name "a" has to be unique`, "="},
		`{"Ports":[{"Name":"a","Port":3,"Default":true},{"Name":"b","Port":2,"Default":true}]}`:            {3, "only one port can be marked as default", "="},
		`{"Ports":[{"Name":"a","Port":3},{"Name":"b","Port":2}]}`:                                          {0, "one of the Ports must be marked as Default", "="},
		`{"Kind":"mesh-gateway","Ports":[{"Name":"a","Port":3,"Default":true}]}`:                           {3, "", ""},
		`{"Connect":{"Native":true},"Ports":[{"Name":"a","Port":3},{"Name":"b","Port":4,"Default":true}]}`: {4, "", ""},
	} {
		t.Run(body, func(t *testing.T) {
			s := decodeService(t, body)
			row := s.Row()
			want(t, row.Port, c.port)
			listed := func(text string) string {
				if text == "" {
					return ""
				}
				return one(text)
			}
			wantText(t, s.Validate(row), listed(c.want))
			if c.row == "=" {
				c.row = c.want
			}
			wantText(t, definition.ValidateService(row), listed(c.row))
		})
	}
}

func TestAServiceWithoutMuchHasNothingMade(t *testing.T) {
	want(t, decodeService(t, `{"Name":"web","Connect":{"Native":false}}`).Row(), &catalog.Service{ID: "web", Service: "web"})
	if s := decodeService(t, `{"Name":"web"}`); s.Sidecar() != nil {
		t.Error("a sidecar that nobody asked for")
	}
	if s := decodeService(t, `{"Name":"web","Connect":{"sidecar_service":{"Port":1}}}`).Sidecar(); s == nil || s.Port != 1 {
		t.Errorf("the sidecar is %+v", s)
	}
}

func TestWeightsThatAreNotGiven(t *testing.T) {
	three := 3
	unset := catalog.Weights{Passing: 1, Warning: 1}
	var none *definition.Weights
	want(t, none.Row(unset), unset)
	want(t, (&definition.Weights{}).Row(unset), unset)
	want(t, (&definition.Weights{Passing: &three}).Row(unset), catalog.Weights{Passing: 3, Warning: 1})
	want(t, (&definition.Weights{Warning: &three}).Row(unset), catalog.Weights{Passing: 1, Warning: 3})
}

func TestKindsOfServices(t *testing.T) {
	for kind, known := range map[string]bool{
		"connect-proxy": true, "mesh-gateway": true, "terminating-gateway": true, "ingress-gateway": true, "api-gateway": true,
		"": false, "typical": false, "Connect-Proxy": false,
	} {
		if definition.KnownKind(kind) != known {
			t.Errorf("%q: %t, want %t", kind, !known, known)
		}
	}
}

func TestAddressesThatNobodyCouldConnectTo(t *testing.T) {
	for address, text := range map[string]string{
		"": "", "10.0.0.1": "", "host": "", "::1": "", "0.0.0.1": "",
		"0.0.0.0": "Invalid service address", "::": "Invalid service address", "[::]": "Invalid service address",
	} {
		wantText(t, definition.ValidateAddress(address), text)
	}
}

func TestUpstreamRefusals(t *testing.T) {
	list := func(u ...catalog.Upstream) *catalog.Service {
		return &catalog.Service{Kind: "connect-proxy", Port: 1, Proxy: &catalog.Proxy{DestinationServiceName: "web", Upstreams: u}}
	}
	for name, c := range map[string]struct {
		service *catalog.Service
		want    string
	}{
		"query":          {list(catalog.Upstream{DestinationType: "prepared_query", DestinationName: "q", LocalBindPort: 1}), ""},
		"unknown type":   {list(catalog.Upstream{DestinationType: "host", DestinationName: "q", LocalBindPort: 1}), one(`unknown upstream destination type: "host"`)},
		"wildcard":       {list(catalog.Upstream{DestinationName: "*", LocalBindPort: 1}), one("upstream destination name cannot be a wildcard")},
		"peer and dc":    {list(catalog.Upstream{DestinationName: "a", DestinationPeer: "p", Datacenter: "d", LocalBindPort: 1}), one("upstream cannot specify both destination peer and datacenter")},
		"port and path":  {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1, LocalBindSocketPath: "/s"}), one("only one of upstream local bind port or local socket path can be defined and nonzero")},
		"central":        {list(catalog.Upstream{DestinationName: "a", CentrallyConfigured: true}, catalog.Upstream{DestinationName: "b", CentrallyConfigured: true}), ""},
		"octal":          {list(catalog.Upstream{DestinationName: "a", LocalBindSocketPath: "/s", LocalBindSocketMode: "0777"}), ""},
		"mode too large": {list(catalog.Upstream{DestinationName: "a", LocalBindSocketPath: "/s", LocalBindSocketMode: "1000000"}), one(`upstream local bind socket mode is not octal: "1000000"`)},
		"one port twice": {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1}, catalog.Upstream{DestinationName: "b", LocalBindPort: 1}),
			one(`upstreams cannot contain duplicates by local bind address and port or unix path; "127.0.0.1:1" is specified twice`)},
		"the port is loopback's": {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1}, catalog.Upstream{DestinationName: "b", LocalBindAddress: "127.0.0.1", LocalBindPort: 1}),
			one(`upstreams cannot contain duplicates by local bind address and port or unix path; "127.0.0.1:1" is specified twice`)},
		"one port of two addresses": {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1}, catalog.Upstream{DestinationName: "b", LocalBindAddress: "127.0.0.2", LocalBindPort: 1}), ""},
		"one path spelled twice": {list(catalog.Upstream{DestinationName: "a", LocalBindSocketPath: "/x/../s"}, catalog.Upstream{DestinationName: "b", LocalBindSocketPath: "/s"}),
			one(`upstreams cannot contain duplicates by local bind address and port or unix path; "/s" is specified twice`)},
		"one service twice": {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1}, catalog.Upstream{DestinationName: "a", LocalBindPort: 2}),
			one(`upstreams cannot contain duplicates of [type="", name="a", partition="", namespace="", peer="", datacenter=""]`)},
		"one service of two datacenters": {list(catalog.Upstream{DestinationName: "a", LocalBindPort: 1}, catalog.Upstream{DestinationName: "a", Datacenter: "dc2", LocalBindPort: 2}), ""},
		"one service of two peers":       {list(catalog.Upstream{DestinationName: "a", DestinationPeer: "p", LocalBindPort: 1}, catalog.Upstream{DestinationName: "a", LocalBindPort: 2}), ""},
		"a refused one is no duplicate":  {list(catalog.Upstream{DestinationName: "a"}, catalog.Upstream{DestinationName: "a", LocalBindPort: 2}), one("upstream local bind port or local socket path must be defined and nonzero")},
	} {
		t.Run(name, func(t *testing.T) { wantText(t, definition.ValidateService(c.service), c.want) })
	}
}

func TestExposedPathRefusals(t *testing.T) {
	expose := func(p ...catalog.ExposePath) *catalog.Service {
		return &catalog.Service{Kind: "connect-proxy", Port: 1, Proxy: &catalog.Proxy{DestinationServiceName: "web", Expose: &catalog.Expose{Paths: p}}}
	}
	for name, c := range map[string]struct {
		service *catalog.Service
		want    string
	}{
		"protocols":     {expose(catalog.ExposePath{Path: "/a", ListenerPort: 1}, catalog.ExposePath{Path: "/b", ListenerPort: 2, Protocol: "http"}, catalog.ExposePath{Path: "/c", ListenerPort: 3, Protocol: "http2"}), ""},
		"another":       {expose(catalog.ExposePath{Path: "/a", Protocol: "tcp"}), one(`protocol 'tcp' not supported for path: /a, must be in: [http http2]`)},
		"no path":       {expose(catalog.ExposePath{ListenerPort: 1}), one("expose.paths: empty path exposed")},
		"the same path": {expose(catalog.ExposePath{Path: "/a", ListenerPort: 1}, catalog.ExposePath{Path: "/a", ListenerPort: 2}), ""},
		"the same port": {expose(catalog.ExposePath{Path: "/a", ListenerPort: 1}, catalog.ExposePath{Path: "/b", ListenerPort: 1}), one("expose.paths: duplicate listener ports exposed")},
	} {
		t.Run(name, func(t *testing.T) { wantText(t, definition.ValidateService(c.service), c.want) })
	}
}

// TestGatewaysHaveNoDestination names each member that only a sidecar may have.
func TestGatewaysHaveNoDestination(t *testing.T) {
	for name, proxy := range map[string]catalog.Proxy{
		"DestinationServiceName": {DestinationServiceName: "x"}, "DestinationServiceID": {DestinationServiceID: "x"},
		"LocalServiceAddress": {LocalServiceAddress: "x"}, "LocalServicePort": {LocalServicePort: 1},
		"LocalServiceSocketPath": {LocalServiceSocketPath: "x"}, "Upstreams": {Upstreams: []catalog.Upstream{{DestinationName: "a", LocalBindPort: 1}}},
	} {
		s := &catalog.Service{Kind: "terminating-gateway", Port: 1, Proxy: &proxy}
		wantText(t, definition.ValidateService(s), one("The Proxy."+name+" configuration is invalid for a terminating-gateway"))
	}
	wantText(t, definition.ValidateService(&catalog.Service{Kind: "terminating-gateway"}), one("Port must be non-zero for a terminating-gateway"))
	wantText(t, definition.ValidateService(&catalog.Service{Kind: "api-gateway", Proxy: &catalog.Proxy{Config: map[string]any{"x": 1}}}), "")
}

func TestSettingsThatAreNestedTooDeepAreNamed(t *testing.T) {
	deep := any("end")
	for range 10_000 {
		deep = map[string]any{"x": deep}
	}
	s := &catalog.Service{Kind: "connect-proxy", Port: 1, Proxy: &catalog.Proxy{
		DestinationServiceName: "web", Config: map[string]any{"x": deep},
		Upstreams: []catalog.Upstream{{DestinationName: "a", LocalBindPort: 1}, {DestinationName: "b", LocalBindPort: 2, Config: map[string]any{"x": deep}}},
	}}
	err := definition.ValidateService(s)
	if err == nil || !strings.Contains(err.Error(), "2 errors occurred") || !strings.Contains(err.Error(), "* Proxy.Config: ") || !strings.Contains(err.Error(), "* Proxy.Upstreams[1].Config: ") {
		t.Errorf("it says %v", err)
	}
}

func TestTaggedAddressesThatAreRight(t *testing.T) {
	for _, a := range []map[string]catalog.ServiceAddress{
		nil, {"lan_ipv4": {Address: "10.0.0.1"}, "wan_ipv4": {Address: "::ffff:10.0.0.1"}}, {"lan_ipv6": {Address: "2001:db8::1"}, "wan_ipv6": {Address: "anything"}},
	} {
		wantText(t, definition.ValidateTaggedAddresses(a), "")
	}
	for tag, address := range map[string]string{"lan_ipv4": "host", "wan_ipv4": "::1", "lan_ipv6": "::ffff:10.0.0.1"} {
		if definition.ValidateTaggedAddresses(map[string]catalog.ServiceAddress{tag: {Address: address}}) == nil {
			t.Errorf("%s under %s: no error", address, tag)
		}
	}
}

// TestASidecarKeepsWhatItSays is the other half of what it inherits.
func TestASidecarKeepsWhatItSays(t *testing.T) {
	parent := &catalog.Service{
		ID: "w1", Service: "web", Port: 80, Address: "10.0.0.1", Tags: []string{"a"}, Meta: map[string]string{"k": "v"},
		SocketPath: "/parent", Locality: &catalog.Locality{Region: "r"}, Weights: catalog.Weights{Passing: 9, Warning: 9},
	}
	own := &catalog.Service{
		ID: "not used", Service: "front", Kind: "mesh-gateway", Port: 5, Address: "10.0.0.2", Tags: []string{"b"}, Meta: map[string]string{"m": "w"},
		Locality: &catalog.Locality{Region: "s"}, Weights: catalog.Weights{Passing: 2},
		Proxy: &catalog.Proxy{DestinationServiceName: "n", DestinationServiceID: "i", LocalServiceSocketPath: "/own"},
	}
	definition.FillSidecar(parent, own)
	want(t, own, &catalog.Service{
		ID: "w1-sidecar-proxy", Service: "front", Kind: "mesh-gateway", Port: 5, Address: "10.0.0.2", Tags: []string{"b"}, Meta: map[string]string{"m": "w"},
		Locality: &catalog.Locality{Region: "s"}, Weights: catalog.Weights{Passing: 2},
		Proxy: &catalog.Proxy{DestinationServiceName: "n", DestinationServiceID: "i", LocalServiceSocketPath: "/own"},
	})

	plain := &catalog.Service{}
	definition.FillSidecar(parent, plain)
	want(t, plain.Proxy, &catalog.Proxy{DestinationServiceName: "web", DestinationServiceID: "w1", LocalServiceSocketPath: "/parent"})
	want(t, plain.Weights, definition.DefaultWeights())
	want(t, plain.Locality, parent.Locality)
	plain.Tags[0], plain.Meta["k"] = "changed", "changed"
	if parent.Tags[0] != "a" || parent.Meta["k"] != "v" {
		t.Error("the sidecar's tags and metadata are its parent's own")
	}

	local := &catalog.Service{Proxy: &catalog.Proxy{LocalServiceAddress: "127.0.0.9", LocalServicePort: 7}}
	definition.FillSidecar(&catalog.Service{ID: "w1", Service: "web", Port: 80}, local)
	want(t, local.Proxy, &catalog.Proxy{DestinationServiceName: "web", DestinationServiceID: "w1", LocalServiceAddress: "127.0.0.9", LocalServicePort: 7})
}

func TestWhereASidecarIsKnockedAt(t *testing.T) {
	parent := &catalog.Service{ID: "w1"}
	for want, sidecar := range map[string]*catalog.Service{
		"127.0.0.1:5": {Port: 5}, "127.0.0.9:5": {Port: 5, Proxy: &catalog.Proxy{LocalServiceAddress: "127.0.0.9"}},
		"10.0.0.1:5": {Port: 5, Address: "10.0.0.1", Proxy: &catalog.Proxy{LocalServiceAddress: "127.0.0.9"}}, "[::1]:5": {Port: 5, Address: "::1"},
	} {
		checks := definition.SidecarChecks(parent, sidecar)
		if got := checks[0].Definition.TCP; got != want || checks[0].Interval != "10s" || checks[0].Definition.Interval != 10*time.Second {
			t.Errorf("%q every %s, want %q", got, checks[0].Interval, want)
		}
		if checks[1].Definition.AliasService != "w1" || checks[1].Name != "Connect Sidecar Aliasing w1" {
			t.Errorf("the second check is %+v", checks[1])
		}
	}
}

func TestNanosecondsAreHeldInTheirRange(t *testing.T) {
	const longest = time.Duration(1<<63 - 1)
	for n, want := range map[float64]time.Duration{
		0: 0, 1.9: 1, -1.9: -1, 1e9: time.Second, 1e300: longest, -1e300: -longest - 1, 1 << 63: longest, -(1 << 63): -longest - 1,
	} {
		if got := definition.Nanoseconds(n).Span(); got != want {
			t.Errorf("%g: %d, want %d", n, got, want)
		}
	}
	for text, want := range map[string]time.Duration{`"1m"`: time.Minute, `5`: 5, `-5`: -5, `null`: 7, `true`: 7, `{}`: 7} {
		d := definition.Duration(7)
		if err := d.UnmarshalJSON([]byte(text)); err != nil || d.Span() != want {
			t.Errorf("%s: %s, %v; want %s", text, d.Span(), err, want)
		}
	}
	for _, text := range []string{`"soon"`, `"1m`, `-`, `5x`} {
		d := definition.Duration(7)
		if err := d.UnmarshalJSON([]byte(text)); err == nil || d != 7 {
			t.Errorf("%s: %v, left at %d", text, err, d)
		}
	}
}
