package builtin_test

import (
	"strings"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
	"praetor/internal/acl/rules"
)

func set(t *testing.T, text string) *rules.Set {
	t.Helper()
	p, err := rules.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rules.Merge(p)
}

// want is RESOURCE:NAME=ACCESS, words apart.
func wantAccess(t *testing.T, text, want string) {
	t.Helper()
	s := set(t, text)
	for _, word := range strings.Fields(want) {
		what, access, _ := strings.Cut(word, "=")
		kind, name, _ := strings.Cut(what, ":")
		need, err := acl.ParseNeed(kind, "read", name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Access(need.Resource(), name).String(); got != access {
			t.Errorf("%s: %q, want %q", what, got, access)
		}
	}
}

func TestBuiltinPoliciesGrantWhatTheySay(t *testing.T) {
	all := "agent:a event:a intention:a key:a node:a query:a service:a session:a acl: keyring: mesh: operator: peering: "
	wantAccess(t, builtin.GlobalManagement().Rules, strings.ReplaceAll(all, " ", "=write "))
	wantAccess(t, builtin.GlobalReadOnly().Rules, strings.ReplaceAll(all, " ", "=read "))
	wantAccess(t, builtin.ServiceIdentity("web", nil).Rules, "service:web=write service:web-sidecar-proxy=write service:api=read node:n=read key:k= intention:web=read operator:=")
	wantAccess(t, builtin.NodeIdentity("n1", "dc1").Rules, "node:n1=write node:n2= service:x=read agent:n1=")
}

func TestTemplatesRender(t *testing.T) {
	for name, want := range map[string]string{
		"builtin/service":      "service:web=write service:web-sidecar-proxy=write service:api=read node:n=read",
		"builtin/node":         "node:web=write node:n= service:api=read",
		"builtin/dns":          "node:n=read service:web=read query:q=read key:k=",
		"builtin/nomad-server": "acl:=write agent:a=read node:n=read service:s=write",
		"builtin/api-gateway":  "mesh:=read node:n=read service:web=write service:api=read",
		"builtin/nomad-client": "agent:a=read node:n=read service:s=write key:k=read",
	} {
		template, found := builtin.TemplateNamed(name)
		if !found {
			t.Errorf("no template %s", name)
			continue
		}
		policy, err := template.Render("web", "dc1")
		if err != nil {
			t.Fatal(err)
		}
		wantAccess(t, policy.Rules, want)
		if policy.Name != "synthetic-policy-"+policy.ID || len(policy.Datacenters) != 1 {
			t.Errorf("%s: %+v", name, policy)
		}
		if same, found := builtin.TemplateWithID(template.ID); !found || same != template {
			t.Errorf("%s is not found by its ID", name)
		}
	}
	dns, _ := builtin.TemplateNamed("builtin/dns")
	policy, err := dns.Render("")
	if err != nil {
		t.Fatal(err)
	}
	// The ID is what Consul makes of the text.
	const prefix, suffix = "0a6e6f64655f707265666978202222207b", "5c58d"
	if !strings.HasPrefix(policy.ID, prefix) || !strings.HasSuffix(policy.ID, suffix) {
		t.Errorf("ID %s", policy.ID)
	}
}

func TestNamesThatLeaveTheirQuotesAreRefused(t *testing.T) {
	template, _ := builtin.TemplateNamed("builtin/service")
	for _, name := range []string{"", "Web", "a b", "-a", "a-", "n.x", "a\"", "a\n", strings.Repeat("x", 257), "é"} {
		_, err := template.Render(name)
		if err == nil || !strings.HasPrefix(err.Error(), "service identity ") || !strings.HasSuffix(err.Error(), "Only lowercase alphanumeric characters, '-' and '_' are allowed") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "a_b", "web-1", strings.Repeat("x", 256)} {
		if _, err := template.Render(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
