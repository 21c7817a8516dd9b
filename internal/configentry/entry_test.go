package configentry_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"praetor/internal/configentry"
)

// prepare reads and prepares an entry, and returns its JSON or what is wrong.
func prepare(body string) string {
	entry, err := configentry.DecodeJSON(strings.NewReader(body))
	if err == nil {
		err = configentry.Prepare(entry)
	}
	if err != nil {
		return err.Error()
	}
	text, err := configentry.Encode(entry)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestEntriesAreReadInAnySpelling(t *testing.T) {
	const want = `{"Kind":"service-defaults","Meta":{"a_b":"c"},"Name":"web","Protocol":"http","TransparentProxy":{"OutboundListenerPort":7},` +
		`"MeshGateway":{},"Expose":{},"UpstreamConfig":{"Defaults":{"Peer":"","PassiveHealthCheck":{"Interval":10000000000,"EnforcingConsecutive5xx":3},` +
		`"MeshGateway":{}}},"MaxInboundConnections":5}`
	for _, body := range []string{
		`{"Kind":"service-defaults","Name":"web","Meta":{"a_b":"c"},"Protocol":"HTTP","TransparentProxy":{"OutboundListenerPort":7},"MaxInboundConnections":5,
		  "UpstreamConfig":{"Defaults":{"PassiveHealthCheck":{"Interval":"10s","EnforcingConsecutive5xx":3}}},"CreateIndex":1,"ModifyIndex":2,"Hash":18446744073709551615}`,
		`{"kind":"service-defaults","name":"web","meta":{"a_b":"c"},"protocol":"http","transparent_proxy":{"outbound_listener_port":7},"max_inbound_connections":"5",
		  "upstream_config":{"defaults":{"passive_health_check":{"interval":10000000000,"enforcing_consecutive_5xx":3}}}}`,
	} {
		if got := prepare(body); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

// TestAListOfOneStandsForWhatIsInIt, as HCL has blocks; a list stays one.
func TestAListOfOneStandsForWhatIsInIt(t *testing.T) {
	for _, row := range []struct{ body, want string }{
		{`{"Kind":"service-defaults","Name":["web"],"Protocol":["http"],"MaxInboundConnections":[5],"MeshGateway":[{"Mode":["local"]}],"Destination":[{"Addresses":["a.b"],"Port":1}]}`,
			`{"Kind":"service-defaults","Name":"web","Protocol":"http","MeshGateway":{"Mode":"local"},"Destination":{"Addresses":["a.b"],"Port":1},"MaxInboundConnections":5}`},
		{`{"Kind":"tcp-route","Name":"x","Parents":[[{"Name":"g"}]],"Services":[[{"Name":"web"}]]}`,
			`{"Kind":"tcp-route","Name":"x","Parents":[{"Name":"g"}],"Services":[{"Name":"web"}]}`},
		{`{"Kind":"proxy-defaults","Config":{"a":[1],"b":[[2]]}}`, `{"Kind":"proxy-defaults","Name":"global","Config":{"a":[1],"b":[[2]]}}`},
	} {
		if got, want := prepare(row.body), prepare(row.want); got != want || !strings.HasPrefix(got, "{") {
			t.Errorf("%s\ngot  %s\nwant %s", row.body, got, want)
		}
	}
}

// TestAListOfNothingIsNoValue: there is no value in it where one is wanted.
func TestAListOfNothingIsNoValue(t *testing.T) {
	for member, want := range map[string]string{
		"Redirect": "'Redirect' expected a map, got 'slice'", "DefaultSubset": "'DefaultSubset' expected type 'string', got unconvertible type '[]interface {}'",
	} {
		if got := prepare(`{"Kind":"service-resolver","Name":"db","` + member + `":[null]}`); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", member, got, want)
		}
	}
}

// TestProxyDefaultsAreGlobal, whatever name they lack, and their protocol is in Config.
func TestProxyDefaultsAreGlobal(t *testing.T) {
	const want = `{"Kind":"proxy-defaults","Name":"global","Config":null,"TransparentProxy":{},"MeshGateway":{},"Expose":{},"AccessLogs":{}}`
	for _, body := range []string{`{"Kind":"proxy-defaults"}`, `{"Kind":"proxy-defaults","Name":"","Protocol":"http"}`} {
		if got := prepare(body); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
	for config, want := range map[string]string{`null`: "", `{}`: "", `{"protocol":"HTTP"}`: "http", `{"Protocol":"grpc"}`: "grpc", `{"protocol":7}`: ""} {
		entry, err := configentry.DecodeJSON(strings.NewReader(`{"Kind":"proxy-defaults","Config":` + config + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := entry.(*configentry.ProxyDefaults).DefaultProtocol(); got != want {
			t.Errorf("%s: protocol %q, want %q", config, got, want)
		}
	}
}

// TestMembersShownThoughEmpty are those that clients find in each entry of the kind.
func TestMembersShownThoughEmpty(t *testing.T) {
	for body, member := range map[string]string{
		`{"Kind":"service-defaults","Name":"x"}`:                  `"Protocol":""`,
		`{"Kind":"service-router","Name":"x"}`:                    `"Routes":null`,
		`{"Kind":"service-router","Name":"x","Routes":[]}`:        `"Routes":[]`,
		`{"Kind":"terminating-gateway","Name":"x","Services":[]}`: `"Services":[]`,
		`{"Kind":"ingress-gateway","Name":"x","Listeners":[]}`:    `"Listeners":[]`,
		`{"Kind":"file-system-certificate","Name":"x"}`:           `"Certificate":"","PrivateKey":""`,
		`{"Kind":"bound-api-gateway","Name":"x","Listeners":[{"Name":"l","Routes":[{"Kind":"tcp-route","Name":"t"}]}],"Services":{"web":[]}}`: `"Listeners":[{"Name":"l","Routes":[{"Kind":"tcp-route","Name":"t","SectionName":""}],"Certificates":null}],"Services":{"web":[]}`,
		`{"Kind":"tcp-route","Name":"x"}`:                                                                               `"Status":{"Conditions":[]}`,
		`{"Kind":"service-splitter","Name":"x","Splits":[{"Weight":100,"Namespace":"n"}]}`:                              `"Splits":[{"Weight":100,"Namespace":"n"}]`,
		`{"Kind":"jwt-provider","Name":"x","JSONWebKeySet":{"Local":{"Filename":"f"}},"Forwarding":{"HeaderName":"h"}}`: `"PadForwardPayloadHeader":false`,
	} {
		if got := prepare(body); !strings.Contains(got, member) {
			t.Errorf("%s: %s lacks %s", body, got, member)
		}
	}
}

func TestWhatIsWrongWithEntries(t *testing.T) {
	for _, row := range []struct{ body, want string }{
		{``, "EOF"},
		{`{`, "unexpected EOF"},
		{`{"Name":"x"}`, "Payload does not contain a kind/Kind key at the top level"},
		{`{"Kind":3}`, "Kind value in payload is not a string"},
		{`{"Kind":"bogus"}`, "invalid config entry kind: bogus"},
		{`{"Kind":"mesh","Name":"x"}`, "1 error occurred:\n\t* invalid config key \"Name\"\n\n"},
		{`{"Kind":"service-defaults","Name":"x","A":1,"UpstreamConfig":{"B":1}}`,
			"2 errors occurred:\n\t* invalid config key \"UpstreamConfig.B\"\n\t* invalid config key \"A\"\n\n"},
		{`{"Kind":"service-defaults","Name":"x","B":1,"A":1}`, "2 errors occurred:\n\t* invalid config key \"A\"\n\t* invalid config key \"B\"\n\n"},
		{`{"Kind":"service-defaults","Name":"x","EnvoyExtensions":[{"name":"builtin/lua","consul_version":""}]}`,
			"1 error occurred:\n\t* invalid config key \"EnvoyExtensions[0].consul_version\"\n\n"},
		{`{"Kind":"terminating-gateway","Name":"x","Namespace":"y"}`,
			"1 error occurred:\n\t* invalid config key \"Namespace\", namespaces are a consul enterprise feature\n\n"},
		{`{"Kind":"api-gateway","Name":"x","Listeners":[{"Override":{"JWT":{"Providers":[]}},"Default":{"JWT":{"Providers":[{}]}}}]}`,
			"2 errors occurred:\n\t* invalid config key \"Listeners[0].Override.JWT.Providers\", api-gateway jwt validation is a consul enterprise feature" +
				"\n\t* invalid config key \"Listeners[0].Default.JWT.Providers\", api-gateway jwt validation is a consul enterprise feature\n\n"},
		{`{"Kind":"http-route","Name":"x","Rules":[{"Matches":[[]]}]}`, "1 error(s) decoding:\n\n* 'Rules[0].Matches[0]' expected a map, got 'slice'"},
		{`{"Kind":"http-route","Name":"x","Rules":[{"Matches":[[{},{}]]}]}`, "1 error(s) decoding:\n\n* 'Rules[0].Matches[0]' expected a map, got 'slice'"},
		{`{"Kind":"service-defaults"}`, "Name is required"},
		{`{"Kind":"jwt-provider"}`, "Name is required"},
		{`{"Kind":"terminating-gateway","Services":[{"Name":""}]}`, "Service name cannot be blank."},
		{`{"Kind":"terminating-gateway","Name":"","Services":[{"Name":"web"}]}`, "serviceName is required"},
		{`{"Kind":"tcp-route","Name":""}`, "serviceName is required"},
		{`{"Kind":"file-system-certificate"}`, "serviceName is required"},
		{`{"Kind":"ingress-gateway","Name":""}`, "failed inserting config entry: object missing primary index"},
		{`{"Kind":"service-defaults","Name":"x","Protocol":"zz"}`, "1 error occurred:\n\t* invalid value for protocol: zz\n\n"},
		{`{"Kind":"service-defaults","Name":"x","Mode":"zz"}`, `invalid proxy mode "zz": it may be "transparent" or "direct"`},
		{`{"Kind":"service-defaults","Name":"x","UpstreamConfig":{"Overrides":[{}]}}`, "1 error occurred:\n\t* error in upstream override for : Name is required\n\n"},
		{`{"Kind":"proxy-defaults","Name":"x"}`, `invalid name ("x"), only "global" is supported`},
		{`{"Kind":"proxy-defaults","Name":"global","AccessLogs":{"Type":"file"}}`, "path must be specified when using file type access logs"},
		{`{"Kind":"rate-limit","Name":"r","config":{}}`, `invalid name ("r"), only "global" is supported`},
		{`{"Kind":"service-router","Name":"x","Routes":[{"Destination":{"PrefixRewrite":"/"}}]}`,
			"Route[0] cannot make use of PrefixRewrite without configuring either PathExact or PathPrefix"},
		{`{"Kind":"service-router","Name":"x","Routes":[{"Match":{"HTTP":{"Methods":["get","GET"]}}}]}`, `Route[0] Methods contains "GET" more than once`},
		{`{"Kind":"service-splitter","Name":"x"}`, "no splits configured"},
		{`{"Kind":"service-splitter","Name":"x","Splits":[{"Weight":90},{"Weight":20,"Service":"y"}]}`, "the sum of all split weights must be 100, not 110.000000"},
		{`{"Kind":"service-splitter","Name":"x","Splits":[{"Weight":50},{"Weight":50,"Service":"x"}]}`,
			`split destination occurs more than once: service="x", subset="", namespace="", partition=""`},
		{`{"Kind":"service-resolver","Name":"x","Redirect":{}}`, "Redirect is empty"},
		{`{"Kind":"service-resolver","Name":"x","ConnectTimeout":"-1s"}`, "Bad ConnectTimeout '-1s', must be >= 0"},
		{`{"Kind":"service-resolver","Name":"x","LoadBalancer":{"Policy":"zz"}}`, `Bad LoadBalancer policy: "zz" is not supported`},
		{`{"Kind":"service-intentions","Name":"x"}`, "At least one source is required"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a*","Action":"allow"}]}`, "Sources[0].Name: wildcard character '*' cannot be used with partial values"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a","Action":"allow","LegacyMeta":{"a":"b"}}]}`, "Sources[0].LegacyMeta must be omitted"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"PathExact":"x"}}]}]}`,
			`Sources[0].Permissions[0].HTTP.PathExact doesn't start with '/': "x"`},
		{`{"Kind":"mesh","TLS":{"Incoming":{"TLSMinVersion":"TLSv1_3","TLSMaxVersion":"TLSv1_2"}}}`,
			"error in incoming TLS configuration: configuring max version TLSv1_2 less than the configured min version TLSv1_3 is invalid"},
		{`{"Kind":"exported-services","Name":"default","Services":[{"Name":"x"}]}`, "Services[0]: must have at least one consumer"},
		{`{"Kind":"sameness-group","Name":"g","Members":[]}`, "sameness-groups are an enterprise-only feature"},
		{`{"Kind":"ingress-gateway","Name":"g","Listeners":[{"Port":1,"Protocol":"tcp","Services":[{"Name":"a"},{"Name":"b"}]}]}`,
			"Multiple services per listener are only supported for L7 protocols, 'http', 'grpc' and 'http2' (listener on port 1)"},
		{`{"Kind":"terminating-gateway","Name":"g","Services":[{"Name":"a","CertFile":"x"}]}`,
			`Service "a" must have a CertFile, CAFile, and KeyFile specified for TLS origination`},
		{`{"Kind":"api-gateway","Name":"g","Listeners":[{"Name":"l","Port":0,"Protocol":"tcp"}]}`, "listener port 0 not in the range 1-65535"},
		{`{"Kind":"http-route","Name":"r","Rules":[{"Matches":[{"Path":{"Match":"exact","Value":"x"}}]}]}`, `Rule[0], Match[0], path match doesn't start with '/': "x"`},
		{`{"Kind":"tcp-route","Name":"r","Services":[{"Name":"a"},{"Name":"b"}]}`, "tcp-route currently only supports one service"},
		{`{"Kind":"inline-certificate","Name":"c"}`, "failed to parse private key PEM"},
		{`{"Kind":"jwt-provider","Name":"j"}`, "JSONWebKeySet is required"},
		{`{"Kind":"jwt-provider","Name":"j","JSONWebKeySet":{"Local":{"JWKS":"!"}}}`, "JWKS must be valid base64 encoded string"},
	} {
		if got := prepare(row.body); got != row.want {
			t.Errorf("%s\ngot  %q\nwant %q", row.body, got, row.want)
		}
	}
}

// samples has an entry of each kind that can be written, one a line.
func samples(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/entries.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestWhatIsStoredSaysTheSameAgain(t *testing.T) {
	seen := map[string]bool{}
	for _, body := range samples(t) {
		stored := prepare(body)
		if again := prepare(stored); again != stored {
			t.Errorf("%s\ngot  %s\nwant %s", body, again, stored)
		}
		entry, err := configentry.DecodeJSON(strings.NewReader(body))
		if err != nil {
			t.Errorf("%s: %s", body, err)
			continue
		}
		seen[configentry.KindOf(entry)] = true
	}
	for _, kind := range configentry.Kinds() {
		refused := kind == configentry.KindAI || kind == configentry.KindInferenceGateway || kind == configentry.KindBoundAPIGateway || kind == configentry.KindSamenessGroup || kind == configentry.KindRequestLimit
		if seen[kind] == refused {
			t.Errorf("%s: sample %v", kind, seen[kind])
		}
	}
}

// TestKindsKnownByNameOnlyAreShownAsTheyCame, whatever they say.
func TestKindsKnownByNameOnlyAreShownAsTheyCame(t *testing.T) {
	for body, want := range map[string]string{
		`{"Kind":"AI","Name":"x"}`: `{"Kind":"AI","Name":"x"}`,
		`{"kind":"inference-gateway","name":"x","meta":{"a":"b"},"listeners":[{"port":1}],"Null":null,"a":{"B":[1.5,[]]},"ModifyIndex":7,"Hash":8}`: `{"Kind":"inference-gateway","Meta":{"a":"b"},"Name":"x","Null":null,"a":{"B":[1.5,[]]},"listeners":[{"port":1}]}`,
		`{"Kind":"AI"}`:                     "Name is required",
		`{"Kind":"AI","Name":{}}`:           "1 error(s) decoding:\n\n* 'Name' expected type 'string', got unconvertible type 'map[string]interface {}', value: 'map[]'",
		`{"Kind":"AI","Name":"x","Meta":1}`: "1 error(s) decoding:\n\n* 'Meta' expected a map, got 'float64'",
	} {
		got := prepare(body)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
		if !strings.HasPrefix(got, "{") {
			continue
		}
		if again := prepare(got); again != want {
			t.Errorf("%s\nthen %s", want, again)
		}
		loaded, err := configentry.Load(configentry.KindOf(decoded(t, got)), []byte(got))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := configentry.Encode(loaded); string(again) != want {
			t.Errorf("%s\nloaded as %s, %v", want, again, err)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, body := range samples(f) {
		f.Add([]byte(body))
		f.Add([]byte(body[:len(body)/2]))
	}
	f.Add([]byte(`{"kind":"AI","name":"x","NAME":"y","a":[{"b":null}],"Kind":"AI"}`))
	f.Add([]byte(`{"Kind":"service-resolver","Name":[null],"Redirect":[null],"Failover":[null]}`))
	f.Add([]byte(`{"kind":"service-resolver","name":"x","connect_timeout":"1s","Subsets":{"":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		entry, err := configentry.DecodeJSON(bytes.NewReader(body))
		if err != nil || configentry.Prepare(entry) != nil {
			return
		}
		stored, err := configentry.Encode(entry)
		if err != nil {
			t.Fatalf("%q: %s", body, err)
		}
		loaded, err := configentry.Load(configentry.KindOf(entry), stored)
		if err != nil {
			t.Fatalf("%q: %s", stored, err)
		}
		configentry.Hash(loaded) // of whatever is in it
		if again, err := configentry.Encode(loaded); err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("%q\nthen %q: %v", stored, again, err)
		}
	})
}
