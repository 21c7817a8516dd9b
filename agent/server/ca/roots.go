package ca

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// roots lists what the mesh trusts.
func (s *Service) roots(ctx context.Context, _ *acl.Authorizer, req *ops.ConnectCARootsRequest) (*ops.ConnectCARootsReply, error) {
	if err := s.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	if _, err := s.ready(ctx); err != nil {
		return nil, err
	}
	rep := &ops.ConnectCARootsReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		_, config := tx.CAConfig(nil)
		if config == nil {
			return 0, errNotReady // of a state that was restored
		}
		index, roots := tx.CARoots(ws)
		rep.TrustDomain, rep.Roots = config.TrustDomain(), roots
		return index, nil
	})
}

// config shows how the authority signs, without its secrets.
func (s *Service) config(ctx context.Context, _ *acl.Authorizer, req *ops.ConnectCAConfigRequest) (*ops.ConnectCAConfigReply, error) {
	if err := s.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	if _, err := s.ready(ctx); err != nil {
		return nil, err
	}
	rep := &ops.ConnectCAConfigReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, config := tx.CAConfig(ws)
		if config == nil {
			return 0, errNotReady
		}
		shown := *config
		var err error
		if shown.Config, err = hide(config.Config); err != nil {
			return 0, err
		}
		rep.Config = &shown
		return index, nil
	})
}
