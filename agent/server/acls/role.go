package acls

import (
	"context"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func (s *Service) roleGet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLGetRequest) (*ops.ACLRoleReply, error) {
	if req.ID != "" {
		if err := checkLookup("role", req.ID); err != nil {
			return nil, err
		}
	}
	rep := &ops.ACLRoleReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, r := tx.ACLRole(ws, req.ID)
		if req.ID == "" {
			index, r = tx.ACLRoleNamed(ws, req.Name)
		}
		if r == nil {
			return index, errNoRole
		}
		rep.Role = *showRole(tx, r)
		return index, nil
	})
}

func (s *Service) roleList(ctx context.Context, _ *acl.Authorizer, req *ops.ACLListRequest) (*ops.ACLRolesReply, error) {
	rep := &ops.ACLRolesReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ACLRoles(ws)
		rep.Roles = make([]*ops.ACLRole, 0, len(all))
		for _, r := range all {
			if req.PolicyID == "" || containsID(r.Policies, req.PolicyID) {
				rep.Roles = append(rep.Roles, showRole(tx, r))
			}
		}
		return index, nil
	})
}

func (s *Service) roleSet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLRoleSetRequest) (*ops.ACLRoleReply, error) {
	r, verb := req.Role.Row, catalog.ACLUpdate
	if req.Create {
		id, err := uuid.GenerateUUID()
		if err != nil {
			return nil, err
		}
		r.ID, verb = id, catalog.ACLCreate
	}
	if err := s.checkRole(&r, req.Role.Policies, req.Create); err != nil {
		return nil, err
	}
	if _, _, err := s.Apply(ctx, catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Verb: verb, Roles: []*catalog.ACLRole{&r}}); err != nil {
		return nil, err
	}
	tx := s.Store.Read()
	_, stored := tx.ACLRole(nil, r.ID)
	if stored == nil {
		return nil, errNoRole // somebody has deleted it since
	}
	return &ops.ACLRoleReply{Role: *showRole(tx, stored)}, nil
}

// checkRole refuses what cannot be a role, and fills in its links and the ID that it has.
func (s *Service) checkRole(r *catalog.ACLRole, links []ops.ACLLink, create bool) (err error) {
	tx := s.Store.Read()
	_, old := tx.ACLRole(nil, r.ID)
	switch {
	case old != nil:
		r.ID = old.ID // whatever its case
	case !create:
		return rejected("cannot find role %s", r.ID)
	}
	if err := checkRoleName(r.Name); err != nil {
		return err
	}
	if _, other := tx.ACLRoleNamed(nil, r.Name); other != nil && !strings.EqualFold(other.ID, r.ID) {
		return rejected("Invalid Role: A Role with Name %q already exists", r.Name)
	}
	if r.Policies, err = policies.ids(tx, links); err != nil {
		return err
	}
	has := identities{on: "role", services: r.ServiceIdentities, nodes: r.NodeIdentities, templates: r.TemplatedPolicies}
	return has.check()
}

func (s *Service) roleDelete(ctx context.Context, _ *acl.Authorizer, req *ops.ACLDeleteRequest) (*ops.ACLDeleteReply, error) {
	if err := checkLookup("role", req.ID); err != nil {
		return nil, err
	}
	if _, old := s.Store.Read().ACLRole(nil, req.ID); old == nil {
		return nil, errNoRole
	}
	_, _, err := s.Apply(ctx, catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Verb: catalog.ACLDelete, Roles: []*catalog.ACLRole{{ID: req.ID}}})
	return &ops.ACLDeleteReply{}, err
}
