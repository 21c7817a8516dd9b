package access

import (
	"context"
	"crypto/subtle"

	"praetor/internal/acl"
)

// Recovery resolves an agent's recovery token, which works without any server:
// agent:write on its own name, and node:read (reference/security.md §1).
type Recovery struct {
	Next   acl.Resolver // of all other tokens
	Node   string
	Secret func() string // "" for none
}

// Resolve implements acl.Resolver.
func (r Recovery) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	secret := r.Secret()
	if secret == "" || subtle.ConstantTimeCompare([]byte(token), []byte(secret)) != 1 {
		return r.Next.Resolve(ctx, token)
	}
	return acl.New("agent-recovery:"+r.Node, func(n acl.Need) bool {
		switch n.Resource() {
		case acl.Resource(acl.Agent):
			return n.Name() == r.Node && n.Scope() == acl.One
		case acl.Resource(acl.Node):
			return n.Access() == acl.Read
		}
		return false
	}), nil
}
