package acls

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

// loginMethod is a method whose tokens name a team.
func loginMethod(name string) catalog.ACLAuthMethod {
	config, _ := json.Marshal(map[string]any{"JWTValidationPubKeys": []string{signerPEM}, "ClaimMappings": map[string]string{"team": "team"}}) // always encodes
	return catalog.ACLAuthMethod{Name: name, Type: "jwt", Config: config}
}

func (r room) method(m catalog.ACLAuthMethod) {
	r.T.Helper()
	must(r, ops.ACLAuthMethodSet, &ops.ACLAuthMethodSetRequest{Method: m})
}

func (r room) rule(method, selector, kind, name, vars string) catalog.ACLBindingRule {
	r.T.Helper()
	rule := catalog.ACLBindingRule{AuthMethod: method, Selector: selector, BindType: kind, BindName: name, BindVars: vars}
	return must(r, ops.ACLBindingRuleSet, &ops.ACLBindingRuleSetRequest{Create: true, Rule: rule}).Rule
}

func bearer(t testing.TB, team string) string {
	now := time.Now().Unix()
	return signed(t, signer, jose.EdDSA, map[string]any{"sub": "alice", "iat": now - 60, "exp": now + 3600, "team": team})
}

func TestAuthMethods(t *testing.T) {
	managed(t, func(r room) {
		good := loginMethod("m")
		good.Description = "d"
		r.method(good)
		with := func(change func(m *catalog.ACLAuthMethod)) error {
			m := good
			change(&m)
			_, err := ask(r, ops.ACLAuthMethodSet, root, &ops.ACLAuthMethodSetRequest{Method: m})
			return err
		}
		const letters = "Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed"
		for name, c := range map[string]struct {
			change func(m *catalog.ACLAuthMethod)
			want   string
		}{
			"as it is":            {func(*catalog.ACLAuthMethod) {}, ""},
			"no name":             {func(m *catalog.ACLAuthMethod) { m.Name = "" }, "Invalid Auth Method: no Name is set"},
			"odd letters":         {func(m *catalog.ACLAuthMethod) { m.Name = "a b" }, letters},
			"a long name":         {func(m *catalog.ACLAuthMethod) { m.Name = strings.Repeat("a", 129) }, letters},
			"the longest name":    {func(m *catalog.ACLAuthMethod) { m.Name = strings.Repeat("a", 128) }, ""},
			"another type":        {func(m *catalog.ACLAuthMethod) { m.Type = "kubernetes" }, "the Type field of an Auth Method is immutable"},
			"no type":             {func(m *catalog.ACLAuthMethod) { m.Name, m.Type = "x", "" }, "Invalid Auth Method: Type should be one of: [aws-iam jwt kubernetes]"},
			"a type to come":      {func(m *catalog.ACLAuthMethod) { m.Name, m.Type = "x", "aws-iam" }, `Invalid Auth Method: methods of type "aws-iam" are not part of this version`},
			"tokens for a second": {func(m *catalog.ACLAuthMethod) { m.MaxTokenTTL = time.Minute - 1 }, "MaxTokenTTL 59.999999999s cannot be less than 1m0s"},
			"tokens for a minute": {func(m *catalog.ACLAuthMethod) { m.MaxTokenTTL = time.Minute }, ""},
			"a place":             {func(m *catalog.ACLAuthMethod) { m.TokenLocality = "global" }, ""},
			"the other place":     {func(m *catalog.ACLAuthMethod) { m.TokenLocality = "local" }, ""},
			"no place":            {func(m *catalog.ACLAuthMethod) { m.TokenLocality = "moon" }, "Invalid Auth Method: TokenLocality should be one of 'local' or 'global'"},
			"no keys":             {func(m *catalog.ACLAuthMethod) { m.Config = nil }, `Invalid Auth Method: exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type "jwt"`},
		} {
			refused(t, name, with(c.change), fault.Rejected, c.want)
		}
		must(r, ops.ACLAuthMethodSet, &ops.ACLAuthMethodSetRequest{Method: good})
		r.policy("reads", `acl = "read"`)
		r.token(20, "reads")
		kubernetes := catalog.ACLAuthMethod{Name: "k", Type: "kubernetes", Config: []byte(`{"Host":"h","ServiceAccountJWT":"planted"}`)}
		r.Log(catalog.ACLAuthMethodCommand, &catalog.ACLAuthMethodWrite{Verb: catalog.ACLPut, Methods: []*catalog.ACLAuthMethod{&kubernetes}})
		for secret, sees := range map[string]bool{root: true, numbered(21): false} {
			rep, err := ask(r, ops.ACLAuthMethodGet, secret, &ops.ACLGetRequest{Name: "k"})
			if err != nil || strings.Contains(string(rep.Method.Config), "planted") != sees || !strings.Contains(string(rep.Method.Config), `"Host":"h"`) {
				t.Errorf("%s, %v; want the secret: %t", rep.Method.Config, err, sees)
			}
		}
		list := must(r, ops.ACLAuthMethodList, &ops.ACLListRequest{})
		if len(list.Methods) != 3 || list.Index == 0 {
			t.Fatalf("listed: %+v", list)
		}
		for _, m := range list.Methods {
			if m.Config != nil {
				t.Errorf("%s is listed with its configuration", m.Name)
			}
		}
		const none = "Requested auth method does not exist: ACL not found"
		_, err := ask(r, ops.ACLAuthMethodGet, root, &ops.ACLGetRequest{Name: "none"})
		refused(t, "get what is not there", err, fault.NotFound, none)
		_, err = ask(r, ops.ACLAuthMethodDelete, root, &ops.ACLDeleteRequest{ID: "none"})
		refused(t, "remove what is not there", err, fault.NotFound, "Cannot find auth method to delete")
		must(r, ops.ACLAuthMethodDelete, &ops.ACLDeleteRequest{ID: "m"})
		_, err = ask(r, ops.ACLAuthMethodGet, root, &ops.ACLGetRequest{Name: "m"})
		refused(t, "get what was removed", err, fault.NotFound, none)
	})
	k := testkernel.Options{}
	k.Primary = "dc0"
	ruled(t, Options{Enabled: true, TokenReplication: true}, k, func(r room) {
		global := loginMethod("m")
		global.TokenLocality = "global"
		refused(t, "in a secondary datacenter", r.acls.checkMethod(&global), fault.Rejected, "Invalid Auth Method: TokenLocality 'global' can only be used in the primary datacenter")
	})
}

func TestBindingRules(t *testing.T) {
	managed(t, func(r room) {
		r.method(loginMethod("m"))
		r.method(loginMethod("n"))
		made := r.rule("m", "value.team==eng", "service", "${value.team}", "")
		if !isUUID(made.ID) || made.CreateIndex == 0 {
			t.Errorf("made %+v", made)
		}
		const invalidName = `Invalid Binding Rule: invalid BindName or BindVars: failed to validate bindType "service": `
		for name, c := range map[string]struct {
			create bool
			rule   catalog.ACLBindingRule
			want   string
		}{
			"no method":           {true, catalog.ACLBindingRule{BindType: "service", BindName: "a"}, "Invalid Binding Rule: no AuthMethod is set"},
			"a method that is no": {true, catalog.ACLBindingRule{AuthMethod: "x", BindType: "service", BindName: "a"}, fmt.Sprintf(catalog.TextNoAuthMethod, "x")},
			"no name":             {true, catalog.ACLBindingRule{AuthMethod: "m", BindType: "service"}, "Invalid Binding Rule: no BindName is set"},
			"no type":             {true, catalog.ACLBindingRule{AuthMethod: "m", BindName: "a"}, `Invalid Binding Rule: invalid BindName or BindVars: invalid Binding Rule: unknown BindType ""`},
			"variables":           {true, catalog.ACLBindingRule{AuthMethod: "m", BindType: "service", BindName: "a", BindVars: "b"}, "invalid Binding Rule: BindVars cannot be set when bind type is not templated-policy."},
			"a selector":          {true, catalog.ACLBindingRule{AuthMethod: "m", Selector: "bogus==1", BindType: "service", BindName: "a"}, `invalid Binding Rule: Selector is invalid: Selector "bogus" is not valid`},
			"an odd name":         {true, catalog.ACLBindingRule{AuthMethod: "m", BindType: "service", BindName: "a b"}, invalidName + `invalid bind name: "a b"`},
			"an unknown value":    {true, catalog.ACLBindingRule{AuthMethod: "m", BindType: "service", BindName: "${value.x}"}, invalidName + "error interpreting template: 1:3: unknown variable accessed: value.x"},
			"an update":           {false, catalog.ACLBindingRule{ID: strings.ToUpper(made.ID), AuthMethod: "M", BindType: "service", BindName: "a"}, ""},
			"another method":      {false, catalog.ACLBindingRule{ID: made.ID, AuthMethod: "n", BindType: "service", BindName: "a"}, "the AuthMethod field of an Binding Rule is immutable"},
			"one that is not":     {false, catalog.ACLBindingRule{ID: numbered(1), AuthMethod: "m", BindType: "service", BindName: "a"}, "cannot find binding rule " + numbered(1)},
			"no UUID":             {false, catalog.ACLBindingRule{ID: "x", AuthMethod: "m", BindType: "service", BindName: "a"}, "Binding Rule ID invalid UUID"},
			"a node":              {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "node", BindName: "N!"}, `Invalid Binding Rule: invalid BindName or BindVars: failed to validate bindType "node": invalid bind name: "N!"`},
			"a role":              {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "role", BindName: "a/b"}, `Invalid Binding Rule: invalid BindName or BindVars: failed to validate bindType "role": invalid bind name: "a/b"`},
			"a policy":            {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "policy", BindName: "a/b"}, ""},
			"no template": {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "templated-policy", BindName: "x"},
				`Invalid Binding Rule: invalid BindName or BindVars: failed to validate bindType "templated-policy": Bind name for templated-policy bind type does not match existing template name: x`},
			"a template without": {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "templated-policy", BindName: "builtin/service"},
				"Invalid Binding Rule: invalid BindName or BindVars: failed to validate bindType \"templated-policy\": templated policy failed validation: 1 error occurred:\n\t* Invalid type. Expected: object, given: null\n\n"},
			"a template":  {true, catalog.ACLBindingRule{AuthMethod: "n", BindType: "templated-policy", BindName: "builtin/service", BindVars: "${value.team}"}, ""},
			"a long text": {true, catalog.ACLBindingRule{AuthMethod: "m", BindType: "service", BindName: strings.Repeat("a", 1025)}, invalidName + "error interpreting template: a template may have 1024 bytes, not 1025"},
		} {
			_, err := ask(r, ops.ACLBindingRuleSet, root, &ops.ACLBindingRuleSetRequest{Create: c.create, Rule: c.rule})
			refused(t, name, err, fault.Rejected, c.want)
		}
		got := must(r, ops.ACLBindingRuleGet, &ops.ACLGetRequest{ID: made.ID})
		if got.Rule.BindName != "a" || got.Rule.ID != made.ID || got.Index == 0 {
			t.Errorf("updated to %+v", got.Rule)
		}
		for method, want := range map[string]int{"": 3, "m": 1, "N": 2, "x": 0} {
			if rep := must(r, ops.ACLBindingRuleList, &ops.ACLBindingRuleListRequest{AuthMethod: method}); len(rep.Rules) != want {
				t.Errorf("rules of %q: %+v", method, rep.Rules)
			}
		}
		const none = "Requested binding rule does not exist: ACL not found"
		short := strings.Replace(shortUUID, "%s", "binding rule", 1)
		for id, c := range map[string]struct {
			kind         fault.Kind
			get, removed string
		}{"x": {fault.Rejected, short, short}, numbered(1): {fault.NotFound, none, "Cannot find binding rule to delete"}} {
			_, err := ask(r, ops.ACLBindingRuleGet, root, &ops.ACLGetRequest{ID: id})
			refused(t, "get "+id, err, c.kind, c.get)
			_, err = ask(r, ops.ACLBindingRuleDelete, root, &ops.ACLDeleteRequest{ID: id})
			refused(t, "remove "+id, err, c.kind, c.removed)
		}
		must(r, ops.ACLBindingRuleDelete, &ops.ACLDeleteRequest{ID: made.ID})
		_, err := ask(r, ops.ACLBindingRuleGet, root, &ops.ACLGetRequest{ID: made.ID})
		refused(t, "get what was removed", err, fault.NotFound, none)
	})
}

func TestLogins(t *testing.T) {
	managed(t, func(r room) {
		short := loginMethod("m")
		short.MaxTokenTTL = time.Hour
		r.method(short)
		global := loginMethod("everywhere")
		global.TokenLocality = "global"
		r.method(global)
		r.method(loginMethod("empty"))
		r.policy("p", "")
		r.role("eng")
		r.rule("m", "value.team==ENG", "service", "${value.team}", "")
		r.rule("m", "value.team==ENG", "service", "eng", "") // the same
		r.rule("m", "value.team==ENG", "node", "n-${value.team}", "")
		r.rule("m", "value.team==ENG", "node", "n-eng", "") // the same
		r.rule("m", "value.team==ENG", "policy", "P", "")
		r.rule("m", "value.team==ENG", "policy", "p", "") // the same
		r.rule("m", "value.team==ENG", "role", "${value.team}", "")
		r.rule("m", "value.team==ENG", "templated-policy", "builtin/service", "${value.team}")
		r.rule("m", "value.team==ENG", "templated-policy", "builtin/service", "eng") // the same
		r.rule("m", "value.team==ENG", "templated-policy", "builtin/service", "other")
		r.rule("m", "value.team==ENG", "templated-policy", "builtin/dns", "")
		r.rule("m", "value.team==ENG or value.team==lost", "role", "gone", "")
		r.rule("m", "value.team==odd", "service", "x${value.team}", "")
		r.rule("everywhere", "", "policy", "p", "")
		login := func(method, team string, meta map[string]string) (*ops.ACLTokenReply, error) {
			return ask(r, ops.ACLLogin, "", &ops.ACLLoginRequest{AuthMethod: method, Bearer: bearer(t, team), Meta: meta})
		}
		got, err := login("m", "ENG", map[string]string{"b": "2", "a": "1"})
		if err != nil {
			t.Fatal(err)
		}
		row := got.Token.Row
		if row.AuthMethod != "m" || !row.Local || row.Description != `token created via login: {"a":"1","b":"2"}` || row.Expires != row.Created+int64(time.Hour) || !isUUID(row.SecretID) || row.SecretID == row.AccessorID {
			t.Errorf("made %+v", row)
		}
		if said := fmt.Sprint(row.ServiceIdentities, row.NodeIdentities, got.Token.Policies[0].Name, len(got.Token.Policies), got.Token.Roles[0].Name, len(got.Token.Roles)); said != "[{eng []}] [{n-eng dc1}]p1eng1" {
			t.Errorf("it may %s", said)
		}
		var templates []string
		for _, p := range row.TemplatedPolicies {
			templates = append(templates, p.TemplateName+" "+p.Name)
		}
		slices.Sort(templates)
		if said := strings.Join(templates, ", "); said != "builtin/dns , builtin/service eng, builtin/service other" {
			t.Errorf("with the templates %s", said)
		}
		if got, err := login("everywhere", "any", nil); err != nil || got.Token.Row.Local || got.Token.Row.Expires != 0 || got.Token.Row.Description != "token created via login" {
			t.Errorf("everywhere: %+v, %v", got, err)
		}
		for name, c := range map[string]struct {
			method, team string
			kind         fault.Kind
			want         string
		}{
			"no such method":           {"none", "ENG", fault.Denied, `ACL not found: auth method "none" not found`},
			"no rule":                  {"empty", "ENG", fault.Denied, "Permission denied"},
			"no rule for him":          {"m", "sales", fault.Denied, "Permission denied"},
			"a role that is not there": {"m", "lost", fault.Denied, "Permission denied"},
		} {
			_, err := login(c.method, c.team, nil)
			refused(t, name, err, c.kind, c.want)
		}
		_, err = ask(r, ops.ACLLogin, "", &ops.ACLLoginRequest{AuthMethod: "m", Bearer: strings.Repeat("a", 65537)})
		refused(t, "a long bearer token", err, fault.Rejected, "a bearer token may have 65536 bytes, not 65537")
		if _, err = ask(r, ops.ACLLogin, "", &ops.ACLLoginRequest{AuthMethod: "m", Bearer: strings.Repeat("a", 65536)}); fault.KindOf(err) != fault.Rejected || strings.Contains(err.Error(), "may have") {
			t.Errorf("the longest bearer token: %v", err)
		}

		_, err = ask(r, ops.ACLTokenClone, root, &ops.ACLTokenCloneRequest{AccessorID: row.AccessorID})
		refused(t, "clone it", err, fault.Rejected, "Cannot clone a token created from an auth method")
		if list := must(r, ops.ACLTokenList, &ops.ACLTokenListRequest{AuthMethod: "M"}).Tokens; len(list) != 1 {
			t.Errorf("tokens of the method: %d", len(list))
		}
		_, err = ask(r, ops.ACLLogout, root, &ops.ACLLogoutRequest{})
		refused(t, "log out with another token", err, fault.Denied, "Permission denied: token wasn't created via login")
		_, err = ask(r, ops.ACLLogout, row.SecretID, &ops.ACLLogoutRequest{})
		refused(t, "log out", err, 0, "")
		_, err = ask(r, ops.ACLLogout, row.SecretID, &ops.ACLLogoutRequest{})
		refused(t, "log out again", err, fault.Denied, "ACL not found")
		if _, there := r.Store.Read().ACLToken(nil, row.AccessorID); there != nil {
			t.Error("the token is still there")
		}
	})
}
