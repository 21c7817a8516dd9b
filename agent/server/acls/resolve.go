package acls

import (
	"context"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// anonymousSecret is the secret of those who sent none; it may be sent too.
const anonymousSecret = "anonymous"

// errExpired is what a token says of itself between its end and its removal.
var errExpired = fault.New(fault.Denied, "token has expired: ACL not found")

// maxKnown bounds the tokens that are remembered, at about 200 bytes each.
const maxKnown = 65536

// known is a token that was resolved.
type known struct {
	az      *acl.Authorizer
	expires int64 // nanoseconds since 1970, 0 for never
}

// Resolve implements acl.Resolver from this server's own state.
func (s *Service) Resolve(ctx context.Context, secret string) (*acl.Authorizer, error) {
	defer s.took.Since(time.Now())
	if secret == "" {
		secret = anonymousSecret
	}
	tx := s.Store.Read()
	gen := tx.ACLGeneration(nil)
	if k := s.remembered(gen, secret); k != nil {
		if k.expires != 0 && k.expires <= time.Now().UnixNano() {
			return nil, errNotFound
		}
		return k.az, nil
	}
	_, t := tx.ACLTokenWithSecret(nil, secret)
	switch {
	case t == nil && secret == anonymousSecret: // a cluster that has just begun
		t = &catalog.ACLToken{AccessorID: catalog.TokenAnonymous}
	case t == nil && s.opts.Elsewhere != nil:
		return s.opts.Elsewhere.Resolve(ctx, secret)
	case t == nil, t.HasExpired(time.Now()):
		return nil, errNotFound
	}
	az, err := s.authorizer(t.AccessorID, effective(tx, t, s.opts.Datacenter))
	if err != nil {
		return nil, err
	}
	s.remember(gen, secret, &known{az, t.Expires})
	return az, nil
}

func (s *Service) remembered(gen uint64, secret string) *known {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen != gen {
		return nil
	}
	return s.tokens[secret]
}

func (s *Service) remember(gen uint64, secret string, k *known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen != gen || len(s.tokens) >= maxKnown {
		clear(s.tokens)
		s.gen = gen
	}
	s.tokens[strings.Clone(secret)] = k
}

// authorizer decides by policies.
func (s *Service) authorizer(accessor string, policies []*catalog.ACLPolicy) (*acl.Authorizer, error) {
	texts := make([]string, len(policies))
	for i, p := range policies {
		texts[i] = p.Rules
	}
	return s.sets.Authorizer(accessor, texts, s.opts.AllowByDefault)
}

// resolve says what the request's own token grants in its asker's datacenter.
func (s *Service) resolve(ctx context.Context, _ *acl.Authorizer, req *ops.ACLResolveRequest) (*ops.ACLResolveReply, error) {
	rep := &ops.ACLResolveReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		secret := req.Token
		if secret == "" {
			secret = anonymousSecret
		}
		index, t := tx.ACLTokenWithSecret(ws, secret)
		switch {
		case t == nil && secret == anonymousSecret:
			t = &catalog.ACLToken{AccessorID: catalog.TokenAnonymous}
		case t == nil, t.HasExpired(time.Now()):
			return index, errNotFound
		}
		rep.AccessorID, rep.Local, rep.Expires = t.AccessorID, t.Local, t.Expires
		rep.Policies = effective(tx, t, "")
		return index, nil
	})
}
