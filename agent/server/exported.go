package server

import (
	"context"

	"praetor/catalog"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) configExported(ctx context.Context, req *ops.ConfigExportedRequest) (*ops.ConfigExportedReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	if !az.MeshRead() {
		return nil, az.denied("mesh:read", "")
	}
	wanted, err := filter.New[filter.Exported](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.ConfigExportedReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all, err := tx.ExportedServices(ws)
		if err != nil {
			return 0, err
		}
		rep.Services, err = filter.Keep(ctx, wanted, all)
		return index, err
	})
}
