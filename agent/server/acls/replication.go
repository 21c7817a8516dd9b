package acls

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// replicationStatus says that nothing is copied: tokens of the primary datacenter are
// asked of it.
func (s *Service) replicationStatus(ctx context.Context, _ *acl.Authorizer, req *ops.ACLReplicationStatusRequest) (*ops.ACLReplicationReply, error) {
	rep := &ops.ACLReplicationReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(*catalog.Tx, catalog.WatchSet) (uint64, error) { return 0, nil })
}
