package server

import (
	"context"
	"slices"

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
		if i := slices.IndexFunc(nodes, func(n *catalog.Node) bool { return az.Allows(acl.Node.Read(n.Node)) }); i >= 0 {
			rep.Node = nodes[i]
		} else if i := slices.IndexFunc(services, func(svc *catalog.Service) bool {
			return az.Allows(acl.Node.Read(svc.Node)) && az.Allows(acl.Service.Read(svc.Service))
		}); i >= 0 {
			rep.Service = services[i]
		}
		return index, nil
	})
}
