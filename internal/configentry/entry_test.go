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

func TestWhatIsWrongWithEntries(t *testing.T) {
	for _, row := range []struct{ body, want string }{
		{``, "EOF"},
		{`{`, "unexpected EOF"},
		{`{"Name":"x"}`, "Payload does not contain a kind/Kind key at the top level"},
		{`{"Kind":3}`, "Kind value in payload is not a string"},
		{`{"Kind":"bogus"}`, "invalid config entry kind: bogus"},
		{`{"Kind":"mesh","Name":"x"}`, "1 error occurred:\n\t* invalid config key \"Name\"\n\n"},
		{`{"Kind":"service-defaults","Name":"x","A":1,"UpstreamConfig":{"B":1}}`,
			"2 errors occurred:\n\t* invalid config key \"A\"\n\t* invalid config key \"UpstreamConfig.B\"\n\n"},
		{`{"Kind":"service-defaults"}`, "Name is required"},
		{`{"Kind":"service-defaults","Name":"x","Protocol":"zz"}`, "1 error occurred:\n\t* invalid value for protocol: zz\n\n"},
		{`{"Kind":"service-defaults","Name":"x","Mode":"zz"}`, `invalid proxy mode "zz": it may be "transparent" or "direct"`},
		{`{"Kind":"service-defaults","Name":"x","UpstreamConfig":{"Overrides":[{}]}}`, "1 error occurred:\n\t* error in upstream override for : Name is required\n\n"},
		{`{"Kind":"proxy-defaults","Name":"x"}`, `invalid name ("x"), only "global" is supported`},
		{`{"Kind":"proxy-defaults","Name":"global","AccessLogs":{"Type":"file"}}`, "path must be specified when using file type access logs"},
		{`{"Kind":"service-router","Name":"x","Routes":[{"Destination":{"PrefixRewrite":"/"}}]}`,
			"Route[0] cannot make use of PrefixRewrite without configuring either PathExact or PathPrefix"},
		{`{"Kind":"service-router","Name":"x","Routes":[{"Match":{"HTTP":{"Methods":["get","GET"]}}}]}`, `Route[0] Methods contains "GET" more than once`},
		{`{"Kind":"service-splitter","Name":"x"}`, "no splits configured"},
		{`{"Kind":"service-splitter","Name":"x","Splits":[{"Weight":90},{"Weight":20,"Service":"y"}]}`, "the sum of all split weights must be 100, not 110.000000"},
		{`{"Kind":"service-splitter","Name":"x","Splits":[{"Weight":50},{"Weight":50,"Service":"x"}]}`,
			`split destination occurs more than once: service="x", subset="", namespace="default", partition="default"`},
		{`{"Kind":"service-resolver","Name":"x","Redirect":{}}`, "Redirect is empty"},
		{`{"Kind":"service-resolver","Name":"x","ConnectTimeout":"-1s"}`, "Bad ConnectTimeout '-1s', must be >= 0"},
		{`{"Kind":"service-resolver","Name":"x","LoadBalancer":{"Policy":"zz"}}`, `Bad LoadBalancer policy: "zz" is not supported`},
		{`{"Kind":"service-intentions","Name":"x"}`, "At least one source is required"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a*","Action":"allow"}]}`, "Sources[0].Name: wildcard character '*' cannot be used with partial values"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a","Action":"allow","LegacyMeta":{"a":"b"}}]}`, "Sources[0].LegacyMeta must be omitted"},
		{`{"Kind":"service-intentions","Name":"x","Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"PathExact":"x"}}]}]}`,
			`Sources[0].Permissions[0].HTTP PathExact doesn't start with '/': "x"`},
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
		{`{"Kind":"bound-api-gateway","Name":"g"}`, "Permission denied: only writeable by controller"},
		{`{"Kind":"inline-certificate","Name":"c"}`, "failed to parse private key PEM"},
		{`{"Kind":"file-system-certificate","Name":"c"}`, "certificate and private key paths must be set"},
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
		refused := strings.HasPrefix(kind, "bound-") || kind == configentry.KindSamenessGroup || kind == configentry.KindRequestLimit
		if seen[kind] == refused {
			t.Errorf("%s: sample %v", kind, seen[kind])
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, body := range samples(f) {
		f.Add([]byte(body))
		f.Add([]byte(body[:len(body)/2]))
	}
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
		if again, err := configentry.Encode(loaded); err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("%q\nthen %q: %v", stored, again, err)
		}
	})
}
