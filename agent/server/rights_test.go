package server_test

import (
	"context"
	"slices"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

// deciding resolves every token but "unknown" to what a function allows.
type deciding func(acl.Need) bool

// onlyRules stands for the function: a server has one.
const onlyRules = "what the test allows"

func (allows deciding) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	switch token {
	case "unknown":
		return nil, fault.New(fault.Denied, "ACL not found")
	case "":
		return acl.NewFrom(acl.AnonymousAccessor, onlyRules, allows), nil
	}
	return acl.NewFrom("acc", onlyRules, allows), nil
}

// rights allow every token what is listed and nothing else.
type rights []acl.Need

func (r rights) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	return deciding(func(n acl.Need) bool { return slices.Contains(r, n) }).Resolve(ctx, token)
}

// limited allows everything without a token, and what its resolver says with one.
type limited struct{ acl.Resolver }

func (l limited) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	if token == "" {
		return acl.Unrestricted, nil
	}
	return l.Resolver.Resolve(ctx, token)
}

// switched is a resolver that a test may exchange.
type switched struct{ acl.Resolver }

var _ acl.Resolver = limited{}
