package server

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) configExported(ctx context.Context, _ *acl.Authorizer, req *ops.ConfigExportedRequest) (*ops.ConfigExportedReply, error) {
	wanted, err := filter.New[filter.Exported](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.ConfigExportedReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all, err := tx.ExportedServices(ws)
		if err != nil {
			return 0, err
		}
		rep.Services, err = filter.Keep(ctx, wanted, all)
		return index, err
	})
}
