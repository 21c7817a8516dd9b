package server

import (
	"context"
	"maps"
	"slices"

	"praetor/catalog"
	"praetor/internal/configentry"
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
	rep := &ops.ConfigExportedReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, row := tx.ConfigEntry(ws, configentry.KindExportedServices, configentry.NameDefault)
		rep.Services = nil
		if row == nil {
			return index, nil
		}
		entry, err := row.Parsed()
		if err != nil {
			return 0, err
		}
		services, of := exported(tx, ws, entry.(*configentry.ExportedServices))
		rep.Services = services
		return max(index, of), nil
	})
}

// exported lists services and who may call them; no wildcard means that of the
// servers. The index is that of the list of
// services if all of them are meant.
func exported(tx *catalog.Tx, ws catalog.WatchSet, entry *configentry.ExportedServices) ([]ops.ExportedService, uint64) {
	peers, index := map[string][]string{}, uint64(0)
	for _, s := range entry.Services {
		names := []string{s.Name}
		if s.Name == configentry.Wildcard {
			of, all := tx.Services(ws)
			index, names = of, slices.Sorted(maps.Keys(all))
		}
		for _, name := range names {
			if s.Name == configentry.Wildcard && name == consulService {
				continue
			}
			for _, c := range s.Consumers {
				peers[name] = append(peers[name], c.Peer)
			}
		}
	}
	list := make([]ops.ExportedService, 0, len(peers))
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		slices.Sort(peers[name])
		list = append(list, ops.ExportedService{Service: name, Peers: slices.Compact(peers[name])})
	}
	return list, index
}
