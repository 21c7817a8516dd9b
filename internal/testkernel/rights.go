package testkernel

import (
	"context"
	"slices"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

// Rights are what tokens may do: the token "t" what is listed, no token everything, and
// others do not exist.
type Rights []acl.Need

// Resolve is for acl.Resolver.
func (r Rights) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	switch token {
	case "":
		return acl.Unrestricted, nil
	case "t":
		return r.Authorizer(), nil
	}
	return nil, fault.New(fault.Denied, "ACL not found")
}

// Authorizer is what the token "t" may do.
func (r Rights) Authorizer() *acl.Authorizer {
	return acl.New("acc", func(n acl.Need) bool { return slices.Contains(r, n) })
}

// resolving asks whoever resolves the tokens of a server at that moment.
type resolving struct{ s *Server }

func (r resolving) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	return r.s.ACL.Resolve(ctx, token)
}

var (
	_ acl.Resolver = Rights{}
	_ acl.Resolver = resolving{}
)
