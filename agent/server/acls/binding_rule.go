package acls

import (
	"context"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

var errNoRule = fault.New(fault.NotFound, "Requested binding rule does not exist: ACL not found")

func (s *Service) bindingRuleGet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLGetRequest) (*ops.ACLBindingRuleReply, error) {
	if err := checkLookup("binding rule", req.ID); err != nil {
		return nil, err
	}
	rep := &ops.ACLBindingRuleReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, r := tx.ACLBindingRule(ws, req.ID)
		if r == nil {
			return index, errNoRule
		}
		rep.Rule = *r
		return index, nil
	})
}

func (s *Service) bindingRuleList(ctx context.Context, _ *acl.Authorizer, req *ops.ACLBindingRuleListRequest) (*ops.ACLBindingRulesReply, error) {
	rep := &ops.ACLBindingRulesReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		index, rep.Rules = tx.ACLBindingRules(ws, req.AuthMethod)
		return index, nil
	})
}

func (s *Service) bindingRuleSet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLBindingRuleSetRequest) (*ops.ACLBindingRuleReply, error) {
	r, verb := req.Rule, catalog.ACLUpdate
	if req.Create {
		id, err := uuid.GenerateUUID()
		if err != nil {
			return nil, err
		}
		r.ID, verb = id, catalog.ACLCreate
	}
	if err := checkRule(s.Store.Read(), &r, req.Create); err != nil {
		return nil, err
	}
	if _, _, err := s.Apply(ctx, catalog.ACLBindingRuleCommand, &catalog.ACLBindingRuleWrite{Verb: verb, Rules: []*catalog.ACLBindingRule{&r}}); err != nil {
		return nil, err
	}
	_, stored := s.Store.Read().ACLBindingRule(nil, r.ID)
	if stored == nil {
		return nil, errNoRule // somebody has deleted it since
	}
	return &ops.ACLBindingRuleReply{Rule: *stored}, nil
}

// checkRule refuses what cannot be a binding rule. Its templates are tried with samples.
func checkRule(tx *catalog.Tx, r *catalog.ACLBindingRule, create bool) error {
	if !create {
		if !isUUID(r.ID) {
			return rejected("Binding Rule ID invalid UUID")
		}
		_, old := tx.ACLBindingRule(nil, r.ID)
		switch {
		case old == nil:
			return rejected("cannot find binding rule %s", r.ID)
		case r.AuthMethod != "" && !strings.EqualFold(old.AuthMethod, r.AuthMethod):
			return rejected("the AuthMethod field of an Binding Rule is immutable")
		}
		r.ID = old.ID // whatever its case
	}
	if r.AuthMethod == "" {
		return rejected("Invalid Binding Rule: no AuthMethod is set")
	}
	_, row := tx.ACLAuthMethod(nil, r.AuthMethod)
	if row == nil {
		return rejected(catalog.TextNoAuthMethod, r.AuthMethod)
	}
	m, err := newMethod(row)
	if err != nil {
		return rejected("auth method %q: %w", row.Name, err) // an older version took it
	}
	if err := m.checkSelector(r.Selector); err != nil {
		return rejected("invalid Binding Rule: Selector is invalid: %s", strings.TrimPrefix(err.Error(), filter.Prefix))
	}
	switch {
	case r.BindType != bindTemplate && r.BindVars != "":
		return rejected("invalid Binding Rule: BindVars cannot be set when bind type is not templated-policy.")
	case r.BindName == "":
		return rejected("Invalid Binding Rule: no BindName is set")
	}
	if _, err := samples(m.names()).bind(r, func(text string) string { return text }); err != nil {
		return rejected("Invalid Binding Rule: invalid BindName or BindVars: %w", err)
	}
	return nil
}

func (s *Service) bindingRuleDelete(ctx context.Context, _ *acl.Authorizer, req *ops.ACLDeleteRequest) (*ops.ACLDeleteReply, error) {
	if err := checkLookup("binding rule", req.ID); err != nil {
		return nil, err
	}
	if _, old := s.Store.Read().ACLBindingRule(nil, req.ID); old == nil {
		return nil, fault.New(fault.NotFound, "Cannot find binding rule to delete")
	}
	_, _, err := s.Apply(ctx, catalog.ACLBindingRuleCommand, &catalog.ACLBindingRuleWrite{Verb: catalog.ACLDelete, Rules: []*catalog.ACLBindingRule{{ID: req.ID}}})
	return &ops.ACLDeleteReply{}, err
}
