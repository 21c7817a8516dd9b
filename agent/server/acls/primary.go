package acls

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// handler answers an operation.
type handler[Req, Rep any] func(context.Context, *acl.Authorizer, *Req) (*Rep, error)

// where reports what a request is about: true for what is kept in this datacenter,
// false for what is the primary one's.
type where[Req any] func(*Service, *catalog.Tx, *Req) (here bool, err error)

// placed answers where that is; the token travels with the request.
func placed[Req, Rep any](s *Service, op rpc.Op[Req, Rep], is where[Req], h handler[Req, Rep]) handler[Req, Rep] {
	return func(ctx context.Context, az *acl.Authorizer, req *Req) (*Rep, error) {
		if !s.Secondary() {
			return h(ctx, az, req)
		}
		here, err := is(s, s.Store.Read(), req)
		switch {
		case err != nil:
			return nil, err
		case here:
			return h(ctx, az, req)
		}
		return op.CallIn(ctx, s.Router, req, s.Primary)
	}
}

// global is what policies and roles are when they are written: they come back by
// replication.
func global[Req any](*Service, *catalog.Tx, *Req) (bool, error) { return false, nil }

// held is what tokens are when they are read: without token replication nobody here
// has them.
func held[Req any](s *Service, _ *catalog.Tx, _ *Req) (bool, error) {
	return s.opts.TokenReplication, nil
}

// errNoLocalTokens is reference/security.md §7.
var errNoLocalTokens = rejected("Local tokens are disabled")

func tokenSetPlace(s *Service, tx *catalog.Tx, req *ops.ACLTokenSetRequest) (bool, error) {
	row := &req.Given.Row
	if row.Local && !s.opts.TokenReplication {
		return false, errNoLocalTokens
	}
	return row.Local || !req.Create && isLocal(tx, row.AccessorID), nil
}

func tokenClonePlace(_ *Service, tx *catalog.Tx, req *ops.ACLTokenCloneRequest) (bool, error) {
	return isLocal(tx, req.AccessorID), nil
}

func tokenDeletePlace(_ *Service, tx *catalog.Tx, req *ops.ACLDeleteRequest) (bool, error) {
	return isLocal(tx, req.ID), nil
}

func logoutPlace(_ *Service, tx *catalog.Tx, req *ops.ACLLogoutRequest) (bool, error) {
	_, t := tx.ACLTokenWithSecret(nil, req.Token)
	return t != nil && t.Local, nil
}

func isLocal(tx *catalog.Tx, accessor string) bool {
	_, t := tx.ACLToken(nil, accessor)
	return t != nil && t.Local
}

// holdsTokens reports whether all tokens that count in this datacenter are in its
// state. Of those that are copied the anonymous one comes last.
func (s *Service) holdsTokens(tx *catalog.Tx) bool {
	if !s.Secondary() {
		return true
	}
	_, anonymous := tx.ACLToken(nil, acl.AnonymousAccessor)
	return s.opts.TokenReplication && anonymous != nil
}

// Abroad is what other datacenters are told of a token: nothing of one that holds
// here alone (reference/security.md §1).
func (s *Service) Abroad(secret string) string {
	if _, t := s.Store.Read().ACLTokenWithSecret(nil, secret); t != nil && t.Local {
		return ""
	}
	return secret
}
