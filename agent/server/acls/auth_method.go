package acls

import (
	"context"
	"regexp"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

var errNoMethod = fault.New(fault.NotFound, "Requested auth method does not exist: ACL not found")

// authMethodGet shows a method; the secrets of its configuration are for those who may
// write ACLs.
func (s *Service) authMethodGet(ctx context.Context, az *acl.Authorizer, req *ops.ACLGetRequest) (*ops.ACLAuthMethodReply, error) {
	rep, secrets := &ops.ACLAuthMethodReply{}, az.Allows(acl.ACL.Write())
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, m := tx.ACLAuthMethod(ws, req.Name)
		if m == nil {
			return index, errNoMethod
		}
		rep.Method = *m
		if !secrets {
			rep.Method.Config = withoutSecrets(m.Config)
		}
		return index, nil
	})
}

func (s *Service) authMethodList(ctx context.Context, _ *acl.Authorizer, req *ops.ACLListRequest) (*ops.ACLAuthMethodsReply, error) {
	rep := &ops.ACLAuthMethodsReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ACLAuthMethods(ws)
		rep.Methods = make([]*catalog.ACLAuthMethod, len(all))
		for i, m := range all {
			short := *m
			short.Config = nil
			rep.Methods[i] = &short
		}
		return index, nil
	})
}

func (s *Service) authMethodSet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLAuthMethodSetRequest) (*ops.ACLAuthMethodReply, error) {
	m := req.Method
	if err := s.checkMethod(&m); err != nil {
		return nil, err
	}
	if _, _, err := s.Apply(ctx, catalog.ACLAuthMethodCommand, &catalog.ACLAuthMethodWrite{Verb: catalog.ACLPut, Methods: []*catalog.ACLAuthMethod{&m}}); err != nil {
		return nil, err
	}
	_, stored := s.Store.Read().ACLAuthMethod(nil, m.Name)
	if stored == nil {
		return nil, errNoMethod // somebody has deleted it since
	}
	return &ops.ACLAuthMethodReply{Method: *stored}, nil
}

var validMethodName = regexp.MustCompile(`^[A-Za-z0-9\-_]{1,128}$`)

// checkMethod refuses what cannot be an auth method.
func (s *Service) checkMethod(m *catalog.ACLAuthMethod) error {
	_, old := s.Store.Read().ACLAuthMethod(nil, m.Name)
	switch {
	case m.Name == "":
		return rejected("Invalid Auth Method: no Name is set")
	case !validMethodName.MatchString(m.Name):
		return rejected("Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed")
	case old != nil && old.Type != m.Type:
		return rejected("the Type field of an Auth Method is immutable")
	case m.MaxTokenTTL != 0 && m.MaxTokenTTL < minTTL:
		return rejected("MaxTokenTTL %s cannot be less than %s", m.MaxTokenTTL, minTTL)
	case m.TokenLocality != "" && m.TokenLocality != localTokens && m.TokenLocality != globalTokens:
		return rejected("Invalid Auth Method: TokenLocality should be one of 'local' or 'global'")
	case m.TokenLocality == globalTokens && s.Secondary():
		return rejected("Invalid Auth Method: TokenLocality 'global' can only be used in the primary datacenter")
	}
	if _, err := newMethod(m); err != nil {
		return rejected("Invalid Auth Method: %w", err)
	}
	return nil
}

// Where the tokens of a method hold.
const (
	localTokens  = "local"
	globalTokens = "global"
)

// authMethodDelete ends a method with its rules and tokens.
func (s *Service) authMethodDelete(ctx context.Context, _ *acl.Authorizer, req *ops.ACLDeleteRequest) (*ops.ACLDeleteReply, error) {
	if _, old := s.Store.Read().ACLAuthMethod(nil, req.ID); old == nil {
		return nil, fault.New(fault.NotFound, "Cannot find auth method to delete")
	}
	_, _, err := s.Apply(ctx, catalog.ACLAuthMethodCommand, &catalog.ACLAuthMethodWrite{Verb: catalog.ACLDelete, Methods: []*catalog.ACLAuthMethod{{Name: req.ID}}})
	return &ops.ACLDeleteReply{}, err
}
