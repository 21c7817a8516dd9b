package filter_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/filter"
	"praetor/internal/mesh"
)

// Elements with another value in every field, so that a field that shows another's is found.
var (
	fullNode = &catalog.Node{ID: "f-id", Node: "f-node", Address: "f-address", Datacenter: "f-dc",
		TaggedAddresses: map[string]string{"wan": "f-wan"}, Meta: map[string]string{"rack": "f-rack"}}
	fullService = &catalog.Service{Node: "f-node", Kind: "f-kind", ID: "f-sid", Service: "f-service", Tags: []string{"f-tag", "f-tag2"}, Address: "f-saddress",
		TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "f-lan", Port: 3}}, Meta: map[string]string{"env": "f-env"}, Port: 4, SocketPath: "f-socket",
		Weights: catalog.Weights{Passing: 5, Warning: 6}, EnableTagOverride: true, Connect: &catalog.Connect{Native: true},
		Proxy: &catalog.Proxy{DestinationServiceName: "f-dname", DestinationServiceID: "f-did", LocalServiceAddress: "f-laddress", LocalServicePort: 7, LocalServiceSocketPath: "f-lsocket", Mode: "f-mode",
			MeshGatewayMode: "f-mesh", Expose: &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{ListenerPort: 8, Path: "f-path", LocalPathPort: 9, Protocol: "f-protocol", ParsedFromCheck: true}}},
			TransparentProxy: &catalog.TransparentProxy{OutboundListenerPort: 10, DialedDirectly: true},
			Upstreams: []catalog.Upstream{{DestinationType: "f-utype", DestinationNamespace: "f-uns", DestinationPartition: "f-upart", DestinationPeer: "f-upeer", DestinationName: "f-uname",
				Datacenter: "f-udc", LocalBindAddress: "f-ubind", LocalBindPort: 11, LocalBindSocketPath: "f-usocket", LocalBindSocketMode: "f-umode", MeshGatewayMode: "f-umesh"}}}}
	fullCheck = &catalog.Check{Node: "f-node", CheckID: "f-check", Name: "f-name", Status: "f-status", Notes: "f-notes", Output: "f-output", ServiceID: "f-sid", ServiceName: "f-service",
		ServiceTags: []string{"f-tag"}, Type: "f-type", Interval: "f-interval", Timeout: "f-timeout", ExposedPort: 12}
	fullIntention = &mesh.Intention{Destination: "f-destination", Meta: map[string]string{"k": "f-meta"}, Source: configentry.SourceIntention{
		Name: "f-source", Action: "f-action", Precedence: 9, LegacyID: "f-id", Type: "f-type", Description: "f-description", Peer: "f-peer"}}
)

// The fields of each kind of row as reference/http-api.md §8 lists them, each with what the
// full element has there.
var (
	nodeFields = map[string]string{
		"ID": "f-id", "Node": "f-node", "Address": "f-address", "Datacenter": "f-dc", "PeerName": "", "Partition": "", "TaggedAddresses.wan": "f-wan", "Meta.rack": "f-rack", `Meta["rack"]`: "f-rack",
	}
	proxyFields = map[string]string{
		"DestinationServiceName": "f-dname", "DestinationServiceID": "f-did", "LocalServiceAddress": "f-laddress", "LocalServicePort": "7", "LocalServiceSocketPath": "f-lsocket", "Mode": "f-mode",
		"MeshGateway.Mode": "f-mesh", "Upstreams.DestinationType": "f-utype", "Upstreams.DestinationNamespace": "f-uns", "Upstreams.DestinationPartition": "f-upart", "Upstreams.DestinationPeer": "f-upeer",
		"Upstreams.DestinationName": "f-uname", "Upstreams.Datacenter": "f-udc", "Upstreams.LocalBindAddress": "f-ubind", "Upstreams.LocalBindPort": "11", "Upstreams.LocalBindSocketPath": "f-usocket",
		"Upstreams.LocalBindSocketMode": "f-umode", "Upstreams.MeshGateway.Mode": "f-umesh", "Expose.Checks": "true", "Expose.Paths.ListenerPort": "8", "Expose.Paths.Path": "f-path",
		"Expose.Paths.LocalPathPort": "9", "Expose.Paths.Protocol": "f-protocol", "Expose.Paths.ParsedFromCheck": "true", "TransparentProxy.OutboundListenerPort": "10", "TransparentProxy.DialedDirectly": "true",
		"AccessLogs.Enabled": "false",
	}
	serviceFields = map[string]string{
		"Kind": "f-kind", "ID": "f-sid", "Service": "f-service", "Address": "f-saddress", "TaggedAddresses.lan.Address": "f-lan", "TaggedAddresses.lan.Port": "3", "Meta.env": "f-env", "Port": "4",
		"SocketPath": "f-socket", "Weights.Passing": "5", "Weights.Warning": "6", "EnableTagOverride": "true", "Connect.Native": "true", "PeerName": "",
	}
	instanceFields = map[string]string{
		"ID": "f-id", "Node": "f-node", "Address": "f-address", "Datacenter": "f-dc", "PeerName": "", "TaggedAddresses.wan": "f-wan", "NodeMeta.rack": "f-rack", "ServiceKind": "f-kind", "ServiceID": "f-sid",
		"ServiceName": "f-service", "ServiceAddress": "f-saddress", "ServiceTaggedAddresses.lan.Address": "f-lan", "ServiceTaggedAddresses.lan.Port": "3", "ServiceMeta.env": "f-env", "ServicePort": "4",
		"ServiceSocketPath": "f-socket", "ServiceWeights.Passing": "5", "ServiceWeights.Warning": "6", "ServiceEnableTagOverride": "true", "ServiceConnect.Native": "true",
	}
	checkFields = map[string]string{
		"Node": "f-node", "CheckID": "f-check", "Name": "f-name", "Status": "f-status", "Notes": "f-notes", "Output": "f-output", "ServiceID": "f-sid", "ServiceName": "f-service", "Type": "f-type",
		"Interval": "f-interval", "Timeout": "f-timeout", "ExposedPort": "12", "PeerName": "",
	}
	intentionFields = map[string]string{
		"ID": "f-id", "Description": "f-description", "SourcePeer": "f-peer", "SourcePartition": "", "SourceSamenessGroup": "", "SourceNS": "default", "SourceName": "f-source", "DestinationPartition": "",
		"DestinationNS": "default", "DestinationName": "f-destination", "SourceType": "f-type", "Action": "f-action", "Precedence": "9", "Meta.k": "f-meta",
	}
)

// below puts the fields of a part below its name.
func below(name string, parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, fields := range parts {
		for field, value := range fields {
			all[name+field] = value
		}
	}
	return all
}

// TestEveryFieldOfTheReferenceShowsItsOwn asks for each field by itself.
func TestEveryFieldOfTheReferenceShowsItsOwn(t *testing.T) {
	showsItsOwn(t, fullNode, nodeFields, filter.New[filter.Node])
	showsItsOwn(t, fullService, below("", serviceFields, below("Proxy.", proxyFields)), filter.New[filter.Service])
	showsItsOwn(t, &catalog.Instance{Node: fullNode, Service: fullService}, below("", instanceFields, below("ServiceProxy.", proxyFields)), filter.New[filter.Instance])
	showsItsOwn(t, fullCheck, checkFields, filter.New[filter.Check])
	showsItsOwn(t, fullIntention, intentionFields, filter.New[filter.Intention])
	showsItsOwn(t, &catalog.InstanceHealth{Node: fullNode, Service: fullService, Checks: []*catalog.Check{fullCheck}},
		below("", below("Node.", nodeFields), below("Service.", serviceFields, below("Proxy.", proxyFields)), below("Checks.", checkFields)), filter.New[filter.InstanceHealth])
	shown := maps.Clone(nodeFields)
	delete(shown, "Datacenter")
	showsItsOwn(t, &catalog.NodeDetail{Node: fullNode, Services: []*catalog.Service{fullService}, Checks: []*catalog.Check{fullCheck}},
		below("", shown, below("Services.", serviceFields), below("Checks.", checkFields)), filter.New[filter.NodeDump])
	showsItsOwn(t, catalog.ExportedService{Service: "f-service", Peers: []string{"f-peer"}}, map[string]string{"Service": "f-service"}, filter.New[filter.Exported])
	for expression, want := range map[string]bool{`Consumers.Peers contains "f-peer"`: true, `Consumers.Peers contains "f-service"`: false} {
		matches(t, catalog.ExportedService{Service: "f-service", Peers: []string{"f-peer"}}, map[string]bool{expression: want}, filter.New[filter.Exported])
	}
}

func showsItsOwn[R, E any, P filter.Row[R, E]](t *testing.T, element E, fields map[string]string, read func(string) (*filter.Filter[R], error)) {
	t.Helper()
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		value := fields[field]
		other := value + "1" // neither another field's nor empty, of the same type
		if value == "true" {
			other = "false"
		} else if value == "false" {
			other = "true"
		}
		matches[R, E, P](t, element, map[string]bool{
			fmt.Sprintf("%s == %q", field, value): true, fmt.Sprintf("%s != %q", field, value): false,
			fmt.Sprintf("%s == %q", field, other): false, fmt.Sprintf("%s != %q", field, other): true,
		}, read)
	}
}

// TestWhatCannotBeNamed: what the reference does not list is no selector, whoever has it.
func TestWhatCannotBeNamed(t *testing.T) {
	refuses := func(err error, field string) {
		t.Helper()
		if want := filter.Prefix + fmt.Sprintf("Selector %q is not valid", field); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", field, err, want)
		}
	}
	for _, field := range []string{"CreateIndex", "ModifyIndex", "Locality", "node", "Node.ID"} {
		refuses(second(filter.New[filter.Node](field+" == 1")), field)
	}
	for _, field := range []string{"Datacenter", "ContentHash", "Locality", "CreateIndex", "Proxy.Config", "Proxy.Upstreams.Config", "port"} {
		refuses(second(filter.New[filter.Service](field+" == 1")), field)
	}
	for _, field := range []string{"Definition", "CreateIndex", "status"} {
		refuses(second(filter.New[filter.Check](field+" == 1")), field)
	}
	for _, field := range []string{"Service.Checks", "Status", "Datacenter"} {
		refuses(second(filter.New[filter.InstanceHealth](field+" == 1")), field)
	}
	for _, field := range []string{"Permissions", "CreatedAt", "JWT"} {
		refuses(second(filter.New[filter.Intention](field+" == 1")), field)
	}
}

// TestGrammar is the table of forms of reference/http-api.md §8.
func TestGrammar(t *testing.T) {
	two := []*catalog.Check{{CheckID: "a", Status: "passing", ServiceTags: []string{"x"}}, {CheckID: "b", Status: "warning"}}
	matches(t, &catalog.InstanceHealth{Node: fullNode, Service: fullService, Checks: two}, map[string]bool{
		// or binds less than and, and that less than not
		`Node.ID == x and Node.ID == y or Node.Node == "f-node"`:      true,
		`Node.Node == "f-node" or Node.ID == x and Node.ID == y`:      true,
		`(Node.Node == "f-node" or Node.ID == x) and Node.ID == y`:    false,
		`not Node.ID == x and Node.Node == "f-node"`:                  true,
		`not (Node.ID == x or Node.Node == "f-node")`:                 false,
		`not not Node.Node == "f-node"`:                               true,
		`not Node.Node == x and not Node.Node == y or Node.Node == z`: true,
		// a list of structs: any of them
		`Checks.Status == warning`: true, `Checks.Status == passing and Checks.Status == warning`: true,
		`Checks.Status == critical`: false, `Checks.ServiceTags contains x`: true,
		// membership of a list, keys of a map, a part of a text
		`"f-tag" in Service.Tags`: true, `"f-ta" in Service.Tags`: false, `Service.Tags not contains "f-tag"`: false, `"nope" not in Service.Tags`: true,
		`rack in Node.Meta`: true, `Node.Meta contains row`: false, `row not in Node.Meta`: true, `Node.Meta not contains rack`: false,
		`"-nod" in Node.Node`: true, `Node.Node contains "f-node"`: true, `Node.Node contains "F-node"`: false, `Node.Node not contains "-nod"`: false,
		// emptiness
		`Service.Tags is empty`: false, `Service.Tags is not empty`: true, `Node.Meta is not empty`: true, `Checks is empty`: false,
		// patterns look anywhere in a text
		`Node.Node matches "od"`: true, `Node.Node matches "^od"`: false, "Node.Node matches `^f-[a-z]{4}$`": true, `Node.Node not matches "od"`: false, `Node.Node not matches "^od"`: true,
		// a key that is not there
		`Node.Meta.nope == x`: false, `x in Node.Meta.nope`: false, `Node.Meta.nope contains x`: false, `Node.Meta.nope != x`: true, `x not in Node.Meta.nope`: true, `Node.Meta.nope not contains x`: true,
		`Node.Meta.nope matches x`: true, `Node.Meta.nope not matches x`: true,
		// values
		`Service.Port == 4`: true, `Service.Port == "4"`: true, "Service.Port == `4`": true, `Service.Port != 4`: false, `Service.Port == -4`: false, `Service.EnableTagOverride == true`: true,
		`Service.EnableTagOverride != false`: true, "Node.Node == `f-node`": true, ` Node.ID   ==   "f-id" `: true,
	}, filter.New[filter.InstanceHealth])
	for expression, want := range map[string]string{
		`Node.Node == _x`:                    "no match found",
		`any Checks as c { c == 1 }`:         "no match found",
		`Service.Port < 5`:                   "no match found",
		`Service.Port > 5`:                   "no match found",
		`Node.Node == "x`:                    "Unterminated string literal",
		`Node.Node == x y`:                   "no match found",
		`Node.Meta["x == 1`:                  "Unterminated string literal",
		`Node.Meta[x] == 1`:                  "Invalid index",
		`Service.EnableTagOverride == maybe`: `Failed to coerce value "maybe" for selector "Service.EnableTagOverride": strconv.ParseBool: parsing "maybe": invalid syntax`,
		`Checks == x`:                        `Invalid match operator "Equal" for selector "Checks"`,
		`Service.Port matches "8"`:           `Invalid match operator "Matches" for selector "Service.Port"`,
		`Service.Port is empty`:              `Invalid match operator "Is Empty" for selector "Service.Port"`,
		`Node.Meta.a is not empty`:           `Invalid match operator "Is Not Empty" for selector "Node.Meta.a"`,
		`Service.Tags matches x`:             `Invalid match operator "Matches" for selector "Service.Tags"`,
		`Node.Node not matches "["`:          `Failed to compile regular expression "[": error parsing regexp: missing closing ]: ` + "`[`",
		`Node.Node == x and`:                 "no match found",
		`and Node.Node == x`:                 "no match found",
		`Node..Node == x`:                    "no match found",
	} {
		_, err := filter.New[filter.InstanceHealth](expression)
		if err == nil || !strings.HasPrefix(err.Error(), filter.Prefix) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", expression, err, want)
		}
	}
}

// TestRowsAreOfTheirElementAlone: a filter has one row, in which nothing of the element before
// may be left.
func TestRowsAreOfTheirElementAlone(t *testing.T) {
	full := &catalog.InstanceHealth{Node: fullNode, Service: fullService, Checks: []*catalog.Check{fullCheck, fullCheck}}
	bare := &catalog.InstanceHealth{Node: &catalog.Node{Node: "bare"}, Service: &catalog.Service{ID: "bare"}, Checks: []*catalog.Check{{CheckID: "bare"}}}
	for field, value := range below("", below("Node.", nodeFields), below("Service.", serviceFields, below("Proxy.", proxyFields)), below("Checks.", checkFields)) {
		if value == "" || value == "false" {
			continue
		}
		f, err := filter.New[filter.InstanceHealth](fmt.Sprintf("%s == %q", field, value))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := filter.Keep(t.Context(), f, []*catalog.InstanceHealth{full, bare, full, bare})
		if err != nil || !slices.Equal(kept, []*catalog.InstanceHealth{full, full}) {
			t.Errorf("%s == %q keeps %d of two, %v", field, value, len(kept), err)
		}
	}
	matches(t, &catalog.InstanceHealth{Service: &catalog.Service{}}, map[string]bool{`Node.Node == ""`: true, `Checks is empty`: true}, filter.New[filter.InstanceHealth])
}

func TestMapsAreFilteredByTheirElements(t *testing.T) {
	all := map[string]*catalog.Service{"a": {ID: "1", Service: "web"}, "b": {ID: "2", Service: "db"}, "c": {ID: "3", Service: "web"}}
	for expression, want := range map[string][]string{"": {"a", "b", "c"}, "Service == web": {"a", "c"}, "ID == 2": {"b"}, "Service == nope": nil} {
		f, err := filter.New[filter.Service](expression)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := filter.KeepMap(t.Context(), f, all)
		if got := slices.Sorted(maps.Keys(kept)); err != nil || !slices.Equal(got, want) || kept == nil {
			t.Errorf("%s: %v, %v, want %v", expression, got, err, want)
		}
	}
	f, err := filter.New[filter.Service]("Service == web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filter.KeepMap(&cut{t.Context(), 0}, f, all); err == nil {
		t.Error("its caller has gone, and it goes on")
	}
}

// entries makes rows of the catalog of config entries.
func entries(t *testing.T, list ...configentry.Entry) (rows []*catalog.ConfigEntry) {
	t.Helper()
	for _, e := range list {
		row, err := catalog.NewConfigEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestConfigEntriesAreFilteredByTheMembersOfTheirKind(t *testing.T) {
	entry := func(text string) configentry.Entry {
		e, err := configentry.DecodeJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	defaults := []configentry.Entry{
		entry(`{"Kind": "service-defaults", "Name": "web", "Protocol": "http", "MaxInboundConnections": 7, "Meta": {"team": "a"}, "MeshGateway": {"Mode": "local"}}`),
		entry(`{"Kind": "service-defaults", "Name": "db", "Protocol": "tcp", "UpstreamConfig": {"Overrides": [{"Name": "cache", "ConnectTimeoutMs": 5}]}}`),
	}
	for expression, want := range map[string]string{
		"":                             "web db",
		`Protocol == http`:             "web",
		`Protocol != http`:             "db",
		`Name == db or Meta.team == a`: "web db",
		`Kind == "service-defaults" and Name contains "e"`: "web",
		`MaxInboundConnections == 7`:                       "web",
		`MeshGateway.Mode == local`:                        "web",
		`Protocol matches "^t"`:                            "db",
		`UpstreamConfig.Overrides.Name == cache`:           "db",
		`Meta is empty`:                                    "db",
		`UpstreamConfig.Defaults.ConnectTimeoutMs == 5`:    "",
		`UpstreamConfig.Defaults.ConnectTimeoutMs == 0`:    "web db",
		`MaxRequestHeadersKB == 3`:                         "",
		`MaxRequestHeadersKB != 3`:                         "web db",
		`Destination.Port == 443 or Protocol == tcp`:       "db",
		`Name == nope`:                                     "",
	} {
		c, err := filter.NewConfig(defaults[0], expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		kept, err := c.Keep(t.Context(), entries(t, defaults...))
		names := []string{}
		for _, e := range kept {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want || kept == nil {
			t.Errorf("%s: %s, %v, want %s", expression, got, err, want)
		}
	}
	resolver := entry(`{"Kind": "service-resolver", "Name": "web", "Failover": {"v1": {"Service": "spare"}, "v2": {"Policy": {"Mode": "order-by-locality"}}}}`)
	for expression, want := range map[string]int{
		`Failover.v1.Service == spare`:                     1,
		`Failover.v2.Policy.Mode == "order-by-locality"`:   1,
		`Failover.v1.Policy.Mode == "order-by-locality"`:   0,
		`Failover.v1.Policy.Mode == ""`:                    1,
		`Failover.v3.Policy.Mode == "order-by-locality"`:   0,
		`LoadBalancer.RingHashConfig.MinimumRingSize == 5`: 0,
	} {
		c, err := filter.NewConfig(resolver, expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if kept, err := c.Keep(t.Context(), entries(t, resolver)); err != nil || len(kept) != want {
			t.Errorf("%s: keeps %d, %v, want %d", expression, len(kept), err, want)
		}
	}
	for expression, want := range map[string]string{
		`Header.Name == web`:                    `Selector "Header" is not valid`,
		`Listeners is empty`:                    `Selector "Listeners" is not valid`,
		`Protocol == `:                          "no match found",
		`Protocol matches "("`:                  "Failed to compile regular expression",
		`Protocol matches "` + wide(4000) + `"`: "at most 2000 are allowed",
	} {
		if _, err := filter.NewConfig(defaults[0], expression); err == nil || !strings.HasPrefix(err.Error(), filter.Prefix) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want …%s", expression, err, want)
		}
	}
}

// TestConfigEntriesCostWhatTheySay: the bounds of filters hold for them, too.
func TestConfigEntriesCostWhatTheySay(t *testing.T) {
	long := &configentry.ServiceDefaults{Header: configentry.Header{Name: strings.Repeat("a", 20_000)}, Protocol: "http"}
	for name, row := range map[string]struct {
		expression string
		looks      int
		want       string
	}{
		"a text too long": {`Name matches "` + wide(1990) + `"`, 10, "filter: a text is too long for the regular expression: it may take 3"},
		"a caller gone":   {`Protocol == http`, 0, "context canceled"},
	} {
		c, err := filter.NewConfig(long, row.expression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Keep(&cut{t.Context(), row.looks}, entries(t, long)); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s…", name, err, row.want)
		}
	}
}

// TestCostIsCountedWhereverTheTextStands: a selector may lead through pointers, lists and maps.
func TestCostIsCountedWhereverTheTextStands(t *testing.T) {
	text := strings.Repeat("a", 20_000)
	full := func(change func(*catalog.InstanceHealth)) *catalog.InstanceHealth {
		i := &catalog.InstanceHealth{Node: &catalog.Node{Meta: map[string]string{}}, Service: &catalog.Service{Proxy: &catalog.Proxy{Upstreams: []catalog.Upstream{{}, {}}}}, Checks: []*catalog.Check{{}, {}}}
		change(i)
		return i
	}
	for selector, element := range map[string]*catalog.InstanceHealth{
		"Node.Node":     full(func(i *catalog.InstanceHealth) { i.Node.Node = text }),
		"Node.Meta.a":   full(func(i *catalog.InstanceHealth) { i.Node.Meta["a"] = text }),
		"Checks.Output": full(func(i *catalog.InstanceHealth) { i.Checks[0].Output, i.Checks[1].Output = text[:10_000], text[:10_000] }),
		"Service.Proxy.Upstreams.DestinationName": full(func(i *catalog.InstanceHealth) { i.Service.Proxy.Upstreams[1].DestinationName = text }),
		"Service.TaggedAddresses.lan.Address": full(func(i *catalog.InstanceHealth) {
			i.Service.TaggedAddresses = map[string]catalog.ServiceAddress{"lan": {Address: text}}
		}),
	} {
		f, err := filter.New[filter.InstanceHealth](selector + ` matches "` + wide(1990) + `"`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filter.Keep(t.Context(), f, []*catalog.InstanceHealth{element}); err == nil || !strings.Contains(err.Error(), "a text is too long for the regular expression") {
			t.Errorf("%s: %v", selector, err)
		}
		if _, err := filter.Keep(t.Context(), f, []*catalog.InstanceHealth{full(func(*catalog.InstanceHealth) {})}); err != nil {
			t.Errorf("%s without the text: %v", selector, err)
		}
	}
	// "contains" costs a step for each byte.
	f, err := filter.New[filter.Check](`x in Output or Name matches "a"`)
	if err != nil {
		t.Fatal(err)
	}
	for bytes, refused := range map[int]bool{19_000_000: false, 20_000_001: true} {
		if _, err := filter.Keep(t.Context(), f, []*catalog.Check{{Output: strings.Repeat("a", bytes)}}); (err != nil) != refused {
			t.Errorf("contains, in %d bytes: %v", bytes, err)
		}
	}
}

// TestEveryRowHasItsFieldsInTheReference: what is added to a row can be asked for by users, and
// stays; so it is listed above.
func TestEveryRowHasItsFieldsInTheReference(t *testing.T) {
	listed := func(name string, row any, lists ...map[string]string) {
		names := map[string]bool{}
		for _, fields := range lists {
			for field := range fields {
				first, _, _ := strings.Cut(field, ".")
				first, _, _ = strings.Cut(first, "[")
				names[first] = true
			}
		}
		for i := range reflect.TypeOf(row).NumField() {
			if f := reflect.TypeOf(row).Field(i); !names[f.Name] && f.Type.Kind() != reflect.Slice && f.Name != "Proxy" && f.Name != "ServiceProxy" {
				t.Errorf("%s.%s is not in its table", name, f.Name)
			}
		}
	}
	listed("Node", filter.Node{}, nodeFields)
	listed("Service", filter.Service{}, serviceFields)
	listed("Instance", filter.Instance{}, instanceFields)
	listed("Check", filter.Check{}, checkFields)
	listed("Intention", filter.Intention{}, intentionFields)
	listed("Proxy", filter.Proxy{}, proxyFields)
}

// TestExpressionsAboutWhatEntriesDoNotHave asks of an empty entry of every kind for every one of
// its members, and theirs: what is not there matches nothing but what asks for emptiness.
func TestExpressionsAboutWhatEntriesDoNotHave(t *testing.T) {
	asked := 0
	var ask func(of configentry.Entry, row []*catalog.ConfigEntry, path string, typ reflect.Type)
	ask = func(of configentry.Entry, row []*catalog.ConfigEntry, path string, typ reflect.Type) {
		if strings.Count(path, ".") > 8 {
			t.Fatalf("%s.%s goes on and on: fillIn would not end", configentry.KindOf(of), path)
		}
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		expression, want := "", 0
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				switch f := typ.Field(i); {
				case f.Anonymous:
					ask(of, row, path, f.Type)
				case f.IsExported() && typ.String() != "time.Time":
					ask(of, row, strings.TrimPrefix(path+"."+f.Name, "."), f.Type)
				}
			}
			return
		case reflect.String:
			expression = path + ` == "not there"`
		case reflect.Bool:
			expression = path + ` == true`
		case reflect.Map:
			expression = path + ` is not empty`
		case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float32:
			expression = path + ` == 12345`
		default:
			return
		}
		c, err := filter.NewConfig(of, expression)
		if err != nil {
			return // no selector: what is spelled otherwise in an expression
		}
		asked++
		if kept, err := c.Keep(t.Context(), row); err != nil || len(kept) != want {
			t.Errorf("%s: %s keeps %d, %v", configentry.KindOf(of), expression, len(kept), err)
		}
	}
	for _, kind := range configentry.Kinds() {
		e, err := configentry.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		ask(e, entries(t, e), "", reflect.TypeOf(e).Elem())
	}
	if asked < 200 {
		t.Errorf("only %d members were asked for", asked)
	}
}
