package filter_test

import (
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/filter"
)

var (
	node = &catalog.Node{ID: "40e4a748-2192-161a-0510-9bf59fe950b5", Node: "n1", Address: "10.0.0.1", Datacenter: "dc1",
		TaggedAddresses: map[string]string{"wan": "1.2.3.4"}, Meta: map[string]string{"rack": "7", "x-y": "1"}}
	service = &catalog.Service{Node: "n1", ID: "web-1", Service: "web", Tags: []string{"v1", "Blue"}, Port: 80, Weights: catalog.Weights{Passing: 5, Warning: 1},
		TaggedAddresses: map[string]catalog.ServiceAddress{"lan_ipv4": {Address: "10.0.0.1", Port: 80}}, Meta: map[string]string{"env": "prod"}}
	proxy = &catalog.Service{Node: "n1", ID: "p", Service: "web-proxy", Kind: "connect-proxy", Connect: &catalog.Connect{Native: true},
		Proxy: &catalog.Proxy{DestinationServiceName: "web", MeshGatewayMode: "local", Expose: &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/h", ListenerPort: 1}}},
			TransparentProxy: &catalog.TransparentProxy{OutboundListenerPort: 15001}, Upstreams: []catalog.Upstream{{DestinationName: "db", LocalBindPort: 1234, MeshGatewayMode: "remote"}}}}
	check = &catalog.Check{Node: "n1", CheckID: "c1", Name: "alive", Status: "warning", ServiceID: "web-1", ServiceName: "web", Type: "http", Interval: "10s"}
)

func TestRowsHaveTheFieldsOfTheReference(t *testing.T) {
	matches(t, node, map[string]bool{
		`ID == "40e4a748-2192-161a-0510-9bf59fe950b5" and Node == n1 and Address == "10.0.0.1" and Datacenter == dc1`: true,
		`TaggedAddresses.wan == "1.2.3.4"`: true, `Meta.rack == 7`: true, `Meta["x-y"] == 1`: true, `rack in Meta`: true,
		`Meta.missing == 1`: false, `Meta.missing != 1`: true, `PeerName == "" and Partition == ""`: true,
		`Node matches "(?i)^N"`: true, `not Node == n1 or Meta is empty`: false,
	}, filter.New[filter.Node])
	matches(t, service, map[string]bool{
		`Service == web and ID != web and Port == 80 and Kind == "" and SocketPath == "" and Address == ""`: true,
		`Tags contains v1`: true, `Blue in Tags`: true, `blue in Tags`: false, `Weights.Passing == 5`: true, `EnableTagOverride == false`: true,
		"TaggedAddresses.lan_ipv4.Address == `10.0.0.1` and TaggedAddresses.lan_ipv4.Port == 80": true, `Meta.env == prod`: true,
		`Proxy.DestinationServiceName == web`: false, `Connect.Native == true`: false, `Proxy.Upstreams is empty`: true,
	}, filter.New[filter.Service])
	matches(t, proxy, map[string]bool{
		`Kind == "connect-proxy" and Proxy.DestinationServiceName == web and Connect.Native == true`: true,
		`Proxy.Upstreams.DestinationName == db and Proxy.Upstreams.MeshGateway.Mode == remote`:       true,
		`Proxy.Upstreams.LocalBindPort == 1`:                                                         false, `Proxy.MeshGateway.Mode == local`: true, `Proxy.Expose.Checks == true`: true,
		`Proxy.Expose.Paths.ListenerPort == 1`: true, `Proxy.TransparentProxy.OutboundListenerPort == 15001`: true,
		`Proxy.AccessLogs.Enabled == true`: false, `Proxy.EnvoyExtensions.Name == x`: false,
	}, filter.New[filter.Service])
	matches(t, &catalog.Instance{Node: node, Service: service}, map[string]bool{
		`Node == n1 and NodeMeta.rack == 7 and ServiceName == web and ServiceID == "web-1" and ServicePort == 80`: true,
		`v1 in ServiceTags and ServiceMeta.env == prod and ServiceWeights.Warning == 1`:                           true,
		`ServiceAddress == "10.9.9.9" or ServiceTaggedAddresses.lan_ipv4.Port == 81`:                              false,
		`ServiceProxy.DestinationServiceName == "" and ServiceConnect.Native == false`:                            true,
	}, filter.New[filter.Instance])
	matches(t, check, map[string]bool{
		`Status == warning and CheckID == c1 and Name == alive and ServiceName == web and Type == http and Interval == "10s"`: true,
		`Status == passing`: false, `ServiceTags is empty and Output == "" and ExposedPort == 0`: true,
	}, filter.New[filter.Check])
	matches(t, &catalog.InstanceHealth{Node: node, Service: service, Checks: []*catalog.Check{check, {CheckID: "c2", Status: "passing"}}}, map[string]bool{
		`Node.Meta.rack == 7 and Service.Service == web and Checks.Status == passing and Checks.CheckID == c1`: true,
		`Checks.Status == critical`: false, `Checks is empty`: false,
	}, filter.New[filter.InstanceHealth])
}

func matches[R, E any, P filter.Row[R, E]](t *testing.T, element E, rows map[string]bool, read func(string) (*filter.Filter[R], error)) {
	t.Helper()
	for expression, want := range rows {
		f, err := read(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, err := filter.Matching[R, E, P](t.Context(), f)(element); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", expression, got, err, want)
		}
	}
}

func TestBadExpressionsHaveConsulsTexts(t *testing.T) {
	for expression, want := range map[string]string{
		`Foo == 1`:               `Selector "Foo" is not valid`,
		`ContentHash == x`:       `Selector "ContentHash" is not valid`,
		`Port == abc`:            `Failed to coerce value "abc" for selector "Port": strconv.ParseInt: parsing "abc": invalid syntax`,
		`Tags == red`:            `Invalid match operator "Equal" for selector "Tags"`,
		`Meta.env is empty`:      `Invalid match operator "Is Empty" for selector "Meta.env"`,
		`Port contains 80`:       `Invalid match operator "In" for selector "Port"`,
		`Service`:                `1:8 (7): no match found, expected: "!=", ".", "==", "[", [ \t\r\n] or [a-zA-Z0-9_]`,
		` `:                      `1:2 (1): no match found, expected: "(", "-", "0", "\"", "` + "`" + `", "not", [ \t\r\n], [1-9] or [a-zA-Z]`,
		`(Service == f`:          `1:14 (13): rule "grouping": Unmatched parentheses`,
		`any Tags as x {x == 1}`: ``,
	} {
		_, err := filter.New[filter.Service](expression)
		if err == nil || !strings.HasPrefix(err.Error(), "Failed to create boolean expression evaluator: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want …%s", expression, err, want)
		}
	}
	if err := filter.Validate("Nope == 1"); err != nil {
		t.Errorf("names are of no concern without rows: %v", err)
	}
	if err := filter.Validate("Nope ="); err == nil {
		t.Error("an unfinished expression is whole")
	}
}

func TestExpressionsThatCostTooMuchAreRefusedSoon(t *testing.T) {
	for _, expression := range []string{
		strings.Repeat("(", 40) + "Node == x" + strings.Repeat(")", 40),
		strings.Repeat("(Node == x or ", 30) + "Node == x" + strings.Repeat(")", 30),
		strings.Repeat("(", 1000),
		strings.Repeat("Node == x and ", 4000) + "Node == x",
		strings.Repeat("x in Node or ", 4000) + "x in Node",
	} {
		begin := time.Now()
		for _, err := range []error{second(filter.New[filter.Node](expression)), filter.Validate(expression)} {
			if err == nil || !strings.Contains(err.Error(), "too complex") {
				t.Errorf("%.40s…: %v", expression, err)
			}
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%.40s…: refused after %v", expression, took)
		}
	}
	deep := "((((Node == n1) and Node != x) or Node == y) and not (Node == z))"
	if _, err := filter.New[filter.Node](deep); err != nil {
		t.Errorf("four deep: %v", err)
	}
}

func second[A any](_ A, err error) error { return err }

func TestWeightsThatAreNotGivenAreThoseInForce(t *testing.T) {
	matches(t, &catalog.Service{ID: "w"}, map[string]bool{"Weights.Passing == 1 and Weights.Warning == 1": true}, filter.New[filter.Service])
}

func TestEmptyExpressionKeepsTheVeryList(t *testing.T) {
	list := []*catalog.Node{node}
	kept, err := filter.Keep(t.Context(), first(filter.New[filter.Node]("")), list)
	if err != nil || &kept[0] != &list[0] {
		t.Errorf("%v, %v", kept, err)
	}
	kept, err = filter.Keep(t.Context(), first(filter.New[filter.Node]("Node == x")), list)
	if err != nil || kept == nil || len(kept) != 0 {
		t.Errorf("nothing matches: %v, %v; want an empty list", kept, err)
	}
}

func first[A any](a A, _ error) A { return a }

func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{"", "Node.Node == n1", `Checks.Status != "passing" and not (Service.Tags contains v1)`, "Service.Meta[`a`] matches `(`",
		`1 in Node.Meta`, `Service.Port == 99999999999999999999`, "((((((", `Service.Proxy.Upstreams.LocalBindPort in x`, `"a" in Checks`, "\x00"} {
		f.Add(seed)
	}
	row := &catalog.InstanceHealth{Node: node, Service: proxy, Checks: []*catalog.Check{check}}
	f.Fuzz(func(t *testing.T, expression string) {
		if e, err := filter.New[filter.InstanceHealth](expression); err == nil {
			_, _ = filter.Matching[filter.InstanceHealth, *catalog.InstanceHealth](t.Context(), e)(row)
		}
		if e, err := filter.New[filter.Node](expression); err == nil {
			_, _ = filter.Matching[filter.Node, *catalog.Node](t.Context(), e)(node)
		}
		_ = filter.Validate(expression)
	})
}

func BenchmarkKeepOfThousand(b *testing.B) {
	list := make([]*catalog.InstanceHealth, 1000)
	for i := range list {
		list[i] = &catalog.InstanceHealth{Node: node, Service: service, Checks: []*catalog.Check{check, check}}
	}
	b.ReportAllocs()
	for b.Loop() {
		f, err := filter.New[filter.InstanceHealth](`Checks.Status == passing and v1 in Service.Tags`)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := filter.Keep(b.Context(), f, list); err != nil {
			b.Fatal(err)
		}
	}
}
