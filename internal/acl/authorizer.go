package acl

import (
	"context"
	"fmt"

	"praetor/internal/fault"
)

// AnonymousAccessor is the public name of the token of those who sent none.
const AnonymousAccessor = "00000000-0000-0000-0000-000000000002"

// Resolver turns a secret token into what it may do. It may have to ask a server,
// and gives up when ctx ends. The empty token is the anonymous one. An unknown
// token is an error of kind fault.Denied. What is returned stands for the rules as they
// are now: a blocking read asks again when they change.
type Resolver interface {
	Resolve(ctx context.Context, token string) (*Authorizer, error)
}

// Authorizer answers what one token may do. The zero value, and nil, allow
// nothing.
type Authorizer struct {
	accessor string
	allows   func(Need) bool // nil: nothing
	rules    any             // what allows goes by: equal for equal rules
}

// New returns the authorizer of a token, by its public name. allows decides about
// every need, and may be called by any goroutine at once.
func New(accessor string, allows func(Need) bool) *Authorizer {
	return &Authorizer{accessor: accessor, allows: allows}
}

// NewFrom is New for an authorizer that goes by rules, a comparable value: two with
// the same rules decide alike.
func NewFrom(accessor string, rules any, allows func(Need) bool) *Authorizer {
	return &Authorizer{accessor, allows, rules}
}

// DecidesAs reports whether b is known to decide as a does.
func (a *Authorizer) DecidesAs(b *Authorizer) bool {
	return a == b || a != nil && b != nil && a.rules != nil && a.rules == b.rules
}

// Unrestricted is the authorizer of everybody where there are no rules.
var Unrestricted = New("", func(Need) bool { return true })

// Unrestricted reports whether nothing is hidden and nothing refused, so that
// lists need not be looked through.
func (a *Authorizer) Unrestricted() bool { return a == Unrestricted }

// Allows reports whether the token may do what is asked.
func (a *Authorizer) Allows(n Need) bool {
	return a == Unrestricted || a != nil && a.allows != nil && n.access != 0 && a.allows(n)
}

// Check refuses what the token may not do, in the words that clients know
// (reference/security.md §2).
func (a *Authorizer) Check(n Need) error {
	if a.Allows(n) {
		return nil
	}
	on := n.subject()
	if on != "" {
		on = fmt.Sprintf(" on %q", on)
	}
	if a.Accessor() == AnonymousAccessor {
		return fault.New(fault.Denied, "Permission denied: anonymous token lacks permission '%s'%s. "+
			"The anonymous token is used implicitly when a request does not specify a token.", n.Permission(), on)
	}
	return fault.New(fault.Denied, "Permission denied: token with AccessorID '%s' lacks permission '%s'%s", a.Accessor(), n.Permission(), on)
}

// Accessor is the public name of the token.
func (a *Authorizer) Accessor() string {
	if a == nil {
		return ""
	}
	return a.accessor
}

// ErrDenied is the refusal of the few places that do not say what is missing.
var ErrDenied = fault.New(fault.Denied, "Permission denied")

// AllowAll resolves every token where there are no rules.
type AllowAll struct{}

// Resolve implements Resolver.
func (AllowAll) Resolve(context.Context, string) (*Authorizer, error) { return Unrestricted, nil }

var _ Resolver = AllowAll{}
