package rules

import (
	"slices"
	"strings"

	"praetor/internal/acl"
)

// Set is what several policies grant together.
type Set struct {
	scalars [acl.Resources]Access
	named   [acl.Resources]matcher
}

// matcher finds the rule that decides on a name.
type matcher struct {
	exact   map[string]Access
	prefix  map[string]Access
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
	s := &Set{scalars: sum.scalars}
	for r := range acl.Resource(acl.Resources) {
		s.named[r] = newMatcher(sum.exact[r], sum.prefix[r])
	}
	return s
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

func newMatcher(exact, prefix map[string]Access) matcher {
	m := matcher{exact: exact, prefix: prefix}
	for name := range prefix {
		m.lengths = append(m.lengths, len(name))
	}
	slices.Sort(m.lengths)
	m.lengths = slices.Compact(m.lengths)
	slices.Reverse(m.lengths)
	return m
}

// decide returns the rule for a name: the exact one, else the longest prefix.
func (m *matcher) decide(name string) Access {
	if access, found := m.exact[name]; found {
		return access
	}
	for _, n := range m.lengths {
		if n > len(name) {
			continue
		}
		if access, found := m.prefix[name[:n]]; found {
			return access
		}
	}
	return Unset
}

// all yields every rule.
func (m *matcher) all(yield func(name string, access Access) bool) {
	for _, rules := range []map[string]Access{m.exact, m.prefix} {
		for name, access := range rules {
			if !yield(name, access) {
				return
			}
		}
	}
}

// Access returns the rule that decides on a name, which scalar resources ignore;
// Unset if there is none. Mesh and peering follow from operator where they are
// not set.
func (s *Set) Access(r acl.Resource, name string) Access {
	if !r.IsScalar() {
		return s.named[r].decide(name)
	}
	if access := s.scalars[r]; access != Unset || r != mesh && r != peering {
		return access
	}
	return s.scalars[operator]
}

// Below returns the least that is granted on a prefix and everything narrower:
// the rule for the prefix itself, or the lowest one below it. Deny is the lowest;
// Unset is returned if there is no rule for the prefix and none below refuses.
func (s *Set) Below(r acl.Resource, prefix string) Access {
	m := &s.named[r]
	least := m.decide(prefix)
	for name, access := range m.all {
		if strings.HasPrefix(name, prefix) && rank(access) < rank(least) {
			least = access
		}
	}
	return least
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

// any reports whether any rule for the resource allows want.
func (s *Set) any(r acl.Resource, want acl.Access) bool {
	for _, access := range s.named[r].all {
		if access.Allows(want) {
			return true
		}
	}
	return false
}

// every returns what all rules for the resource grant at least, Unset if there are
// none.
func (s *Set) every(r acl.Resource) Access {
	least := Unset
	for _, access := range s.named[r].all {
		if rank(access) < rank(least) {
			least = access
		}
	}
	return least
}

// everywhere returns what holds for every name there may be.
func (s *Set) everywhere(r acl.Resource) Access {
	least := s.every(r)
	if _, whole := s.named[r].prefix[""]; !whole && least != Deny {
		return Unset
	}
	return least
}

// wildcard is the name that intentions have for every service.
const wildcard = "*"

// Allows reports whether the rules grant a need. byDefault says so where no rule is
// about it; the right to manage ACLs is never granted by default.
func (s *Set) Allows(n acl.Need, byDefault bool) bool {
	r, want := n.Resource(), n.Access()
	var access Access
	switch {
	case n.Scope() == acl.Any, r == intention && n.Name() == wildcard && want == acl.Read:
		return byDefault || s.any(r, want)
	case r == intention && n.Name() == wildcard:
		access = s.every(r)
	case n.Scope() == acl.Below:
		access = s.Below(r, n.Name())
	case n.Scope() == acl.All:
		access = s.everywhere(r)
	default:
		access = s.Access(r, n.Name())
	}
	if access == Unset {
		return byDefault && r != acl.Resource(acl.ACL)
	}
	return access.Allows(want)
}
