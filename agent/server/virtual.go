package server

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func (s *Server) virtualAddress(ctx context.Context, _ *acl.Authorizer, req *ops.VirtualAddressRequest) (*ops.VirtualAddressReply, error) {
	rep := &ops.VirtualAddressReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		v := tx.VirtualAddress(ws, req.Service)
		if v == nil {
			return 0, nil
		}
		rep.Address = v.Addr().String()
		return v.ModifyIndex, nil
	})
}
