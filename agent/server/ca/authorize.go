package ca

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

// The reasons that no intention gives (reference/mesh.md §1).
const (
	reasonACLs    = "Default behavior configured by ACLs"
	reasonDefault = "Default intention policy"
)

// authorize says whether a service may call another: by the intention that decides,
// else by the defaults.
func (s *Service) authorize(ctx context.Context, _ *acl.Authorizer, req *ops.ConnectAuthorizeRequest) (*ops.ConnectAuthorizeReply, error) {
	byDefault, reason := s.opts.AllowByDefault, reasonACLs
	if s.opts.Intentions != "" {
		byDefault, reason = s.opts.Intentions == configentry.ActionAllow, reasonDefault
	}
	rep := &ops.ConnectAuthorizeReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, list := tx.IntentionsTo(ws, req.Destination)
		if !isDefault(req.Namespace) {
			list = nil
		}
		verdict := mesh.Evaluate(list, req.Source, req.Destination, byDefault)
		rep.Authorized, rep.Reason = verdict.Allowed, reason
		if verdict.By != nil {
			rep.Reason = "Matched " + verdict.By.String()
		}
		return index, nil
	})
}
