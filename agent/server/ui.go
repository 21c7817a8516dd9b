package server

import (
	"context"
	"sync"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) registerUI(m *kernel.Mux) {
	kernel.HandleList(m, s.kernel, ops.UINodes, kernel.Details, func(r *ops.UINodesRequest, rep *ops.UINodesReply) kernel.List[*catalog.NodeDetail] {
		return kernel.List[*catalog.NodeDetail]{
			Rows: (*catalog.Tx).NodeDetails, Pick: kernel.PickBy[filter.NodeDump, *catalog.NodeDetail](r.Filter), Into: &rep.Nodes,
		}
	})
	kernel.Handle(m, ops.UINode, kernel.Details.Rule(), s.uiNode)
	kernel.Handle(m, ops.UIServices, kernel.Health.Rule(), s.uiServices)
	kernel.Handle(m, ops.UIOverview, kernel.NeedsAlways(acl.Operator.Read()), s.uiOverview)
	kernel.Handle(m, ops.UITopology, kernel.Needs(func(r *ops.UITopologyRequest) acl.Need {
		return acl.Service.Read(r.Service)
	}), s.uiTopology)
	kernel.Handle(m, ops.UIKeySearch, kernel.Entries.Rule(), s.uiKeySearch)
	kernel.Handle(m, ops.UIMesh, kernel.Known("it finds nothing"), s.uiMesh)
}

func (s *Server) uiNode(ctx context.Context, az *acl.Authorizer, req *ops.UINodeRequest) (*ops.UINodeReply, error) {
	rep := &ops.UINodeReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, node := tx.NodeDetail(ws, req.Node)
		rep.Node, rep.Absent = nil, node == nil
		if node == nil {
			return index, nil
		}
		seen, ok, filtered := kernel.Details.See(az, node)
		if ok {
			rep.Node = seen
		}
		rep.Filtered = filtered
		return index, nil
	})
}

func (s *Server) uiServices(ctx context.Context, az *acl.Authorizer, req *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
	picked, err := filter.New[filter.InstanceHealth](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.UIServicesReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		if az.Unrestricted() && picked == nil {
			index, rep.Services = tx.ServiceSummaries(ws)
			return index, nil
		}
		index, instances := tx.Instances(ws)
		instances, rep.Filtered = kernel.Health.Show(az, instances)
		instances, err = filter.Keep(ctx, picked, instances)
		rep.Services = catalog.Summarize(instances)
		return index, err
	})
}

func (s *Server) uiOverview(ctx context.Context, az *acl.Authorizer, req *ops.UIOverviewRequest) (*ops.UIOverviewReply, error) {
	rep := &ops.UIOverviewReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		rep.Overview = s.overview.at(tx, time.Now())
		return tx.LastIndex(), nil
	})
}

// overviewInterval is how old an overview may get. Consul counts as often, the
// first time so long after it started; until then it has none to show.
const overviewInterval = 10 * time.Second

// overview is the latest count of everything: those who ask share one per
// interval, and nobody pays while nobody asks.
type overview struct {
	mu sync.Mutex

	made   time.Time // or when the server started
	latest *catalog.Overview
}

func (o *overview) at(tx *catalog.Tx, now time.Time) *catalog.Overview {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Sub(o.made) >= overviewInterval {
		o.latest, o.made = tx.Overview(), now
	}
	return o.latest
}

func (s *Server) uiMesh(ctx context.Context, az *acl.Authorizer, req *ops.UIMeshRequest) (*ops.UIMeshReply, error) {
	rep := &ops.UIMeshReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		return tx.HealthIndex(ws), nil
	})
}
