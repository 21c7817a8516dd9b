package acls

import (
	"context"
	"maps"
	"slices"
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
	if k := s.remembered(secret); k != nil {
		if k.expires != 0 && k.expires <= time.Now().UnixNano() {
			return nil, errNotFound
		}
		return k.az, nil
	}
	tx := s.Store.Read()
	now := generationOf(tx)
	_, t, err := s.find(tx, nil, secret)
	switch {
	case s.isElsewhere(tx, t):
		return s.opts.Elsewhere.Resolve(ctx, secret)
	case err != nil:
		return nil, err
	}
	az, err := s.authorizer(t.AccessorID, effective(tx, t, s.Datacenter))
	if err != nil {
		return nil, err
	}
	s.remember(now, secret, &known{az, t.Expires})
	return az, nil
}

// isElsewhere reports whether only the primary datacenter can say what a token is that
// was found here, or not: tokens that are not kept here, and the anonymous one.
func (s *Service) isElsewhere(tx *catalog.Tx, t *catalog.ACLToken) bool {
	return (t == nil || t.CreateIndex == 0) && s.opts.Elsewhere != nil && !s.holdsTokens(tx)
}

// find returns the token with a secret, nil and an error if there is none. "" is the
// anonymous one, which is there before a leader has made it. The token of a secret
// whose time is over is returned with the error.
func (s *Service) find(tx *catalog.Tx, ws catalog.WatchSet, secret string) (index uint64, t *catalog.ACLToken, err error) {
	if secret == "" {
		secret = anonymousSecret
	}
	index, t = tx.ACLTokenWithSecret(ws, secret)
	switch {
	case t == nil && secret == anonymousSecret:
		return index, &catalog.ACLToken{AccessorID: acl.AnonymousAccessor}, nil
	case t == nil && tx.ACLBootstrapped() == 0 && !s.Secondary():
		return index, nil, errNotBootstrapped
	case t == nil, t.HasExpired(time.Now()):
		return index, t, errNotFound
	}
	return index, t, nil
}

// generation is what all rules were between two changes.
type generation struct {
	index uint64
	over  []<-chan struct{} // one of them closes with the next change
}

func generationOf(tx *catalog.Tx) generation {
	ws := catalog.WatchSet{tx.Replaced(): {}}
	index := tx.ACLGeneration(ws)
	return generation{index, slices.Collect(maps.Keys(ws))}
}

// isOver asks without a look at the store, which would cost more than all else that a
// known token takes.
func (g *generation) isOver() bool {
	for _, changed := range g.over {
		select {
		case <-changed:
			return true
		default:
		}
	}
	return false
}

func (s *Service) remembered(secret string) *known {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen.isOver() {
		return nil
	}
	return s.tokens[secret]
}

func (s *Service) remember(now generation, secret string, k *known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gen.index != now.index || s.gen.isOver() || len(s.tokens) >= maxKnown {
		clear(s.tokens)
		s.gen = now
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
	rep, far := &ops.ACLResolveReply{}, false
	err := s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, t, err := s.find(tx, ws, req.Token)
		switch {
		case s.isElsewhere(tx, t):
			far = true
			return index, nil
		case err != nil:
			return index, err
		}
		rep.AccessorID, rep.Local, rep.Expires = t.AccessorID, t.Local, t.Expires
		rep.Policies = effective(tx, t, "")
		return index, nil
	})
	if err != nil || !far {
		return rep, err
	}
	return s.resolveFar(ctx, req)
}

// resolveFar has the primary datacenter say it. What holds there alone is no token
// here.
func (s *Service) resolveFar(ctx context.Context, req *ops.ACLResolveRequest) (*ops.ACLResolveReply, error) {
	rep, err := ops.ACLResolve.CallIn(ctx, s.Router, req, s.Primary)
	if err != nil || !rep.Local {
		return rep, err
	}
	anonymous := *req
	anonymous.Token = ""
	return ops.ACLResolve.CallIn(ctx, s.Router, &anonymous, s.Primary)
}
