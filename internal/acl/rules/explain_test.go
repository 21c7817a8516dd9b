package rules_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/acl/rules"
)

// shownExplanation is an explanation in lines: the verdict, the deciding rule, those
// that do not decide.
func shownExplanation(e rules.Explanation) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Allowed)
	for _, s := range append([]rules.Stated{e.Decided}, e.Overridden...) {
		fmt.Fprintf(&b, "%s %v %s\n", s.Rule, s.Policies, s.Why)
	}
	return b.String()
}

// TestExplanationsNameTheDecidingRule: the default policy denies.
func TestExplanationsNameTheDecidingRule(t *testing.T) {
	for _, row := range []struct {
		name     string
		policies []string
		need     acl.Need
		want     string
	}{
		{"no rule", []string{"", `node "a" { policy = "read" }`}, acl.Key.Read("a"), `
false
 [] 
`},
		{"an exact rule", []string{`key "a" { policy = "write" } key_prefix "" { policy = "deny" }`}, acl.Key.Write("a"), `
true
key "a" { policy = "write" } [0] it is about this very name
key_prefix "" { policy = "deny" } [0] a rule nearer to the name decides
`},
		{"the longest prefix", []string{`key_prefix "" { policy = "write" }`, `key_prefix "app/" { policy = "read" } key_prefix "b" { policy = "deny" }`, `key_prefix "a" { policy = "deny" } key "app/x/y" { policy = "write" }`}, acl.Key.Write("app/x"), `
false
key_prefix "app/" { policy = "read" } [1] it is the longest prefix that fits
key_prefix "a" { policy = "deny" } [2] a rule nearer to the name decides
key_prefix "" { policy = "write" } [0] a rule nearer to the name decides
`},
		{"several policies for one name", []string{`service "web" { policy = "write" }`, `service "web" { policy = "deny" }`, `service "web" { policy = "deny" }`, `service "web" { policy = "read" }`}, acl.Service.Read("web"), `
false
service "web" { policy = "deny" } [1 2] it is about this very name
service "web" { policy = "write" } [0] of rules for one name deny counts before write, list and read
service "web" { policy = "read" } [3] of rules for one name deny counts before write, list and read
`},
		{"a scalar", []string{`acl = "read"`, `acl = "write"`}, acl.ACL.Write(), `
true
acl = "write" [1] there is one rule for acl
acl = "read" [0] of rules for one name deny counts before write, list and read
`},
		{"operator for mesh", []string{`operator = "write" acl = "write"`}, acl.Mesh.Write(), `
true
operator = "write" [0] operator decides where mesh is not set
`},
		{"mesh before operator", []string{`operator = "write"`, `mesh = "read"`}, acl.Mesh.Write(), `
false
mesh = "read" [1] there is one rule for mesh
operator = "write" [0] operator counts only where mesh is not set
`},
		{"intentions that are spelled", []string{`service "web" { policy = "write" intentions = "deny" }`, `service "web" { policy = "write" }`}, acl.Intention.Read("web"), `
false
service "web" { intentions = "deny" } [0] it is about this very name
`},
		{"intentions that follow", []string{`service "web" { policy = "read" }`, `service "web" { policy = "write" }`, `service_prefix "" { policy = "write" intentions = "write" }`}, acl.Intention.Write("web"), `
false
service "web" { policy = "write" } [1] it is about this very name
service "web" { policy = "read" } [0] of rules for one name deny counts before write, list and read
service_prefix "" { intentions = "write" } [2] a rule nearer to the name decides
`},
		{"intentions that follow from a prefix", []string{`service_prefix "w" { policy = "read" }`}, acl.Intention.Read("web"), `
true
service_prefix "w" { policy = "read" } [0] it is the longest prefix that fits
`},
		{"a whole prefix", []string{`key_prefix "a" { policy = "write" } key "a/b" { policy = "read" } key "a/a" { policy = "deny" } key "a/c" { policy = "write" } key "b" { policy = "deny" }`}, acl.Key.WriteBelow("a/"), `
false
key "a/a" { policy = "deny" } [0] every rule below the prefix has to grant the right
key "a/b" { policy = "read" } [0] another rule decides
key "a/c" { policy = "write" } [0] another rule decides
key_prefix "a" { policy = "write" } [0] another rule decides
`},
		{"a whole prefix that is granted", []string{`key_prefix "a" { policy = "write" }`}, acl.Key.WriteBelow("a/"), `
true
key_prefix "a" { policy = "write" } [0] it is the longest prefix that fits
`},
		{"a whole prefix without a rule", []string{`key "a/b" { policy = "write" }`}, acl.Key.WriteBelow("a/"), `
false
 [] 
key "a/b" { policy = "write" } [0] it is about narrower names only
`},
		{"every name", []string{`node_prefix "" { policy = "read" } node "x" { policy = "deny" }`}, acl.Node.ReadAll(), `
false
node "x" { policy = "deny" } [0] every rule has to grant the right; this one grants least
node_prefix "" { policy = "read" } [0] another rule decides
`},
		{"every name, and no rule about all", []string{`node_prefix "a" { policy = "read" }`}, acl.Node.ReadAll(), `
false
 [] 
node_prefix "a" { policy = "read" } [0] it is not about every name
`},
		{"any name", []string{`service "b" { policy = "write" } service "a" { policy = "write" } service "c" { policy = "read" }`}, acl.Service.WriteAny(), `
true
service "a" { policy = "write" } [0] one rule that grants the right is enough
service "b" { policy = "write" } [0] another rule decides
service "c" { policy = "read" } [0] another rule decides
`},
		{"any name, granted by none", []string{`service "c" { policy = "read" }`}, acl.Service.WriteAny(), `
false
 [] 
service "c" { policy = "read" } [0] it does not grant the right
`},
		{"intentions of all services, read", []string{`service "a" { policy = "read" }`, `service "b" { policy = "deny" }`}, acl.Intention.Read("*"), `
true
service "a" { policy = "read" } [0] one rule that grants the right is enough
service "b" { policy = "deny" } [1] another rule decides
`},
		{"intentions of all services, write", []string{`service_prefix "" { policy = "write" intentions = "write" } service "a" { policy = "write" }`}, acl.Intention.Write("*"), `
false
service "a" { policy = "write" } [0] every rule has to grant the right; this one grants least
service_prefix "" { intentions = "write" } [0] another rule decides
`},
	} {
		if got := shownExplanation(rules.Explain(parse(t, row.policies...), row.need, false)); got != row.want[1:] {
			t.Errorf("%s: got\n%swant%s", row.name, got, row.want)
		}
	}
}

func TestExplanationsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "key_prefix %q { policy = \"read\" }\n", strings.Repeat("a", i))
	}
	e := rules.Explain(parse(t, text.String()), acl.Key.Write(strings.Repeat("a", 300)), true)
	if e.Allowed || len(e.Decided.Rule.Name) != 199 || len(e.Overridden) != 50 || e.More != 149 || len(e.Overridden[0].Rule.Name) != 198 {
		t.Errorf("%t by %d bytes, %d others and %d more", e.Allowed, len(e.Decided.Rule.Name), len(e.Overridden), e.More)
	}
}

// everyNeed are needs of all resources and scopes about a name.
func everyNeed(name string) (needs []acl.Need) {
	for _, r := range []acl.Named{acl.Agent, acl.Event, acl.Intention, acl.Key, acl.Node, acl.Query, acl.Service, acl.Session} {
		needs = append(needs, r.Read(name), r.List(name), r.Write(name), r.WriteBelow(name), r.ReadAll(), r.WriteAny())
	}
	for _, r := range []acl.Scalar{acl.ACL, acl.Keyring, acl.Mesh, acl.Operator, acl.Peering} {
		needs = append(needs, r.Read(), r.Write())
	}
	return needs
}

// checkAgree wants explanations to say what authorizers do, of every need: the same
// verdict, which the rule that is named bears out, stated by policies that are there.
func checkAgree(t *testing.T, texts []string, name string) {
	t.Helper()
	var policies []*rules.Policy
	for _, text := range texts {
		p, err := rules.Parse(text)
		if err != nil {
			return
		}
		policies = append(policies, p)
	}
	set := rules.Merge(policies...)
	for _, byDefault := range []bool{false, true} {
		az, err := new(rules.Cache).Authorizer("a", texts, byDefault)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range append(everyNeed(name), acl.Intention.Read("*"), acl.Intention.Write("*")) {
			e := rules.Explain(policies, n, byDefault)
			said := fmt.Sprintf("%q: %s on %q, scope %d, by default %t:\n%s", texts, n.Permission(), n.Name(), n.Scope(), byDefault, shownExplanation(e))
			if e.Allowed != set.Allows(n, byDefault) || e.Allowed != az.Allows(n) {
				t.Fatalf("the authorizer says otherwise: %s", said)
			}
			d := e.Decided
			switch {
			case d.Rule.Access == rules.Unset:
				if want := byDefault && n.Resource() != acl.Resource(acl.ACL); e.Allowed != want || len(d.Policies) != 0 {
					t.Fatalf("no rule is named, and the default policy does not say so: %s", said)
				}
			case len(d.Policies) == 0 || d.Why == "" || d.Rule.String() == "":
				t.Fatalf("nobody states the rule: %s", said)
			case d.Rule.Resource == n.Resource() && e.Allowed != d.Rule.Access.Allows(n.Access()):
				t.Fatalf("the rule does not say so: %s", said)
			}
			for _, o := range e.Overridden {
				if o.Rule == d.Rule || o.Why == "" || len(o.Policies) == 0 {
					t.Fatalf("an overridden rule without a reason: %s", said)
				}
			}
		}
	}
}

// TestExplanationsAgreeWithAuthorizers: over policies of few names, so that rules meet.
func TestExplanationsAgreeWithAuthorizers(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	names := []string{"", "a", "a/", "a/b", "ab", "b", "*"}
	policy := func() string {
		var b strings.Builder
		if random.IntN(2) == 0 {
			fmt.Fprintf(&b, "%s = %q\n", pick("acl", "operator", "mesh", "peering", "keyring"), pick("read", "write", "deny"))
		}
		for range random.IntN(5) {
			kind := pick("agent", "event", "key", "node", "query", "service", "service", "session")
			fmt.Fprintf(&b, "%s%s %q {\n policy = %q\n", kind, pick("", "_prefix"), pick(names...), pick("read", "write", "deny"))
			if kind == "service" && random.IntN(2) == 0 {
				fmt.Fprintf(&b, "intentions = %q\n", pick("read", "write", "deny"))
			}
			b.WriteString("}\n")
		}
		return b.String()
	}
	for range 300 {
		texts := make([]string, random.IntN(4))
		for i := range texts {
			texts[i] = policy()
		}
		checkAgree(t, texts, pick(names...))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(`key_prefix "a" { policy = "read" }`, `key "a" { policy = "write" } service "a" { policy = "read" intentions = "write" }`, "a")
	f.Add(`operator = "write" service_prefix "" { policy = "read" }`, `service "*" { policy = "deny" }`, "*")
	f.Fuzz(func(t *testing.T, one, two, name string) { checkAgree(t, []string{one, two}, name) })
}

func TestRulesAreSpelledAsPoliciesSpellThem(t *testing.T) {
	for want, rule := range map[string]rules.Rule{
		"":                                        {},
		`acl = "deny"`:                            {Resource: acl.Resource(acl.ACL), Access: rules.Deny},
		`operator = "read"`:                       {Resource: acl.Resource(acl.Operator), Access: rules.Read},
		`key_prefix "" { policy = "list" }`:       {Resource: acl.Resource(acl.Key), Prefix: true, Access: rules.List},
		`node "a\"b" { policy = "write" }`:        {Resource: acl.Resource(acl.Node), Name: `a"b`, Access: rules.Write},
		`service "web" { intentions = "write" }`:  {Resource: acl.Resource(acl.Intention), Name: "web", Access: rules.Write},
		`service_prefix "w" { policy = "write" }`: {Resource: acl.Resource(acl.Service), Prefix: true, Name: "w", Access: rules.Write},
	} {
		if got := rule.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		} else if _, err := rules.Parse(got); err != nil && rule.Resource != acl.Resource(acl.Intention) {
			t.Errorf("%s: %v", got, err)
		}
	}
}
