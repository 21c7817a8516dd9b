package kernel

import (
	"context"

	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// Rule is what an operation asks of its caller's token. Every operation has one:
// Handle takes none without.
type Rule struct {
	how  string
	what string
	open bool
	need func(rpc.Message) acl.Need // nil: the handler sees to it
}

// Needs is the rule of an operation that asks for one right, known from its
// request. It is asked before the handler runs.
func Needs[Req any](need func(*Req) acl.Need) Rule {
	return Rule{how: "needs", need: func(req rpc.Message) acl.Need { return need(any(req).(*Req)) }}
}

// NeedsAlways is Needs for a right that does not depend on the request.
func NeedsAlways(need acl.Need) Rule {
	return Rule{how: "needs", need: func(rpc.Message) acl.Need { return need }}
}

// FilteredBy is the rule of a list, of which everybody may see what he has the
// rights named for.
func FilteredBy(rights string) Rule { return Rule{how: "filtered by", what: rights} }

// Decides is the rule of an operation whose handler asks itself, since what it
// asks for depends on more than the request.
func Decides(rights string) Rule { return Rule{how: "decides by", what: rights} }

// Known is the rule of an operation for every token that there is.
func Known(why string) Rule { return Rule{how: "known token", what: why} }

// Open is the rule of an operation that does not look at the token, not even
// whether there is one.
func Open(why string) Rule { return Rule{how: "open", what: why, open: true} }

// IsOpen reports whether the operation does not look at the token.
func (r Rule) IsOpen() bool { return r.open }

// Need is what a request needs before its handler runs; false if the handler, or
// nobody, asks.
func (r Rule) Need(req rpc.Message) (acl.Need, bool) {
	if r.need == nil {
		return acl.Need{}, false
	}
	return r.need(req), true
}

// Describe words the rule for a request.
func (r Rule) Describe(req rpc.Message) string {
	if need, ok := r.Need(req); ok {
		return r.how + " " + need.Permission()
	}
	return r.how + ": " + r.what
}

// admit resolves a request's token, once, and asks for what the rule says.
func (r Rule) admit(ctx context.Context, resolver acl.Resolver, req rpc.Message) (*acl.Authorizer, error) {
	if r.open {
		return nil, nil // allows nothing
	}
	_, token, _ := req.(rpc.Routed).Target()
	az, err := resolver.Resolve(ctx, token)
	if err != nil || r.need == nil || az.Unrestricted() {
		return az, err
	}
	return az, az.Check(r.need(req))
}
