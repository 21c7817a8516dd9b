package rules

import (
	"fmt"

	"praetor/internal/acl"
)

// Rule is one rule about a resource. The zero value is none.
type Rule struct {
	Resource acl.Resource
	Prefix   bool   // it is about all names that begin with Name
	Name     string // "" for scalars, and as the empty name or prefix
	Access   Access
}

// goesBefore orders rules that decide alike, so that the same one is named each time.
func (r *Rule) goesBefore(other *Rule) bool {
	if other == nil || r.Name != other.Name {
		return other == nil || r.Name < other.Name
	}
	return !r.Prefix && other.Prefix
}

// access is that of a rule, Unset of none.
func (r *Rule) access() Access {
	if r == nil {
		return Unset
	}
	return r.Access
}

// String is the rule as policies spell it: key_prefix "app/" { policy = "write" }. One
// about intentions stands in a rule about a service.
func (r Rule) String() string {
	if r.Access == Unset {
		return ""
	}
	kind, field := r.Resource.String(), "policy"
	switch {
	case r.Resource.IsScalar():
		return fmt.Sprintf("%s = %q", kind, r.Access)
	case r.Resource == intention:
		kind, field = service.String(), "intentions"
	}
	if r.Prefix {
		kind += "_prefix"
	}
	return fmt.Sprintf("%s %q { %s = %q }", kind, r.Name, field, r.Access)
}

// all yields every rule of a policy.
func (p *Policy) all(yield func(Rule) bool) {
	for r := range acl.Resource(acl.Resources) {
		if access := p.scalars[r]; access != Unset && !yield(Rule{Resource: r, Access: access}) {
			return
		}
		for _, named := range []struct {
			prefix bool
			rules  map[string]Access
		}{{false, p.exact[r]}, {true, p.prefix[r]}} {
			for name, access := range named.rules {
				if !yield(Rule{r, named.prefix, name, access}) {
					return
				}
			}
		}
	}
}
