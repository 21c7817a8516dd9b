package rules_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/acl/rules"
)

// twin decides about keys by looking at every rule each time.
type twin struct{ exact, prefix map[string]string }

var ranks = map[string]int{"deny": 1, "read": 2, "list": 3, "write": 4}

func (w twin) add(to map[string]string, name, policy string) {
	if to[name] != "deny" && (policy == "deny" || ranks[policy] > ranks[to[name]]) {
		to[name] = policy // of several for one name deny wins, else the one that grants most
	}
}

func (w twin) decide(name string) string {
	if p, found := w.exact[name]; found {
		return p
	}
	return w.longest(name)
}

func (w twin) longest(name string) string {
	longest, policy := -1, ""
	for prefix, p := range w.prefix {
		if len(prefix) > longest && strings.HasPrefix(name, prefix) {
			longest, policy = len(prefix), p
		}
	}
	return policy
}

// below is what holds for all names that begin so: a rule for a prefix of them, unless a
// narrower one grants less than write.
func (w twin) below(prefix string) string {
	for _, list := range []map[string]string{w.exact, w.prefix} {
		for name, p := range list {
			if strings.HasPrefix(name, prefix) && p != "write" {
				return "deny"
			}
		}
	}
	return w.longest(prefix)
}

func allows(policy, want string, byDefault bool) bool {
	if policy == "" {
		return byDefault
	}
	return ranks[policy] >= ranks[want]
}

// TestRulesAgreeWithATwin asks random rules over short names about all short names.
func TestRulesAgreeWithATwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"", "a", "b", "aa", "ab", "ba", "aab", "aba", "abc", "b/c"}
	policies := []string{"deny", "read", "list", "write"}
	for round := range 500 {
		w := twin{map[string]string{}, map[string]string{}}
		var parsed []*rules.Policy
		var texts []string
		for range 1 + r.IntN(3) {
			text := ""
			for _, kind := range []string{"key", "key_prefix"} {
				for _, name := range names {
					if r.IntN(4) > 0 {
						continue
					}
					policy := policies[r.IntN(len(policies))]
					text += fmt.Sprintf("%s %q { policy = %q }\n", kind, name, policy)
					if kind == "key" {
						w.add(w.exact, name, policy)
					} else {
						w.add(w.prefix, name, policy)
					}
				}
			}
			texts = append(texts, text)
			parsed = append(parsed, parse(t, text)...)
		}
		set := rules.Merge(parsed...)
		byDefault := r.IntN(2) == 0
		for _, name := range names {
			for _, c := range []struct {
				what string
				need acl.Need
				want bool
			}{
				{"read", acl.Key.Read(name), allows(w.decide(name), "read", byDefault)},
				{"list", acl.Key.List(name), allows(w.decide(name), "list", byDefault)},
				{"write", acl.Key.Write(name), allows(w.decide(name), "write", byDefault)},
				{"write below", acl.Key.WriteBelow(name), allows(w.below(name), "write", byDefault)},
			} {
				if got := set.Allows(c.need, byDefault); got != c.want {
					t.Fatalf("round %d: %s %q, by default %t: %t, want %t, by\n%s", round, c.what, name, byDefault, got, c.want, strings.Join(texts, "---\n"))
				}
			}
		}
	}
}

// TestTheOrderOfPoliciesDoesNotCount merges the same ones in every order.
func TestTheOrderOfPoliciesDoesNotCount(t *testing.T) {
	texts := []string{
		`key_prefix "" { policy = "read" } operator = "write" service "web" { policy = "write" intentions = "deny" }`,
		`key_prefix "a" { policy = "deny" } operator = "deny" service "web" { policy = "read" intentions = "write" }`,
		`key "a" { policy = "write" } mesh = "deny" service_prefix "" { policy = "deny" }`,
	}
	needs := []acl.Need{
		acl.Key.Read("a"), acl.Key.Read("ab"), acl.Key.Write("b"), acl.Operator.Write(), acl.Mesh.Read(), acl.Peering.Write(), acl.Service.Write("web"), acl.Service.Read("db"),
		acl.Intention.Write("web"), acl.Intention.Read("db"), acl.Key.WriteBelow(""), acl.Node.ReadAll(), acl.Service.WriteAny(), acl.ACL.Read(),
	}
	answers := map[string][]int{}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var policies []*rules.Policy
		for _, i := range order {
			policies = append(policies, parse(t, texts[i])...)
		}
		set, answer := rules.Merge(policies...), ""
		for _, n := range needs {
			answer += fmt.Sprint(n.Permission(), "=", set.Allows(n, false), set.Allows(n, true), " ")
		}
		answers[answer] = order
	}
	if len(answers) != 1 {
		t.Errorf("there are %d answers: %v", len(answers), answers)
	}
}
