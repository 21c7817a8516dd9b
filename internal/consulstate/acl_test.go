package consulstate_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/consulstate"
)

const (
	aPolicy = "40404040-0000-0000-0000-0000000000c1"
	aRole   = "40404040-0000-0000-0000-0000000000c2"
	aRule   = "40404040-0000-0000-0000-0000000000c4"
	aToken  = "40404040-0000-0000-0000-0000000000c3"
)

// binaryTime is a time as Consul's codec writes it.
func binaryTime(t testing.TB, at time.Time) string {
	t.Helper()
	b, err := at.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func consulGrants(more row) row {
	r := row{
		"Policies": []any{row{"ID": aPolicy, "Name": ""}}, "ServiceIdentities": []any{row{"ServiceName": "web", "Datacenters": []any{"dc1"}}},
		"NodeIdentities":    []any{row{"NodeName": "n1", "Datacenter": "dc1"}},
		"TemplatedPolicies": []any{row{"TemplateID": "t", "TemplateName": "builtin/service", "TemplateVariables": row{"Name": "api"}, "Datacenters": nil}},
		"Hash":              "\x00\xff", "EnterpriseMeta": row{}, "CreateIndex": 11, "ModifyIndex": 12,
	}
	for k, v := range more {
		r[k] = v
	}
	return r
}

func consulACLs(t testing.TB, more ...any) []byte {
	created := time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)
	records := []any{
		consulToken, consulGrants(row{
			"AccessorID": aToken, "SecretID": "s1", "Description": "d", "Roles": []any{row{"ID": aRole, "Name": ""}}, "Local": true, "AuthMethod": "m",
			"ExpirationTime": binaryTime(t, created.Add(time.Hour)), "ExpirationTTL": 0, "CreateTime": binaryTime(t, created), "Rules": "",
		}),
		consulToken, row{"AccessorID": "00000000-0000-0000-0000-000000000002", "SecretID": "anonymous", "Policies": nil, "Roles": nil, "ExpirationTime": nil,
			"CreateTime": binaryTime(t, time.Time{}), "CreateIndex": 5, "ModifyIndex": 5},
		consulToken, row{"AccessorID": "", "SecretID": "old", "Type": "client"},
		consulPolicy, row{"ID": aPolicy, "Name": "p", "Description": "", "Rules": `key "a" { policy = "read" }`, "Syntax": "", "Datacenters": []any{"dc1"}, "Hash": "\x01", "CreateIndex": 9, "ModifyIndex": 10},
		consulRole, consulGrants(row{"ID": aRole, "Name": "r", "Description": "d"}),
		consulIndex, row{"Key": "acl-tokens", "Value": 12},
		consulMethod, row{"Name": "m", "Type": "jwt", "DisplayName": "", "Description": "d", "MaxTokenTTL": int64(time.Hour), "TokenLocality": "local",
			"Config": row{"JWTValidationPubKeys": []any{"k"}, "BoundIssuer": []byte("me")}, "CreateIndex": 3, "ModifyIndex": 4},
		consulRule, row{"ID": aRule, "Description": "", "AuthMethod": "m", "Selector": "value.a == b", "BindType": "templated-policy", "BindName": "builtin/service",
			"BindVars": row{"Name": "${value.name}"}, "CreateIndex": 5, "ModifyIndex": 6},
		consulRule, row{"ID": aRole, "AuthMethod": "m", "BindType": "role", "BindName": "r", "BindVars": nil},
	}
	return consulState(t, 40, append(records, more...)...)
}

func TestTokensPoliciesAndRolesOfConsulAreImported(t *testing.T) {
	s := catalog.New()
	found, err := consulstate.Import(s, bytes.NewReader(consulACLs(t, consulIndex, row{"Key": "acl-token-bootstrap", "Value": 7})))
	if err != nil {
		t.Fatal(err)
	}
	if want := (map[string]int{"ACLToken (without accessor)": 1}); text(found.Skipped) != text(want) {
		t.Errorf("skipped %v, want %v", found.Skipped, want)
	}
	services := []catalog.ACLServiceIdentity{{ServiceName: "web", Datacenters: []string{"dc1"}}}
	nodes := []catalog.ACLNodeIdentity{{NodeName: "n1", Datacenter: "dc1"}}
	templates := []catalog.ACLTemplatedPolicy{{TemplateID: "t", TemplateName: "builtin/service", Name: "api"}}
	created := time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)
	tx := s.Read()
	index, token := tx.ACLTokenWithSecret(nil, "s1")
	if token == nil || len(token.Hash) != 32 {
		t.Fatalf("token: %s", text(token))
	}
	want := &catalog.ACLToken{
		AccessorID: aToken, SecretID: "s1", Description: "d", Policies: []string{aPolicy}, Roles: []string{aRole}, ServiceIdentities: services, NodeIdentities: nodes,
		TemplatedPolicies: templates, Local: true, AuthMethod: "m", Created: created.UnixNano(), Expires: created.Add(time.Hour).UnixNano(),
		Hash: token.Hash, CreateIndex: 11, ModifyIndex: 12,
	}
	if text(token) != text(want) || index != 12 {
		t.Errorf("token at %d: %s\nwant %s", index, text(token), text(want))
	}
	if _, anonymous := tx.ACLToken(nil, "00000000-0000-0000-0000-000000000002"); anonymous == nil || anonymous.Created != 0 || anonymous.Expires != 0 {
		t.Errorf("anonymous token: %s", text(anonymous))
	}
	if _, p := tx.ACLPolicyNamed(nil, "p"); p == nil || p.Rules != `key "a" { policy = "read" }` || p.ID != aPolicy || len(p.Hash) != 32 || text(p.Datacenters) != `["dc1"]` || p.ModifyIndex != 10 {
		t.Errorf("policy: %s", text(p))
	}
	if _, r := tx.ACLRole(nil, aRole); r == nil || r.Name != "r" || text(r.Policies) != text([]string{aPolicy}) || text(r.ServiceIdentities) != text(services) ||
		text(r.NodeIdentities) != text(nodes) || text(r.TemplatedPolicies) != text(templates) || len(r.Hash) != 32 {
		t.Errorf("role: %s", text(r))
	}
	method := &catalog.ACLAuthMethod{Name: "m", Type: "jwt", Description: "d", MaxTokenTTL: time.Hour, TokenLocality: "local",
		Config: []byte(`{"BoundIssuer":"me","JWTValidationPubKeys":["k"]}`), CreateIndex: 3, ModifyIndex: 4}
	if _, m := tx.ACLAuthMethod(nil, "m"); text(m) != text(method) {
		t.Errorf("method: %s\nwant %s", text(m), text(method))
	}
	rule := &catalog.ACLBindingRule{ID: aRule, AuthMethod: "m", Selector: "value.a == b", BindType: "templated-policy", BindName: "builtin/service",
		BindVars: "${value.name}", CreateIndex: 5, ModifyIndex: 6}
	if _, rules := tx.ACLBindingRules(nil, "m"); len(rules) != 2 || text(rules[slices.IndexFunc(rules, func(r *catalog.ACLBindingRule) bool { return r.ID == aRule })]) != text(rule) {
		t.Errorf("rules: %s\nwant %s", text(rules), text(rule))
	}
	if at := tx.ACLBootstrapped(); at != 7 {
		t.Errorf("bootstrapped at %d, want 7", at)
	}
	if _, all := tx.ACLTokens(nil); len(all) != 2 {
		t.Errorf("%d tokens", len(all))
	}
	restoresToItself(t, s)

	// Whoever has tokens is past the bootstrap, whether or not the file says when.
	if _, err := consulstate.Import(s, bytes.NewReader(consulACLs(t))); err != nil || s.Read().ACLBootstrapped() == 0 {
		t.Errorf("bootstrapped at %d, %v without a record of it", s.Read().ACLBootstrapped(), err)
	}
	if _, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40))); err != nil || s.Read().ACLBootstrapped() != 0 {
		t.Errorf("bootstrapped at %d, %v without a token", s.Read().ACLBootstrapped(), err)
	}
}

func TestDamagedTokensAreRefused(t *testing.T) {
	for name, bad := range map[string]row{
		"a time":     {"AccessorID": "a", "SecretID": "b", "CreateTime": "yesterday"},
		"a number":   {"AccessorID": "a", "SecretID": "b", "ExpirationTime": 5},
		"a list":     {"AccessorID": "a", "SecretID": "b", "NodeIdentities": "n"},
		"two secret": {"AccessorID": "a", "SecretID": "s1"},
	} {
		s := catalog.New()
		if _, err := consulstate.Import(s, bytes.NewReader(consulACLs(t, consulToken, bad))); err == nil || strings.Contains(err.Error(), "s1") {
			t.Errorf("%s: %v", name, err)
		}
		if _, all := s.Read().ACLTokens(nil); len(all) > 0 {
			t.Errorf("%s: %d tokens are there", name, len(all))
		}
	}
}
