package server

import (
	"context"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// catalogAddress looks up what has an address; what the caller may not see has none.
func (s *Server) catalogAddress(ctx context.Context, az *acl.Authorizer, req *ops.CatalogAddressRequest) (*ops.CatalogAddressReply, error) {
	rep := &ops.CatalogAddressReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, nodes, services := tx.AtAddress(ws, req.Address)
		rep.Node, rep.Service = nil, nil
		if seen, _ := kernel.Nodes.Show(az, nodes); len(seen) > 0 {
			rep.Node = seen[0]
			return index, nil
		}
		for _, svc := range services {
			if az.Allows(acl.Node.Read(svc.Node)) && az.Allows(acl.Service.Read(svc.Service)) {
				rep.Service = svc
				break
			}
		}
		return index, nil
	})
}
