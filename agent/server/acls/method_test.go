package acls

import (
	"encoding/json"
	"strings"
	"testing"

	"praetor/catalog"
)

const edKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEABwvH6BcuZ+9+3zP2n+a6EK5wovofASOf8j9yaFvfIVI=\n-----END PUBLIC KEY-----\n"

func jwtRow(t testing.TB, config map[string]any) *catalog.ACLAuthMethod {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return &catalog.ACLAuthMethod{Name: "j", Type: "jwt", Config: text}
}

func TestConfigurationsOfAuthMethodsAreChecked(t *testing.T) {
	const one = "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set"
	keys := []string{edKey}
	for name, row := range map[string]struct {
		config map[string]any
		want   string
	}{
		"a key":             {map[string]any{"JWTValidationPubKeys": keys}, ""},
		"names in any case": {map[string]any{"jwtvalidationpubkeys": keys, "clockskewleeway": 5e9}, ""},
		"numbers as text":   {map[string]any{"JWTValidationPubKeys": keys, "ClockSkewLeeway": "5"}, ""},
		"a span as text":    {map[string]any{"JWTValidationPubKeys": keys, "ClockSkewLeeway": "5s"}, "error decoding config: 1 error(s) decoding:\n\n* cannot parse 'ClockSkewLeeway' as int"},
		"nothing":           {nil, one},
		"two":               {map[string]any{"JWTValidationPubKeys": keys, "JWKSURL": "http://x"}, one},
		"an unknown member": {map[string]any{"Bogus": 1}, "error decoding config: 1 error(s) decoding:\n\n* '' has invalid keys: Bogus"},
		"no key":            {map[string]any{"JWTValidationPubKeys": []string{edKey, "junk"}}, "error parsing public key JWTValidationPubKeys[1]: data does not contain"},
	} {
		_, err := newMethod(jwtRow(t, row.config))
		wantRefusal(t, name, err, row.want)
	}
	for config, want := range map[string]string{
		`{}`:                           "Config.Host is required",
		`{"Host":"h"}`:                 "Config.CACert is required",
		`{"Host":"h","CACert":"junk"}`: "error parsing kubernetes ca cert: data does not contain any valid RSA or ECDSA certificates",
	} {
		_, err := newMethod(&catalog.ACLAuthMethod{Type: "kubernetes", Config: []byte(config)})
		wantRefusal(t, config, err, want)
	}
	_, err := newMethod(&catalog.ACLAuthMethod{Type: "oidc"})
	wantRefusal(t, "oidc", err, "Type should be one of: [aws-iam jwt kubernetes]")
}

func TestReadersSeeNoSecretOfAMethod(t *testing.T) {
	for config, want := range map[string]string{
		`{"Host":"h","ServiceAccountJWT":"s3cret"}`: `{"Host":"h","ServiceAccountJWT":"\u003chidden\u003e"}`,
		`{"serviceaccountjwt":"s3cret"}`:            `{"serviceaccountjwt":"\u003chidden\u003e"}`,
		`{"BoundIssuer":"i"}`:                       `{"BoundIssuer":"i"}`,
		`null`:                                      `null`,
		`["s3cret"]`:                                "",
	} {
		if got := string(withoutSecrets([]byte(config))); got != want {
			t.Errorf("%s: %s, want %s", config, got, want)
		}
	}
}

func TestSelectorsNameWhatAMethodKnows(t *testing.T) {
	jwt, kubernetes := &jwtMethod{}, &kubernetesMethod{}
	for text, want := range map[string]string{
		"": "", "value.a == b": "", `x in list.b and value.c matches "^x"`: "",
		"user == a": `Failed to create boolean expression evaluator: Selector "user" is not valid`, "value.a > 1": "Failed to create",
	} {
		wantRefusal(t, text, jwt.checkSelector(text), want)
	}
	for text, want := range map[string]string{
		"serviceaccount.namespace == default": "", "serviceaccount.uid != x": "", "serviceaccount.bogus == x": "Failed to create", "value.a == b": "Failed to create",
	} {
		wantRefusal(t, text, kubernetes.checkSelector(text), want)
	}
}

func TestBindNamesAreTemplates(t *testing.T) {
	v := values{"value.user": "Alice", "value.n": "1"}
	for _, row := range []struct{ kind, name, vars, want, refusal string }{
		{"service", "x", "", "x", ""},
		{"service", "a-${value.user}-${value.n}", "", "a-alice-1", ""},
		{"role", "${value.user}", "", "alice", ""},
		{"policy", "team/${value.user}", "", "team/alice", ""},
		{"templated-policy", "builtin/service", "${value.user}", "builtin/service alice", ""},
		{"templated-policy", "builtin/dns", "", "builtin/dns", ""},
		{"service", "${value.zz}", "", "", `failed to validate bindType "service": error interpreting template: 1:3: unknown variable accessed: value.zz`},
		{"service", "${upper(value.user)}", "", "", `failed to validate bindType "service": error interpreting template: 1:3: unknown function called: upper`},
		{"service", "${", "", "", `failed to validate bindType "service": error interpreting template: `},
		{"service", "-", "", "", `failed to validate bindType "service": invalid bind name: "-"`},
		{"policy", "a/b/c", "", "", `failed to validate bindType "policy": invalid bind name: "a/b/c"`},
		{"service", strings.Repeat("a", maxBindText+1), "", "", `failed to validate bindType "service": error interpreting template: a template may have 1024 bytes`},
		{"templated-policy", "builtin/nope", "", "", `failed to validate bindType "templated-policy": Bind name for templated-policy bind type does not match existing template name: builtin/nope`},
		{"templated-policy", "builtin/service", "${value.zz}", "", `failed to validate bindType "templated-policy": failed to interpret templated policy variables: 1:3: unknown`},
		{"templated-policy", "builtin/service", "", "", `failed to validate bindType "templated-policy": templated policy failed validation: 1 error occurred`},
		{"zz", "x", "", "", `invalid Binding Rule: unknown BindType "zz"`},
	} {
		b, err := v.bind(&catalog.ACLBindingRule{BindType: row.kind, BindName: row.name, BindVars: row.vars}, strings.ToLower)
		wantRefusal(t, row.kind+" "+row.name, err, row.refusal)
		if got := strings.TrimSpace(b.name + " " + b.variable); err == nil && got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// FuzzRender feeds templates to the language that reads them: it must not panic.
func FuzzRender(f *testing.F) {
	for _, text := range []string{"${value.user}", "a${value.n + 1}b", "${\"${value.user}\"}", "$${x}", "${-value.n}", "${1/0}", "${a ? b : c}", "${value.user[0]}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := values{"value.user": "alice", "value.n": "1"}
		_, _ = v.render(text)
	})
}
