package acls

import (
	"context"
	"slices"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Service) tokenSelf(ctx context.Context, _ *acl.Authorizer, req *ops.ACLTokenSelfRequest) (*ops.ACLTokenReply, error) {
	rep := &ops.ACLTokenReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, t := tx.ACLTokenWithSecret(ws, req.Token)
		switch {
		case t == nil || req.Token == "":
			return index, errNoToken
		case t.HasExpired(time.Now()):
			return index, errExpired
		}
		rep.Token = *showToken(tx, t, true)
		return index, nil
	})
}

func (s *Service) tokenGet(ctx context.Context, az *acl.Authorizer, req *ops.ACLTokenGetRequest) (*ops.ACLTokenReply, error) {
	if err := checkLookup("token", req.AccessorID); err != nil {
		return nil, err
	}
	rep, secrets := &ops.ACLTokenReply{}, az.Allows(acl.ACL.Write())
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, t := tx.ACLToken(ws, req.AccessorID)
		if t == nil || t.HasExpired(time.Now()) {
			return index, errNoToken
		}
		rep.Token = *showToken(tx, t, secrets)
		if req.Expanded {
			rep.Expanded = expand(tx, t)
		}
		return index, nil
	})
}

func expand(tx *catalog.Tx, t *catalog.ACLToken) *ops.ACLExpanded {
	e := &ops.ACLExpanded{Policies: effective(tx, t, "")}
	for _, id := range t.Roles {
		if _, r := tx.ACLRole(nil, id); r != nil {
			e.Roles = append(e.Roles, showRole(tx, r))
		}
	}
	return e
}

func (s *Service) tokenList(ctx context.Context, az *acl.Authorizer, req *ops.ACLTokenListRequest) (*ops.ACLTokensReply, error) {
	filters := 0
	for _, filter := range []string{req.PolicyID, req.RoleID, req.ServiceName, req.AuthMethod} {
		if filter != "" {
			filters++
		}
	}
	if filters > 1 {
		return nil, rejected("can only filter by one of policy, role, serviceName, or methodName at a time")
	}
	rep, secrets := &ops.ACLTokensReply{}, az.Allows(acl.ACL.Write())
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ACLTokens(ws)
		if secrets { // the order of secrets would tell something of them
			slices.SortFunc(all, func(a, b *catalog.ACLToken) int { return strings.Compare(a.SecretID, b.SecretID) })
		}
		now := time.Now()
		rep.Tokens = make([]*ops.ACLToken, 0, len(all))
		for _, t := range all {
			if !t.HasExpired(now) && isListed(t, req) {
				rep.Tokens = append(rep.Tokens, showToken(tx, t, secrets))
			}
		}
		return index, nil
	})
}

// isListed reports whether a token is what a list asks for.
func isListed(t *catalog.ACLToken, req *ops.ACLTokenListRequest) bool {
	switch {
	case req.PolicyID != "":
		return containsID(t.Policies, req.PolicyID)
	case req.RoleID != "":
		return containsID(t.Roles, req.RoleID)
	case req.ServiceName != "":
		return slices.ContainsFunc(t.ServiceIdentities, func(s catalog.ACLServiceIdentity) bool { return s.ServiceName == req.ServiceName })
	case req.AuthMethod != "":
		return strings.EqualFold(t.AuthMethod, req.AuthMethod)
	}
	return true
}

func containsID(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(other string) bool { return strings.EqualFold(other, id) })
}

func (s *Service) tokenDelete(ctx context.Context, _ *acl.Authorizer, req *ops.ACLDeleteRequest) (*ops.ACLDeleteReply, error) {
	if !isUUID(req.ID) {
		return nil, rejected("Accessor ID is missing or an invalid UUID")
	}
	_, old := s.Store.Read().ACLToken(nil, req.ID)
	switch {
	case strings.EqualFold(req.ID, acl.AnonymousAccessor):
		return nil, rejected("Delete operation not permitted on the anonymous token")
	case old == nil:
		return nil, errNothingDeleted
	case old.SecretID == req.Token:
		return nil, rejected("Deletion of the request's authorization token is not permitted")
	}
	_, _, err := s.Apply(ctx, catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLDelete, Tokens: []*catalog.ACLToken{{AccessorID: old.AccessorID}}})
	return &ops.ACLDeleteReply{}, err
}

// logout removes the request's own token, if a login made it.
func (s *Service) logout(ctx context.Context, _ *acl.Authorizer, req *ops.ACLLogoutRequest) (*ops.ACLDeleteReply, error) {
	_, t, err := s.find(s.Store.Read(), nil, req.Token)
	switch {
	case err != nil:
		return nil, err
	case t.AuthMethod == "":
		return nil, fault.New(fault.Denied, "Permission denied: token wasn't created via login")
	}
	_, _, err = s.Apply(ctx, catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLDelete, Tokens: []*catalog.ACLToken{{AccessorID: t.AccessorID}}})
	return &ops.ACLDeleteReply{}, err
}
