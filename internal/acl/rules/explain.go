package rules

import (
	"cmp"
	"slices"
	"strings"

	"praetor/internal/acl"
)

// Explanation says why policies together grant a need or refuse it.
type Explanation struct {
	Allowed    bool
	Decided    Stated   // the zero value if no rule is about the need: the default policy decides
	Overridden []Stated // other rules that are about it, the nearest first
	More       int      // how many are left out of Overridden
}

// Stated is a rule and who states it.
type Stated struct {
	Rule     Rule
	Policies []int // by their places
	Why      string
}

// maxOverridden bounds the rules of an Explanation that do not decide.
const maxOverridden = 50

// Explain decides about a need as a Set of the policies does, and says by which rule.
func Explain(policies []*Policy, n acl.Need, byDefault bool) Explanation {
	set := Merge(policies...)
	e := Explanation{Allowed: set.Allows(n, byDefault)}
	x := explainer{policies: policies, need: n}
	if rule := set.decide(n); rule != nil {
		x.decided = *rule
	}
	decided := x.spelled(set)
	for _, s := range x.stated() {
		if s.Rule == decided {
			s.Why = x.why()
			e.Decided = s
			continue
		}
		s.Why = x.whyNot(s.Rule, decided)
		e.Overridden = append(e.Overridden, s)
	}
	if n := len(e.Overridden); n > maxOverridden {
		e.Overridden, e.More = e.Overridden[:maxOverridden], n-maxOverridden
	}
	return e
}

type explainer struct {
	policies []*Policy
	need     acl.Need
	decided  Rule // as the set has it; the zero value for none
}

// spelled is the deciding rule as a policy spells it: a right to intentions may follow
// from what a rule grants on the service.
func (x *explainer) spelled(set *Set) Rule {
	d := x.decided
	if d.Resource != intention || d.Access == Unset || x.isSpelled(d) {
		return d
	}
	if d.Prefix {
		return *set.named[service].prefix[d.Name]
	}
	return *set.named[service].exact[d.Name]
}

// isSpelled reports whether a policy says something of intentions where a rule is.
func (x *explainer) isSpelled(rule Rule) bool {
	return slices.ContainsFunc(x.policies, func(p *Policy) bool {
		named := &p.exact
		if rule.Prefix {
			named = &p.prefix
		}
		return named[intention][rule.Name] != Unset
	})
}

// stated lists the rules that are about the need, each once with all that state it:
// exact ones, then prefixes, the longest first.
func (x *explainer) stated() (all []Stated) {
	places := map[Rule]int{}
	for i, p := range x.policies {
		for rule := range p.all {
			if !x.isAbout(rule) {
				continue
			}
			place, known := places[rule]
			if !known {
				place = len(all)
				places[rule] = place
				all = append(all, Stated{Rule: rule})
			}
			all[place].Policies = append(all[place].Policies, i)
		}
	}
	slices.SortFunc(all, func(a, b Stated) int { return a.Rule.compare(b.Rule) })
	return all
}

// compare orders rules by how near they are to one name.
func (r Rule) compare(other Rule) int {
	if r.Prefix != other.Prefix {
		if other.Prefix {
			return -1
		}
		return 1
	}
	return cmp.Or(len(other.Name)-len(r.Name), strings.Compare(r.Name, other.Name), int(r.Resource)-int(other.Resource), int(other.Access)-int(r.Access))
}

// isAbout reports whether a rule could have a say in the need.
func (x *explainer) isAbout(rule Rule) bool {
	r, name := x.need.Resource(), x.need.Name()
	switch {
	case r.IsScalar():
		return rule.Resource == r || rule.Resource == operator && (r == mesh || r == peering)
	case r == intention && rule.Resource == service:
		if x.isSpelled(rule) {
			return false
		}
	case rule.Resource != r:
		return false
	}
	switch {
	case x.need.Scope() == acl.All, x.need.Scope() == acl.Any, r == intention && name == wildcard:
		return true
	case rule.Prefix && strings.HasPrefix(name, rule.Name):
		return true
	case x.need.Scope() == acl.Below:
		return strings.HasPrefix(rule.Name, name)
	}
	return !rule.Prefix && rule.Name == name
}

// why says by what right the deciding rule decides.
func (x *explainer) why() string {
	d, n := x.decided, x.need
	switch {
	case d.Resource.IsScalar() && d.Resource != n.Resource():
		return "operator decides where " + n.Resource().String() + " is not set"
	case d.Resource.IsScalar():
		return "there is one rule for " + d.Resource.String()
	case n.Scope() == acl.Any, d.Resource == intention && n.Name() == wildcard && n.Access() == acl.Read:
		return "one rule that grants the right is enough"
	case n.Scope() == acl.All, d.Resource == intention && n.Name() == wildcard:
		return "every rule has to grant the right; this one grants least"
	case n.Scope() == acl.Below && strings.HasPrefix(d.Name, n.Name()) && !d.Access.Allows(n.Access()):
		return "every rule below the prefix has to grant the right"
	case d.Prefix:
		return "it is the longest prefix that fits"
	}
	return "it is about this very name"
}

// whyNot says why a rule that is about the need does not decide.
func (x *explainer) whyNot(rule, decided Rule) string {
	switch {
	case decided.Access == Unset && x.need.Scope() == acl.Below:
		return "it is about narrower names only"
	case decided.Access == Unset && x.need.Scope() == acl.All:
		return "it is not about every name"
	case decided.Access == Unset:
		return "it does not grant the right"
	case rule.Resource == decided.Resource && rule.Prefix == decided.Prefix && rule.Name == decided.Name:
		return "of rules for one name deny counts before write, list and read"
	case rule.Resource.IsScalar():
		return "operator counts only where " + x.need.Resource().String() + " is not set"
	case x.need.Scope() == acl.One && (x.need.Resource() != intention || x.need.Name() != wildcard):
		return "a rule nearer to the name decides"
	}
	return "another rule decides"
}
