package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
)

// acl applies a write and returns the text of its error, "" for none.
func (f *fixture) acl(cmd any) string {
	var result any
	switch c := cmd.(type) {
	case *catalog.ACLPolicyWrite:
		result = f.apply(catalog.ACLPolicyCommand, c)
	case *catalog.ACLRoleWrite:
		result = f.apply(catalog.ACLRoleCommand, c)
	case *catalog.ACLAuthMethodWrite:
		result = f.apply(catalog.ACLAuthMethodCommand, c)
	case *catalog.ACLBindingRuleWrite:
		result = f.apply(catalog.ACLBindingRuleCommand, c)
	case *catalog.ACLTokenWrite:
		result = f.apply(catalog.ACLTokenCommand, c)
	}
	if err, failed := result.(error); failed {
		return err.Error()
	}
	return ""
}

func policies(verb catalog.ACLVerb, pairs ...string) *catalog.ACLPolicyWrite {
	c := &catalog.ACLPolicyWrite{Verb: verb}
	for _, pair := range pairs {
		id, name, _ := strings.Cut(pair, "=")
		c.Policies = append(c.Policies, &catalog.ACLPolicy{ID: id, Name: name})
	}
	return c
}

func roles(verb catalog.ACLVerb, id, name string) *catalog.ACLRoleWrite {
	return &catalog.ACLRoleWrite{Verb: verb, Roles: []*catalog.ACLRole{{ID: id, Name: name, Policies: []string{"p"}}}}
}

func tokens(verb catalog.ACLVerb, accessor, secret string, expires int64) *catalog.ACLTokenWrite {
	return &catalog.ACLTokenWrite{Verb: verb, Tokens: []*catalog.ACLToken{{AccessorID: accessor, SecretID: secret, Expires: expires}}}
}

// fullACL is a write of each kind, with every member in use.
func fullACL() (*catalog.ACLPolicyWrite, *catalog.ACLRoleWrite, *catalog.ACLTokenWrite) {
	services := []catalog.ACLServiceIdentity{{ServiceName: "web", Datacenters: []string{"dc1"}}}
	nodes := []catalog.ACLNodeIdentity{{NodeName: "n1", Datacenter: "dc1"}}
	templates := []catalog.ACLTemplatedPolicy{{TemplateID: "t", TemplateName: "builtin/service", Name: "api", Datacenters: []string{"dc1"}}}
	return &catalog.ACLPolicyWrite{Policies: []*catalog.ACLPolicy{{ID: "P", Name: "Full", Description: "d", Rules: `acl = "read"`, Datacenters: []string{"dc1"}}}},
		&catalog.ACLRoleWrite{Roles: []*catalog.ACLRole{{
			ID: "R", Name: "full", Description: "d", Policies: []string{"P"}, ServiceIdentities: services, NodeIdentities: nodes, TemplatedPolicies: templates,
		}}},
		&catalog.ACLTokenWrite{Bootstrap: true, Tokens: []*catalog.ACLToken{{
			AccessorID: "T", SecretID: "S", Name: "n", Description: "d", Policies: []string{"P"}, Roles: []string{"R"}, ServiceIdentities: services,
			NodeIdentities: nodes, TemplatedPolicies: templates, Local: true, AuthMethod: "m", Expires: 2, Created: 1,
		}}}
}

// fullLogin is a write of each kind that logins are made of.
func fullLogin() (*catalog.ACLAuthMethodWrite, *catalog.ACLBindingRuleWrite) {
	return &catalog.ACLAuthMethodWrite{Methods: []*catalog.ACLAuthMethod{{
			Name: "M", Type: "jwt", DisplayName: "m", Description: "d", MaxTokenTTL: time.Minute, TokenLocality: "global", Config: []byte(`{"a":1}`),
		}}},
		&catalog.ACLBindingRuleWrite{Rules: []*catalog.ACLBindingRule{{
			ID: "B", Description: "d", AuthMethod: "m", Selector: "value.a == b", BindType: "templated-policy", BindName: "builtin/service", BindVars: "${value.a}",
		}}}
}

func TestRulesAndTokensGoWithTheirAuthMethod(t *testing.T) {
	f := newFixture(t)
	method, rule := fullLogin()
	if got, want := f.acl(rule), `cannot find auth method with name "m"`; got != want {
		t.Fatalf("a rule without method: %q, want %q", got, want)
	}
	other := &catalog.ACLBindingRuleWrite{Rules: []*catalog.ACLBindingRule{{ID: "C", AuthMethod: "mm"}}}
	made := &catalog.ACLTokenWrite{Tokens: []*catalog.ACLToken{
		{AccessorID: "1", SecretID: "s1", AuthMethod: "m"}, {AccessorID: "2", SecretID: "s2", AuthMethod: "mm"}, {AccessorID: "3", SecretID: "s3"}}}
	second := &catalog.ACLAuthMethodWrite{Methods: []*catalog.ACLAuthMethod{{Name: "mm"}}}
	for _, write := range []any{method, second, rule, other, made} {
		if text := f.acl(write); text != "" {
			t.Fatal(text)
		}
	}
	tx := f.store.Read()
	if _, list := tx.ACLBindingRules(nil, "M"); len(list) != 1 || list[0].ID != "B" {
		t.Errorf("rules of M: %d", len(list))
	}
	if _, list := tx.ACLBindingRules(nil, ""); len(list) != 2 {
		t.Errorf("%d rules, want 2", len(list))
	}
	was, _ := tx.ACLTokens(nil)
	if text := f.acl(&catalog.ACLAuthMethodWrite{Verb: catalog.ACLDelete, Methods: []*catalog.ACLAuthMethod{{Name: "m"}}}); text != "" {
		t.Fatal(text)
	}
	tx = f.store.Read()
	if _, m := tx.ACLAuthMethod(nil, "M"); m != nil {
		t.Error("the method is still there")
	}
	if _, list := tx.ACLBindingRules(nil, ""); len(list) != 1 || list[0].ID != "C" {
		t.Errorf("rules left: %d", len(list))
	}
	late := &catalog.ACLTokenWrite{Tokens: []*catalog.ACLToken{{AccessorID: "4", SecretID: "s4", AuthMethod: "m"}}}
	if got, want := f.acl(late), `ACL not found: auth method "m" not found`; got != want {
		t.Errorf("a login that was under way: %q, want %q", got, want)
	}
	if index, list := tx.ACLTokens(nil); len(list) != 2 || index == was {
		t.Errorf("%d tokens at %d, want 2 past %d", len(list), index, was)
	}
}

func TestACLRowsHaveIDsAndNamesOfTheirOwn(t *testing.T) {
	f := newFixture(t)
	for _, row := range []struct {
		cmd  any
		want string
	}{
		{policies(catalog.ACLCreate, "=a"), "an ACL policy needs an ID"},
		{policies(catalog.ACLCreate, "p1=a"), ""},
		{policies(catalog.ACLCreate, "P1=b"), `there is an ACL policy "P1"`},
		{policies(catalog.ACLCreate, "p2=A"), `Invalid Policy: A Policy with Name "A" already exists`},
		{policies(catalog.ACLUpdate, "p2=b"), "cannot find policy p2"},
		{policies(catalog.ACLCreate, "p2=b"), ""},
		{policies(catalog.ACLUpdate, "p2=a"), `Invalid Policy: A Policy with Name "a" already exists`},
		{policies(catalog.ACLUpdate, "p2=B"), ""},
		{policies(catalog.ACLPut, "p1=B", "p2=a"), ""}, // they change names
		{policies(catalog.ACLDelete, "p1", "none"), ""},
		{roles(catalog.ACLCreate, "r1", "a"), ""},
		{roles(catalog.ACLCreate, "r2", "a"), `Invalid Role: A Role with Name "a" already exists`},
		{roles(catalog.ACLUpdate, "r2", "b"), "cannot find role r2"},
		{tokens(catalog.ACLCreate, "t1", "", 0), "an ACL token needs a secret"},
		{tokens(catalog.ACLCreate, "t1", "s", 0), ""},
		{tokens(catalog.ACLCreate, "t2", "s", 0), "Invalid Token: SecretID is already in use"},
		{tokens(catalog.ACLCreate, "t2", "S", 0), ""},
		{tokens(catalog.ACLDelete, "t1", "", 0), ""},
		{&catalog.ACLTokenWrite{Tokens: []*catalog.ACLToken{nil}}, "an ACL token needs a secret"},
		{&catalog.ACLRoleWrite{Roles: []*catalog.ACLRole{nil}}, "an ACL role needs an ID"},
	} {
		if got := f.acl(row.cmd); got != row.want {
			t.Errorf("%+v: %q, want %q", row.cmd, got, row.want)
		}
	}
	tx := f.store.Read()
	if _, p := tx.ACLPolicyNamed(nil, "A"); p == nil || p.ID != "p2" {
		t.Errorf("policy a is %+v, want p2", p)
	}
	if _, p := tx.ACLPolicyNamed(nil, "b"); p != nil {
		t.Errorf("policy b is %+v, want none: it was deleted under the name it was given", p)
	}
	if _, token := tx.ACLTokenWithSecret(nil, "s"); token != nil {
		t.Errorf("the deleted token is %+v", token)
	}
	if _, token := tx.ACLTokenWithSecret(nil, "S"); token == nil || token.AccessorID != "t2" {
		t.Errorf("the secret S is of %+v", token)
	}
	if index, list := tx.ACLTokens(nil); len(list) != 1 || index == 0 {
		t.Errorf("%d tokens at index %d", len(list), index)
	}
}

func TestBootstrapSucceedsOnceUntilReset(t *testing.T) {
	f := newFixture(t)
	boot := func(accessor string, reset uint64) string {
		c := tokens(catalog.ACLCreate, accessor, "secret of "+accessor, 0)
		c.Bootstrap, c.ResetIndex = true, reset
		return f.acl(c)
	}
	if got := boot("t1", 0); got != "" {
		t.Fatal(got)
	}
	at := f.index
	refusals := map[uint64]string{
		0:      fmt.Sprintf("ACL bootstrap no longer allowed (reset index: %d)", at),
		at + 1: fmt.Sprintf("Invalid bootstrap reset index (specified %d, reset index: %d)", at+1, at),
	}
	for reset, want := range refusals {
		if got := boot("t2", reset); got != want {
			t.Errorf("reset index %d: %q, want %q", reset, got, want)
		}
	}
	if got := boot("t2", at); got != "" {
		t.Error(got)
	}
	if got := f.store.Read().ACLBootstrapped(); got != f.index {
		t.Errorf("bootstrapped at %d, want %d", got, f.index)
	}
	if got := boot("t3", at); got == "" {
		t.Error("the old reset index was good once more")
	}
}

func TestExpiredTokensAreFoundOldestFirst(t *testing.T) {
	f := newFixture(t)
	now := time.Now()
	for accessor, after := range map[string]time.Duration{"late": time.Hour, "b": -time.Second, "a": -time.Minute, "c": 0} {
		if got := f.acl(tokens(catalog.ACLCreate, accessor, accessor, now.Add(after).UnixNano())); got != "" {
			t.Fatal(got)
		}
	}
	f.acl(tokens(catalog.ACLCreate, "never", "never", 0))
	tx := f.store.Read()
	var got []string
	for _, token := range tx.ACLTokensExpired(now, 10) {
		got = append(got, token.AccessorID)
	}
	if fmt.Sprint(got) != "[a b c]" {
		t.Errorf("expired: %v", got)
	}
	if n := len(tx.ACLTokensExpired(now, 2)); n != 2 {
		t.Errorf("%d of two", n)
	}
	if at := tx.ACLNextExpiry(); at != now.Add(-time.Minute).UnixNano() {
		t.Errorf("the next expires at %d", at)
	}
}

func TestACLHashSaysWhatARowSays(t *testing.T) {
	f := newFixture(t)
	p, r, token := fullACL()
	method, _ := fullLogin()
	f.must(catalog.ACLAuthMethodCommand, method)
	for _, cmd := range []any{p, r, token} {
		if got := f.acl(cmd); got != "" {
			t.Fatal(got)
		}
	}
	_, first := f.store.Read().ACLPolicy(nil, "p")
	p2, _, _ := fullACL()
	p2.Verb = catalog.ACLUpdate
	f.acl(p2)
	_, same := f.store.Read().ACLPolicy(nil, "P")
	p2.Policies[0] = &catalog.ACLPolicy{ID: "P", Name: "Full", Rules: `acl = "write"`}
	f.acl(p2)
	_, other := f.store.Read().ACLPolicy(nil, "P")
	if len(first.Hash) != 32 || string(first.Hash) != string(same.Hash) || string(first.Hash) == string(other.Hash) {
		t.Errorf("hashes %x, written again %x, other rules %x", first.Hash, same.Hash, other.Hash)
	}
	if other.CreateIndex != first.CreateIndex || other.ModifyIndex != f.index {
		t.Errorf("created at %d, changed at %d; want %d, %d", other.CreateIndex, other.ModifyIndex, first.CreateIndex, f.index)
	}
}

func TestACLChangesWakeThoseWhoWatch(t *testing.T) {
	f := newFixture(t)
	f.acl(policies(catalog.ACLCreate, "p1=a", "p2=b"))
	tx := f.store.Read()
	one, all := make(catalog.WatchSet), make(catalog.WatchSet)
	tx.ACLPolicy(one, "p1")
	tx.ACLPolicies(all)
	f.acl(policies(catalog.ACLUpdate, "p2=c"))
	if isWoken(one) || !isWoken(all) {
		t.Errorf("p2 changed: the watcher of p1 woke: %v, of all: %v", isWoken(one), isWoken(all))
	}
	f.acl(policies(catalog.ACLDelete, "p1"))
	if !isWoken(one) {
		t.Error("p1 went, and its watcher sleeps on")
	}
}
