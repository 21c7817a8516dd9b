package definition_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"praetor/catalog"
	"praetor/internal/definition"
)

func TestMetaRefusalsNameThePair(t *testing.T) {
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint("k", i)] = ""
	}
	for name, c := range map[string]struct {
		meta map[string]string
		want string
	}{
		"nil":          {nil, ""},
		"good":         {map[string]string{"a_b-C9": "v"}, ""},
		"longest":      {map[string]string{strings.Repeat("k", 128): strings.Repeat("v", 512)}, ""},
		"blank":        {map[string]string{"": "1"}, "Couldn't load metadata pair ('', '1'): Key cannot be blank"},
		"space":        {map[string]string{"a b": "1"}, "Couldn't load metadata pair ('a b', '1'): Key contains invalid characters"},
		"reserved":     {map[string]string{"consul-x": "1"}, "Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use"},
		"long key":     {map[string]string{strings.Repeat("k", 129): "v"}, "Couldn't load metadata pair ('" + strings.Repeat("k", 129) + "', 'v'): Key is too long (limit: 128 characters)"},
		"long value":   {map[string]string{"k": strings.Repeat("v", 513)}, "Couldn't load metadata pair ('k', '" + strings.Repeat("v", 513) + "'): Value is too long (limit: 512 characters)"},
		"too many":     {many, "Node metadata cannot contain more than 64 key/value pairs"},
		"first by key": {map[string]string{"b b": "1", "a a": "1"}, "Couldn't load metadata pair ('a a', '1'): Key contains invalid characters"},
	} {
		t.Run(name, func(t *testing.T) { wantText(t, definition.ValidateMeta(c.meta), c.want) })
	}
}

func TestWeightRefusals(t *testing.T) {
	for _, c := range []struct {
		weights catalog.Weights
		want    string
	}{
		{definition.DefaultWeights(), ""},
		{catalog.Weights{Passing: 65535}, ""},
		{catalog.Weights{}, "Passing must be greater than 0"},
		{catalog.Weights{Passing: 1, Warning: -1}, "Warning must be greater or equal than 0"},
		{catalog.Weights{Passing: 65536}, "DNS Weight must be between 0 and 65535"},
		{catalog.Weights{Passing: 1, Warning: 65536}, "DNS Weight must be between 0 and 65535"},
	} {
		t.Run(fmt.Sprint(c.weights), func(t *testing.T) { wantText(t, definition.ValidateWeights(c.weights), c.want) })
	}
}

func TestCheckRefusals(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		def  catalog.CheckDefinition
		want string
	}{
		"ttl":                  {catalog.CheckDefinition{TTL: s}, ""},
		"http":                 {catalog.CheckDefinition{HTTP: "http://x", Interval: s}, ""},
		"alias":                {catalog.CheckDefinition{AliasService: "x"}, ""},
		"alias with interval":  {catalog.CheckDefinition{AliasNode: "x", Interval: s}, ""},
		"both":                 {catalog.CheckDefinition{TTL: s, Interval: s}, "Interval and TTL cannot both be specified"},
		"no interval":          {catalog.CheckDefinition{TCP: "x:1"}, "Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks"},
		"alias and tcp":        {catalog.CheckDefinition{TCP: "x:1", Interval: s, AliasService: "x"}, "Interval cannot be set for Alias checks"},
		"alias and ttl":        {catalog.CheckDefinition{TTL: s, AliasService: "x"}, "TTL must be not be set for Alias checks"},
		"nothing":              {catalog.CheckDefinition{}, "TTL must be > 0 for TTL checks"},
		"only an interval":     {catalog.CheckDefinition{Interval: s}, "TTL must be > 0 for TTL checks"},
		"output":               {catalog.CheckDefinition{TTL: s, OutputMaxSize: -1}, "MaxOutputMaxSize must be positive"},
		"warns after critical": {catalog.CheckDefinition{TTL: s, FailuresBeforeWarning: 2, FailuresBeforeCritical: 1}, "FailuresBeforeWarning can't be higher than FailuresBeforeCritical"},
	} {
		t.Run(name, func(t *testing.T) {
			wantText(t, definition.ValidateCheck(&catalog.Check{Definition: c.def}), c.want)
		})
	}
}

func TestWarningDefaultsToCritical(t *testing.T) {
	for _, c := range []struct{ warning, critical, want int }{{0, 0, 0}, {0, 3, 3}, {1, 3, 1}} {
		check := &catalog.Check{Definition: catalog.CheckDefinition{FailuresBeforeWarning: c.warning, FailuresBeforeCritical: c.critical}}
		definition.FillThresholds(check)
		want(t, check.Definition.FailuresBeforeWarning, c.want)
	}
}

// TestTheFirstKindInConsulsOrderWins: that of running them, which is what is shown, too.
func TestTheFirstKindInConsulsOrderWins(t *testing.T) {
	d := catalog.CheckDefinition{
		GRPC: "x", HTTP: "x", TTL: 1, TCP: "x", UDP: "x", AliasNode: "x",
		DockerContainerID: "x", ScriptArgs: []string{"x"}, H2PING: "x", OSService: "x",
	}
	drop := map[string]func(){
		"grpc": func() { d.GRPC = "" }, "http": func() { d.HTTP = "" }, "ttl": func() { d.TTL = 0 },
		"tcp": func() { d.TCP = "" }, "udp": func() { d.UDP = "" }, "alias": func() { d.AliasNode = "" },
		"docker": func() { d.DockerContainerID = "" }, "script": func() { d.ScriptArgs = nil },
		"h2ping": func() { d.H2PING = "" }, "os_service": func() { d.OSService = "" },
	}
	for _, kind := range []string{"ttl", "http", "tcp", "udp", "grpc", "docker", "os_service", "script", "h2ping", "alias"} {
		want(t, definition.CheckType(&catalog.Check{Definition: d}), kind)
		drop[kind]()
	}
	want(t, definition.CheckType(&catalog.Check{Definition: d}), "")
}

func TestAttachedChecksGetIDsNamesAndTheService(t *testing.T) {
	svc := &catalog.Service{ID: "w1", Service: "web", Tags: []string{"a"}}
	ttl := func() *catalog.Check {
		return &catalog.Check{Definition: catalog.CheckDefinition{TTL: time.Hour}}
	}
	one := []*catalog.Check{ttl()}
	definition.AttachChecks(svc, one)
	want(t, one[0], &catalog.Check{
		CheckID: "service:w1", Name: "Service 'web' check", Status: catalog.Critical, Type: "ttl",
		ServiceID: "w1", ServiceName: "web", ServiceTags: []string{"a"},
		Definition: catalog.CheckDefinition{TTL: time.Hour},
	})

	two := []*catalog.Check{{CheckID: "own", Name: "n", Status: catalog.Passing}, ttl()}
	definition.AttachChecks(svc, two)
	want(t, two[0].CheckID, "own")
	want(t, two[0].Name, "n")
	want(t, two[0].Status, catalog.Passing)
	want(t, two[1].CheckID, "service:w1:2")
}

func TestProxyRefusalsComeTogether(t *testing.T) {
	up := func(u catalog.Upstream) catalog.Service {
		return catalog.Service{Kind: "connect-proxy", Port: 1, Proxy: &catalog.Proxy{
			DestinationServiceName: "web", Upstreams: []catalog.Upstream{u},
		}}
	}
	for name, c := range map[string]struct {
		service catalog.Service
		want    string
	}{
		"plain": {catalog.Service{}, ""},
		"proxy": {up(catalog.Upstream{DestinationName: "db", LocalBindPort: 1}), ""},
		"empty proxy": {catalog.Service{Kind: "connect-proxy"}, "2 errors occurred:\n" +
			"\t* Port or SocketPath must be set for a connect-proxy\n" +
			"\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n"},
		"wildcard": {catalog.Service{Kind: "connect-proxy", Port: 1, Proxy: &catalog.Proxy{DestinationServiceName: "*"}},
			one("Proxy.DestinationServiceName must not be a wildcard for Connect proxy services")},
		"native": {catalog.Service{Kind: "connect-proxy", Port: 1, Connect: &catalog.Connect{Native: true}, Proxy: &catalog.Proxy{DestinationServiceName: "x"}},
			one("A Proxy cannot also be Connect Native, only typical services")},
		"unbound upstream": {up(catalog.Upstream{DestinationName: "db"}),
			one("upstream local bind port or local socket path must be defined and nonzero")},
		"unnamed upstream": {up(catalog.Upstream{LocalBindPort: 1}), one("upstream destination name cannot be empty")},
		"socket mode": {up(catalog.Upstream{DestinationName: "db", LocalBindSocketPath: "/s", LocalBindSocketMode: "9"}),
			one(`upstream local bind socket mode is not octal: "9"`)},
		"native without port":   {catalog.Service{Connect: &catalog.Connect{Native: true}}, one("Port or SocketPath must be set for a Connect native service.")},
		"native with a socket":  {catalog.Service{Connect: &catalog.Connect{Native: true}, SocketPath: "/s"}, ""},
		"native gateway":        {catalog.Service{Kind: "mesh-gateway", Port: 1, Connect: &catalog.Connect{Native: true}}, ""},
		"the locality is first": {catalog.Service{Kind: "mesh-gateway", Locality: &catalog.Locality{Zone: "z"}}, "2 errors occurred:\n\t* zone cannot be set without region\n\t* Port must be non-zero for a mesh-gateway\n\n"},
		"zone alone":            {catalog.Service{Locality: &catalog.Locality{Zone: "z"}}, one("zone cannot be set without region")},
		"mesh gateway":          {catalog.Service{Kind: "mesh-gateway"}, one("Port must be non-zero for a mesh-gateway")},
		"ingress":               {catalog.Service{Kind: "ingress-gateway"}, ""},
		"gateway with destination": {catalog.Service{Kind: "api-gateway", Proxy: &catalog.Proxy{DestinationServiceName: "x"}},
			one("The Proxy.DestinationServiceName configuration is invalid for a api-gateway")},
	} {
		t.Run(name, func(t *testing.T) { wantText(t, definition.ValidateService(&c.service), c.want) })
	}
}

func TestTaggedAddressesKeepTheirFamily(t *testing.T) {
	tagged := func(tag, address string) map[string]catalog.ServiceAddress {
		return map[string]catalog.ServiceAddress{tag: {Address: address}}
	}
	wantText(t, definition.ValidateTaggedAddresses(tagged("lan_ipv4", "::1")), `Service tagged address "lan_ipv4" must be a valid ipv4 address`)
	wantText(t, definition.ValidateTaggedAddresses(tagged("lan_ipv6", "1.1.1.1")), `Service tagged address "lan_ipv6" must be a valid ipv6 address`)
	wantText(t, definition.ValidateTaggedAddresses(tagged("wan_ipv6", "1.1.1.1")), "")
	wantText(t, definition.ValidateTaggedAddresses(tagged("lan", "host.name")), "")
}

func TestAnIPAddressIsTaggedWithItsFamily(t *testing.T) {
	shared := map[string]catalog.ServiceAddress{"wan": {Address: "9.9.9.9", Port: 9}}
	svc := &catalog.Service{Address: "10.0.0.5", Port: 8, TaggedAddresses: shared}
	definition.AutoTaggedAddresses(svc)
	want(t, svc.TaggedAddresses, map[string]catalog.ServiceAddress{
		"wan":      {Address: "9.9.9.9", Port: 9},
		"lan_ipv4": {Address: "10.0.0.5", Port: 8},
		"wan_ipv4": {Address: "10.0.0.5", Port: 8},
	})
	want(t, len(shared), 1)

	svc = &catalog.Service{Address: "2001:db8::1", TaggedAddresses: map[string]catalog.ServiceAddress{"lan_ipv6": {Address: "::1"}}}
	definition.AutoTaggedAddresses(svc)
	want(t, svc.TaggedAddresses["lan_ipv6"].Address, "::1")
	want(t, svc.TaggedAddresses["wan_ipv6"].Address, "2001:db8::1")

	svc = &catalog.Service{Address: "host.name"}
	definition.AutoTaggedAddresses(svc)
	want(t, svc.TaggedAddresses, nil)
}

func TestSidecarInheritsFromItsParent(t *testing.T) {
	parent := &catalog.Service{ID: "w1", Service: "web", Port: 80, Tags: []string{"a"}, Meta: map[string]string{"k": "v"}}
	sidecar := &catalog.Service{}
	definition.FillSidecar(parent, sidecar)
	sidecar.Port = 21000
	want(t, sidecar, &catalog.Service{
		ID: "w1-sidecar-proxy", Service: "web-sidecar-proxy", Kind: "connect-proxy", Port: 21000,
		Tags: []string{"a"}, Meta: map[string]string{"k": "v"}, Weights: definition.DefaultWeights(),
		Proxy: &catalog.Proxy{DestinationServiceName: "web", DestinationServiceID: "w1", LocalServiceAddress: "127.0.0.1", LocalServicePort: 80},
	})

	checks := definition.SidecarChecks(parent, sidecar)
	definition.AttachChecks(sidecar, checks)
	want(t, checks[0].Definition.TCP, "127.0.0.1:21000")
	want(t, checks[0].CheckID, "service:w1-sidecar-proxy:1")
	want(t, checks[1].Type, "alias")
	for _, c := range checks {
		wantText(t, definition.ValidateCheck(c), "")
	}
	wantText(t, definition.ValidateService(sidecar), "")
}

func one(text string) string { return "1 error occurred:\n\t* " + text + "\n\n" }

func wantText(t *testing.T, err error, text string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	want(t, got, text)
}

func want[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}
