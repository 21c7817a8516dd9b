package server

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

// defaultProtocol is what a service speaks if no configuration entry says.
const defaultProtocol = "tcp"

func (s *Server) uiNodes(ctx context.Context, req *ops.UINodesRequest) (*ops.UINodesReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	picked, err := filter.New[filter.NodeDump](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.UINodesReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, nodes := tx.NodeDetails(ws)
		rep.Nodes = nodes[:0]
		for _, n := range nodes {
			visible, whole := az.readableDetail(n)
			rep.Filtered = rep.Filtered || !whole
			if visible != nil {
				rep.Nodes = append(rep.Nodes, visible)
			}
		}
		rep.Nodes, err = filter.Keep(ctx, picked, rep.Nodes)
		return index, err
	})
}

func (s *Server) uiNode(ctx context.Context, req *ops.UINodeRequest) (*ops.UINodeReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	rep := &ops.UINodeReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, node := tx.NodeDetail(ws, req.Node)
		rep.Absent = node == nil
		visible, whole := az.readableDetail(node)
		rep.Node, rep.Filtered = visible, !whole
		return index, nil
	})
}

// readableDetail returns what the caller may see of a node, nil if nothing, and
// whether that is all of it.
func (c caller) readableDetail(n *catalog.NodeDetail) (visible *catalog.NodeDetail, whole bool) {
	switch {
	case n == nil || c.unlimited():
		return n, true
	case !c.NodeRead(n.Node.Node):
		return nil, false
	}
	visible = &catalog.NodeDetail{
		Node:     n.Node,
		Services: slices.DeleteFunc(slices.Clone(n.Services), func(svc *catalog.Service) bool { return !c.ServiceRead(svc.Service) }),
		Checks:   slices.DeleteFunc(slices.Clone(n.Checks), func(check *catalog.Check) bool { return !c.mayReadCheck(check) }),
	}
	return visible, len(visible.Services) == len(n.Services) && len(visible.Checks) == len(n.Checks)
}

func (s *Server) uiServices(ctx context.Context, req *ops.UIServicesRequest) (*ops.UIServicesReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	picked, err := filter.New[filter.InstanceHealth](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.UIServicesReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		if az.unlimited() && picked == nil {
			index, rep.Services = tx.ServiceSummaries(ws)
			return index, nil
		}
		index, instances := tx.Instances(ws)
		instances, rep.Filtered = readableInstances(az, instances)
		instances, err = filter.Keep(ctx, picked, instances)
		rep.Services = catalog.Summarize(instances)
		return index, err
	})
}

func (s *Server) uiOverview(ctx context.Context, req *ops.UIOverviewRequest) (*ops.UIOverviewReply, error) {
	az, err := s.access(req.Token)
	switch {
	case err != nil:
		return nil, err
	case !az.OperatorRead():
		return nil, az.denied("operator:read", "")
	}
	rep := &ops.UIOverviewReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
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

func (s *Server) uiTopology(ctx context.Context, req *ops.UITopologyRequest) (*ops.UITopologyReply, error) {
	az, err := s.access(req.Token)
	switch {
	case err != nil:
		return nil, err
	case !az.ServiceRead(req.Service):
		return nil, az.denied("service:read", req.Service)
	}
	rep := &ops.UITopologyReply{Protocol: defaultProtocol}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ServiceSummaries(ws)
		i, found := slices.BinarySearchFunc(all, req.Service, func(s *catalog.ServiceSummary, name string) int { return strings.Compare(s.Name, name) })
		rep.TransparentProxy = found && all[i].TransparentProxy
		return index, nil
	})
}

func (s *Server) uiMesh(ctx context.Context, req *ops.UIMeshRequest) (*ops.UIMeshReply, error) {
	if _, err := s.access(req.Token); err != nil {
		return nil, err
	}
	rep := &ops.UIMeshReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		return tx.HealthIndex(ws), nil
	})
}
