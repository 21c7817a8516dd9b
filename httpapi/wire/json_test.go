package wire_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
)

// The mirrors are what encoding/json makes of the shapes of
// reference/http-catalog-health.md §1 and http-agent.md §1.

type nodeMirror struct {
	ID, Node, Address, Datacenter string
	TaggedAddresses, Meta         map[string]string
	Locality                      *localityMirror `json:",omitempty"`
	CreateIndex, ModifyIndex      uint64
}

type localityMirror struct {
	Region string `json:",omitempty"`
	Zone   string `json:",omitempty"`
}

type serviceMirror struct {
	Kind              string `json:",omitempty"`
	ID, Service       string
	Tags              []string
	Address           string
	TaggedAddresses   map[string]catalog.ServiceAddress `json:",omitempty"`
	Meta              map[string]string
	Port              int    `json:",omitempty"`
	SocketPath        string `json:",omitempty"`
	Weights           catalog.Weights
	EnableTagOverride bool
	Proxy             json.RawMessage
	Connect           map[string]bool
	PeerName          string
	Locality          *localityMirror `json:",omitempty"`
	CreateIndex       uint64
	ModifyIndex       uint64
}

type checkMirror struct {
	Node, CheckID, Name, Status, Notes, Output, ServiceID, ServiceName string
	ServiceTags                                                        []string
	Type, Interval, Timeout                                            string
	ExposedPort                                                        int
	Definition                                                         definitionMirror
	CreateIndex, ModifyIndex                                           uint64
}

type definitionMirror struct {
	Interval   string              `json:",omitempty"`
	Timeout    string              `json:",omitempty"`
	TTL        int64               `json:",omitempty"`
	HTTP       string              `json:",omitempty"`
	Header     map[string][]string `json:",omitempty"`
	TCPUseTLS  bool                `json:",omitempty"`
	ScriptArgs []string            `json:",omitempty"`
}

var nasty = []string{"", "plain", "<a&b>", "\u2028 \u2029", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é 世界 😀", "bad \xff\xc3 utf8", "\xe2\x80", "\ufffd"}

func TestStringsAreEscapedAsEncodingJSONDoes(t *testing.T) {
	for _, s := range nasty {
		sameJSON(t, s, wire.AppendString(nil, s))
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { sameJSON(t, s, wire.AppendString(nil, s)) })
}

func sameJSON(t *testing.T, mirror any, got []byte) {
	t.Helper()
	want, err := json.Marshal(mirror)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func word(r *rand.Rand) string { return nasty[r.IntN(len(nasty))] }

func words(r *rand.Rand, most int) []string {
	list := make([]string, r.IntN(most+1))
	for i := range list {
		list[i] = word(r)
	}
	return list
}

func wordMap(r *rand.Rand) map[string]string {
	if r.IntN(3) == 0 {
		return nil
	}
	m := map[string]string{}
	for range 1 + r.IntN(12) {
		m[word(r)+string(rune('a'+r.IntN(26)))] = word(r)
	}
	return m
}

func TestRandomRowsEncodeAsEncodingJSONDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := &catalog.Node{ID: word(r), Node: word(r), Address: word(r), Datacenter: word(r), TaggedAddresses: wordMap(r), Meta: wordMap(r), CreateIndex: r.Uint64(), ModifyIndex: r.Uint64()}
		mirror := nodeMirror{n.ID, n.Node, n.Address, n.Datacenter, n.TaggedAddresses, n.Meta, nil, n.CreateIndex, n.ModifyIndex}
		if r.IntN(2) == 0 {
			n.Locality = &catalog.Locality{Region: word(r), Zone: word(r)}
			mirror.Locality = (*localityMirror)(n.Locality)
		}
		sameJSON(t, mirror, wire.AppendNode(nil, n))

		s := &catalog.Service{Kind: word(r), ID: word(r), Service: word(r), Tags: words(r, 4), Address: word(r), Meta: wordMap(r), Port: r.IntN(3) - 1, SocketPath: word(r), Weights: catalog.Weights{Passing: 1 + r.IntN(9)}, EnableTagOverride: r.IntN(2) == 0, CreateIndex: r.Uint64()}
		if r.IntN(2) == 0 {
			s.TaggedAddresses = map[string]catalog.ServiceAddress{word(r): {Address: word(r), Port: -5}, "lan": {}}
		}
		connect := map[string]bool{}
		if r.IntN(2) == 0 {
			s.Connect = &catalog.Connect{Native: true}
			connect["Native"] = true
		}
		sameJSON(t, serviceMirror{s.Kind, s.ID, s.Service, s.Tags, s.Address, s.TaggedAddresses, s.Meta, s.Port, s.SocketPath, s.Weights,
			s.EnableTagOverride, json.RawMessage(`{"Mode":"","MeshGateway":{},"Expose":{}}`), connect, "", nil, s.CreateIndex, s.ModifyIndex},
			wire.AppendNodeService(nil, s))

		c := &catalog.Check{Node: word(r), CheckID: word(r), Name: word(r), Status: word(r), Notes: word(r), Output: word(r), ServiceID: word(r), ServiceName: word(r), ServiceTags: words(r, 3), Type: word(r), Interval: word(r), Timeout: word(r), ExposedPort: r.IntN(9)}
		d := definitionMirror{}
		if r.IntN(2) == 0 {
			c.Definition = catalog.CheckDefinition{Interval: time.Duration(1 + r.Int64N(1e12)), TTL: time.Duration(r.Int64N(1e12)), HTTP: word(r), Header: map[string][]string{word(r): words(r, 2)}, TCPUseTLS: true, ScriptArgs: words(r, 2), FailuresBeforeCritical: 3}
			d = definitionMirror{c.Definition.Interval.String(), "", int64(c.Definition.TTL), c.Definition.HTTP, c.Definition.Header, true, c.Definition.ScriptArgs}
		}
		sameJSON(t, checkMirror{c.Node, c.CheckID, c.Name, c.Status, c.Notes, c.Output, c.ServiceID, c.ServiceName, c.ServiceTags, c.Type, c.Interval, c.Timeout, c.ExposedPort, d, 0, 0}, wire.AppendCheck(nil, c))
		if t.Failed() {
			return
		}
	}
}

func TestShapesOfTheReference(t *testing.T) {
	bare := &catalog.Service{Node: "N", ID: "w", Service: "web"} // the node as spelled with the instance
	proxy := &catalog.Service{
		Kind: "connect-proxy", ID: "p", Service: "p", Port: 1, Tags: []string{"a"}, Meta: map[string]string{"b": "1", "a": "2"}, SocketPath: "/s",
		TaggedAddresses: map[string]catalog.ServiceAddress{"lan": {Address: "h", Port: 2}},
		Locality:        &catalog.Locality{Region: "r"}, Connect: &catalog.Connect{Native: true},
		Proxy: &catalog.Proxy{
			DestinationServiceName: "web", Config: map[string]any{"a": 1.0, "b": map[string]any{"c": []any{true, nil}}}, MeshGatewayMode: "local",
			Upstreams:        []catalog.Upstream{{DestinationType: "service", DestinationName: "db", LocalBindPort: 9}, {DestinationName: "q"}},
			Expose:           &catalog.Expose{Checks: true, Paths: []catalog.ExposePath{{Path: "/x"}}},
			TransparentProxy: &catalog.TransparentProxy{DialedDirectly: true},
		},
	}
	node := &catalog.Node{Node: "n", Datacenter: "dc1"}
	config := `"Config":{"a":1,"b":{"c":[true,null]}}`
	rest := func(path string) string {
		return `"MeshGateway":{"Mode":"local"},"Expose":{"Checks":true,"Paths":[{` + path + `}]}`
	}
	for name, tt := range map[string]struct{ got, want string }{
		"bare at the agent": {string(wire.AppendAgentService(nil, bare, "dc1", "")),
			`{"ID":"w","Service":"web","Tags":[],"Meta":{},"Port":0,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Datacenter":"dc1"}`},
		"bare in the catalog": {string(wire.AppendNodeService(nil, bare)),
			`{"ID":"w","Service":"web","Tags":[],"Address":"","Meta":null,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,` +
				`"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":0,"ModifyIndex":0}`},
		"bare with its node": {string(wire.AppendServiceNode(nil, &catalog.Instance{Node: node, Service: bare})),
			`{"ID":"","Node":"N","Address":"","Datacenter":"dc1","TaggedAddresses":null,"NodeMeta":null,"ServiceKind":"","ServiceID":"w","ServiceName":"web",` +
				`"ServiceTags":[],"ServiceAddress":"","ServiceWeights":{"Passing":1,"Warning":1},"ServiceMeta":{},"ServicePort":0,"ServiceSocketPath":"",` +
				`"ServiceEnableTagOverride":false,"ServiceProxy":{"Mode":"","MeshGateway":{},"Expose":{}},"ServiceConnect":{},"ServiceLocality":null,"CreateIndex":0,"ModifyIndex":0}`},
		"proxy at the agent": {string(wire.AppendAgentService(nil, proxy, "dc1", "cafe")),
			`{"Kind":"connect-proxy","ID":"p","Service":"p","Tags":["a"],"Meta":{"a":"2","b":"1"},"Port":1,"Address":"","SocketPath":"/s",` +
				`"TaggedAddresses":{"lan":{"Address":"h","Port":2}},"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"ContentHash":"cafe",` +
				`"Proxy":{"DestinationServiceName":"web","TransparentProxy":{"DialedDirectly":true},` + config + `,` +
				`"Upstreams":[{"DestinationType":"service","DestinationName":"db","LocalBindPort":9,"MeshGateway":{}},{"DestinationName":"q","MeshGateway":{}}],` +
				rest(`"Path":"/x","ParsedFromCheck":false`) + `},` +
				`"Connect":{"Native":true},"Datacenter":"dc1","Locality":{"Region":"r","Zone":""}}`},
		"proxy in the catalog": {string(wire.AppendNodeService(nil, proxy)),
			`{"Kind":"connect-proxy","ID":"p","Service":"p","Tags":["a"],"Address":"","TaggedAddresses":{"lan":{"Address":"h","Port":2}},` +
				`"Meta":{"a":"2","b":"1"},"Port":1,"SocketPath":"/s","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,` +
				`"Proxy":{"DestinationServiceName":"web","Mode":"","TransparentProxy":{"DialedDirectly":true},` + config + `,` +
				`"Upstreams":[{"DestinationType":"service","DestinationName":"db","Datacenter":"","LocalBindPort":9,"MeshGateway":{}},` +
				`{"DestinationType":"","DestinationName":"q","Datacenter":"","MeshGateway":{}}],` + rest(`"Path":"/x"`) + `},` +
				`"Connect":{"Native":true},"PeerName":"","Locality":{"Region":"r"},"CreateIndex":0,"ModifyIndex":0}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, tt.got, tt.want)
		}
		if !json.Valid([]byte(tt.got)) {
			t.Errorf("%s: no JSON", name)
		}
	}
}

// Whoever adds a field to a row must think of its JSON: every field set must show.
func TestEveryFieldOfADefinitionIsEncoded(t *testing.T) {
	hidden := map[string]bool{"SuccessBeforePassing": true, "FailuresBeforeWarning": true, "FailuresBeforeCritical": true}
	kind := reflect.TypeFor[catalog.CheckDefinition]()
	for i := range kind.NumField() {
		c := &catalog.Check{}
		field := reflect.ValueOf(&c.Definition).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int, reflect.Int64:
			field.SetInt(5)
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string][]string{"x": {"y"}}))
		default:
			t.Fatalf("%s: teach this test about %s", kind.Field(i).Name, field.Kind())
		}
		name := kind.Field(i).Name
		if shown := strings.Contains(string(wire.AppendCheck(nil, c)), `"Definition":{"`+name+`":`); shown == hidden[name] {
			t.Errorf("%s: shown %t", name, shown)
		}
	}
}
