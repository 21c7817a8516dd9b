package server_test

import (
	"context"
	"slices"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

// deciding resolves every token but "unknown" to what a function allows.
type deciding func(acl.Need) bool

func (allows deciding) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	switch token {
	case "unknown":
		return nil, fault.New(fault.Denied, "ACL not found")
	case "":
		return acl.New(acl.AnonymousAccessor, allows), nil
	}
	return acl.New("acc", allows), nil
}

// rights allow every token what is listed and nothing else.
type rights []acl.Need

func (r rights) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	return deciding(func(n acl.Need) bool { return slices.Contains(r, n) }).Resolve(ctx, token)
}

func (r rights) authorizer() *acl.Authorizer {
	az, _ := r.Resolve(context.Background(), "t")
	return az
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
