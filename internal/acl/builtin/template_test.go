package builtin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"praetor/internal/acl/builtin"
	"praetor/internal/acl/rules"
)

// TestTemplatesAreListedWithWhatTheyAsk: the list of /v1/acl/templated-policies.
func TestTemplatesAreListedWithWhatTheyAsk(t *testing.T) {
	const zeros = "00000000-0000-0000-0000-00000000000"
	want := []struct {
		id, name string
		variable bool
		called   string // what a bad name is said to be
	}{
		{"3", "builtin/service", true, `service identity "No!" has`},
		{"4", "builtin/node", true, `node identity "No!"  has`},
		{"5", "builtin/dns", false, ""},
		{"6", "builtin/nomad-server", false, ""},
		{"8", "builtin/api-gateway", true, `api gateway "No!" has`},
		{"9", "builtin/nomad-client", false, ""},
	}
	list := builtin.Templates()
	if len(list) != len(want) {
		t.Fatalf("%d templates, want %d", len(list), len(want))
	}
	for i, w := range want {
		got := &list[i]
		if got.ID != zeros+w.id || got.Name != w.name || got.HasVariable() != w.variable || got.Description == "" {
			t.Errorf("%d: %s %s, variable %t, %q", i, got.ID, got.Name, got.HasVariable(), got.Description)
		}
		if strings.Contains(got.Text, "{{.Name}}") != w.variable {
			t.Errorf("%s: its rules have a variable: %t", w.name, !w.variable)
		}
		err := got.Check("No!")
		if w.variable && (err == nil || err.Error() != w.called+" an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed") || !w.variable && err != nil {
			t.Errorf("%s: a bad name: %v", w.name, err)
		}
		var schema struct {
			Type       string
			Properties map[string]struct{ Type string }
			Required   []string
		}
		if !w.variable {
			if got.Schema != "" {
				t.Errorf("%s: it asks for nothing, by %s", w.name, got.Schema)
			}
			continue
		}
		if err := json.Unmarshal([]byte(got.Schema), &schema); err != nil || schema.Type != "object" || schema.Properties["name"].Type != "string" || len(schema.Required) != 1 || schema.Required[0] != "name" {
			t.Errorf("%s: its schema is %s, %v", w.name, got.Schema, err)
		}
	}
	for _, name := range []string{"", "service", "builtin/", "builtin/nope", "BUILTIN/SERVICE"} {
		if _, found := builtin.TemplateNamed(name); found {
			t.Errorf("there is a template %q", name)
		}
	}
	for _, id := range []string{"", "3", zeros + "7", zeros + "1"} {
		if _, found := builtin.TemplateWithID(id); found {
			t.Errorf("there is a template with the ID %q", id)
		}
	}
}

// TestPoliciesOfIdentitiesAreTheSameEverywhere: their IDs follow from their rules alone, so that
// servers need not agree on them.
func TestPoliciesOfIdentitiesAreTheSameEverywhere(t *testing.T) {
	web := builtin.ServiceIdentity("web", []string{"dc1", "dc2"})
	service, _ := builtin.TemplateNamed("builtin/service")
	rendered, err := service.Render("web")
	if err != nil {
		t.Fatal(err)
	}
	if web.ID != rendered.ID || web.Rules != rendered.Rules || web.Name != "synthetic-policy-"+web.ID {
		t.Errorf("an identity and the template of it differ: %+v\n%+v", web, rendered)
	}
	if web.Description != "synthetic policy" || rendered.Description != "synthetic policy generated from templated policy: builtin/service" {
		t.Errorf("they say of themselves %q and %q", web.Description, rendered.Description)
	}
	if len(web.Datacenters) != 2 || rendered.Datacenters != nil {
		t.Errorf("they hold in %v and %v", web.Datacenters, rendered.Datacenters)
	}
	if other := builtin.ServiceIdentity("api", nil); other.ID == web.ID {
		t.Error("two services have one policy")
	}
	node := builtin.NodeIdentity("n1", "dc2")
	if len(node.Datacenters) != 1 || node.Datacenters[0] != "dc2" || node.ID == web.ID || !strings.Contains(node.Rules, `node "n1"`) {
		t.Errorf("of a node: %+v", node)
	}
}

// FuzzNames: no name that is taken says more in the rules than itself.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"web", "a_b-c", "", "a\"", "a\n}", "{{.Name}}", "é", "-", "a\x00"} {
		f.Add(name)
	}
	service, _ := builtin.TemplateNamed("builtin/service")
	f.Fuzz(func(t *testing.T, name string) {
		policy, err := service.Render(name)
		if (err == nil) != builtin.ValidName(name) {
			t.Fatalf("%q: %v", name, err)
		}
		if err != nil {
			return
		}
		if _, err := rules.Parse(policy.Rules); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got, want := strings.Count(policy.Rules, "{"), strings.Count(service.Text, "{\n"); got != want {
			t.Fatalf("%q: the policy has %d rules, want %d:\n%s", name, got, want, policy.Rules)
		}
	})
}
