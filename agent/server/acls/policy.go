package acls

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
	"praetor/internal/acl/rules"
	"praetor/internal/ops"
)

// builtinPolicies cannot be deleted, and their rules stay.
var builtinPolicies = []string{builtin.GlobalManagementID, builtin.GlobalReadOnlyID}

func (s *Service) policyGet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLGetRequest) (*ops.ACLPolicyReply, error) {
	if req.ID != "" {
		if err := checkLookup("policy", req.ID); err != nil {
			return nil, err
		}
	}
	rep := &ops.ACLPolicyReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, p := tx.ACLPolicy(ws, req.ID)
		if req.ID == "" {
			index, p = tx.ACLPolicyNamed(ws, req.Name)
		}
		if p == nil {
			return index, errNoPolicy
		}
		rep.Policy = *p
		return index, nil
	})
}

func (s *Service) policyList(ctx context.Context, _ *acl.Authorizer, req *ops.ACLListRequest) (*ops.ACLPoliciesReply, error) {
	rep := &ops.ACLPoliciesReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		index, rep.Policies = tx.ACLPolicies(ws)
		return index, nil
	})
}

func (s *Service) policySet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLPolicySetRequest) (*ops.ACLPolicyReply, error) {
	p, verb := req.Policy, catalog.ACLUpdate
	if req.Create {
		id, err := uuid.GenerateUUID()
		if err != nil {
			return nil, err
		}
		p.ID, verb = id, catalog.ACLCreate
	}
	if err := s.checkPolicy(&p, req.Create); err != nil {
		return nil, err
	}
	if _, _, err := s.Apply(ctx, catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: verb, Policies: []*catalog.ACLPolicy{&p}}); err != nil {
		return nil, err
	}
	_, stored := s.Store.Read().ACLPolicy(nil, p.ID)
	if stored == nil {
		return nil, errNoPolicy // somebody has deleted it since
	}
	return &ops.ACLPolicyReply{Policy: *stored}, nil
}

// checkPolicy refuses what cannot be a policy, and gives one that is there the ID that it
// has.
func (s *Service) checkPolicy(p *catalog.ACLPolicy, create bool) error {
	tx := s.Store.Read()
	_, old := tx.ACLPolicy(nil, p.ID)
	if !create && old == nil {
		return rejected("cannot find policy %s", p.ID)
	}
	if old != nil {
		p.ID = old.ID // whatever its case
	}
	if old == nil || old.Name != p.Name || p.Name == "" {
		if err := checkPolicyName(p.Name); err != nil {
			return err
		}
	}
	if _, other := tx.ACLPolicyNamed(nil, p.Name); other != nil && !strings.EqualFold(other.ID, p.ID) {
		return rejected("Invalid Policy: A Policy with Name %q already exists", p.Name)
	}
	if slices.Contains(builtinPolicies, p.ID) {
		switch {
		case p.Rules != old.Rules:
			return rejected("Changing the Rules for the builtin %s policy is not permitted", old.Name)
		case !slices.Equal(p.Datacenters, old.Datacenters):
			return rejected("Changing the Datacenters of the builtin %s policy is not permitted", old.Name)
		}
	}
	if err := rules.Validate(p.Rules); err != nil {
		return rejected("%w", err)
	}
	return nil
}

func (s *Service) policyDelete(ctx context.Context, _ *acl.Authorizer, req *ops.ACLDeleteRequest) (*ops.ACLDeleteReply, error) {
	if err := checkLookup("policy", req.ID); err != nil {
		return nil, err
	}
	_, old := s.Store.Read().ACLPolicy(nil, req.ID)
	switch {
	case old == nil:
		return nil, errNoPolicy
	case slices.Contains(builtinPolicies, old.ID):
		return nil, rejected("Delete operation not permitted on the builtin %s policy", old.Name)
	}
	_, _, err := s.Apply(ctx, catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLDelete, Policies: []*catalog.ACLPolicy{{ID: old.ID}}})
	return &ops.ACLDeleteReply{}, err
}
