package rules

import (
	"slices"
	"strings"

	"praetor/internal/acl"
)

// Set is what several policies grant together.
type Set struct {
	scalars [acl.Resources]*Rule // nil where none is set
	named   [acl.Resources]matcher
}

// matcher finds the rule that decides on a name.
type matcher struct {
	exact   map[string]*Rule
	prefix  map[string]*Rule
	lengths []int // of the prefixes, longest first
}

// Merge unites policies, whose order does not count: for each name the higher
// Access holds. The policies are not changed.
func Merge(policies ...*Policy) *Set {
	var sum Policy
	for _, p := range policies {
		for r, access := range p.scalars {
			sum.scalars[r] = max(sum.scalars[r], access)
		}
		for r := range acl.Resource(acl.Resources) {
			for name, access := range p.exact[r] {
				add(&sum.exact, r, name, access)
			}
			for name, access := range p.prefix[r] {
				add(&sum.prefix, r, name, access)
			}
		}
	}
	deriveIntentions(&sum.exact)
	deriveIntentions(&sum.prefix)
	return newSet(&sum)
}

// deriveIntentions gives a service rule that says nothing of intentions the right
// to read them where it grants any right.
func deriveIntentions(rules *byName) {
	for name, access := range rules[service] {
		if rules[intention][name] != Unset {
			continue
		}
		if access == Deny {
			add(rules, intention, name, Deny)
		} else {
			add(rules, intention, name, Read)
		}
	}
}

func newSet(sum *Policy) *Set {
	s := new(Set)
	for r := range s.named {
		s.named[r] = matcher{exact: make(map[string]*Rule, len(sum.exact[r])), prefix: make(map[string]*Rule, len(sum.prefix[r]))}
	}
	for rule := range sum.all {
		m := &s.named[rule.Resource]
		switch {
		case rule.Resource.IsScalar():
			s.scalars[rule.Resource] = &rule
		case rule.Prefix:
			m.prefix[rule.Name] = &rule
			m.lengths = append(m.lengths, len(rule.Name))
		default:
			m.exact[rule.Name] = &rule
		}
	}
	for r := range s.named {
		m := &s.named[r]
		slices.Sort(m.lengths)
		m.lengths = slices.Compact(m.lengths)
		slices.Reverse(m.lengths)
	}
	return s
}

// decide returns the rule for a name: the exact one, else the longest prefix.
func (m *matcher) decide(name string) *Rule {
	if rule := m.exact[name]; rule != nil {
		return rule
	}
	return m.longest(name)
}

// longest returns the longest rule for a prefix of a name.
func (m *matcher) longest(name string) *Rule {
	for _, n := range m.lengths {
		if n > len(name) {
			continue
		}
		if rule := m.prefix[name[:n]]; rule != nil {
			return rule
		}
	}
	return nil
}

// all yields every rule.
func (m *matcher) all(yield func(*Rule) bool) {
	for _, rules := range []map[string]*Rule{m.exact, m.prefix} {
		for _, rule := range rules {
			if !yield(rule) {
				return
			}
		}
	}
}

// Access returns what holds for a name, which scalar resources ignore; Unset if no
// rule is about it.
func (s *Set) Access(r acl.Resource, name string) Access { return s.one(r, name).access() }

// one returns the rule that decides on a name. Mesh and peering follow from operator
// where they are not set.
func (s *Set) one(r acl.Resource, name string) *Rule {
	switch {
	case !r.IsScalar():
		return s.named[r].decide(name)
	case s.scalars[r] == nil && (r == mesh || r == peering):
		return s.scalars[operator]
	}
	return s.scalars[r]
}

// below returns the rule that decides on every name that begins so: the longest for a
// prefix of it, or a narrower one that does not grant want. A narrower rule takes away
// and never gives, and one for an exact name is about no longer name: without a rule for
// the prefix none decides.
func (s *Set) below(r acl.Resource, prefix string, want acl.Access) *Rule {
	m := &s.named[r]
	var refusing *Rule
	for rule := range m.all {
		if strings.HasPrefix(rule.Name, prefix) && !rule.Access.Allows(want) && rule.goesBefore(refusing) {
			refusing = rule
		}
	}
	if refusing != nil {
		return refusing
	}
	return m.longest(prefix)
}

// rank orders rules by what they grant. No rule ranks highest: a narrower rule
// may only take away from it.
func rank(a Access) int {
	switch a {
	case Deny:
		return 0
	case Unset:
		return len(accessNames)
	}
	return int(a)
}

// any returns a rule for the resource that allows want, if there is one.
func (s *Set) any(r acl.Resource, want acl.Access) (found *Rule) {
	for rule := range s.named[r].all {
		if rule.Access.Allows(want) && rule.goesBefore(found) {
			found = rule
		}
	}
	return found
}

// every returns the rule for the resource that grants least, if there is one.
func (s *Set) every(r acl.Resource) (least *Rule) {
	for rule := range s.named[r].all {
		if before := rank(rule.Access) - rank(least.access()); before < 0 || before == 0 && rule.goesBefore(least) {
			least = rule
		}
	}
	return least
}

// everywhere returns the rule that decides on every name there may be.
func (s *Set) everywhere(r acl.Resource) *Rule {
	least := s.every(r)
	if s.named[r].prefix[""] == nil && least.access() != Deny {
		return nil
	}
	return least
}

// wildcard is the name that intentions have for every service.
const wildcard = "*"

// decide returns the rule that a need is decided by; nil if none is about it.
func (s *Set) decide(n acl.Need) *Rule {
	r, want := n.Resource(), n.Access()
	switch {
	case n.Scope() == acl.Any, r == intention && n.Name() == wildcard && want == acl.Read:
		return s.any(r, want)
	case r == intention && n.Name() == wildcard:
		return s.every(r)
	case n.Scope() == acl.Below:
		return s.below(r, n.Name(), want)
	case n.Scope() == acl.All:
		return s.everywhere(r)
	}
	return s.one(r, n.Name())
}

// Allows reports whether the rules grant a need. byDefault says so where no rule is
// about it; the right to manage ACLs is never granted by default.
func (s *Set) Allows(n acl.Need, byDefault bool) bool {
	access := s.decide(n).access()
	if access == Unset {
		return byDefault && n.Resource() != acl.Resource(acl.ACL)
	}
	return access.Allows(n.Access())
}
