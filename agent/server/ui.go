package server

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) handleUI(m *kernel.Mux) {
	kernel.Handle(m, ops.UINodes, kernel.FilteredBy("node:read and service:read"), s.uiNodes)
	kernel.Handle(m, ops.UINode, kernel.FilteredBy("node:read and service:read"), s.uiNode)
	kernel.Handle(m, ops.UIServices, kernel.FilteredBy("node:read and service:read"), s.uiServices)
	kernel.Handle(m, ops.UIOverview, kernel.NeedsAlways(acl.Operator.Read()), s.uiOverview)
	kernel.Handle(m, ops.UITopology, kernel.Needs(func(r *ops.UITopologyRequest) acl.Need {
		return acl.Service.Read(r.Service)
	}), s.uiTopology)
	kernel.Handle(m, ops.UIMesh, kernel.Known("it finds nothing"), s.uiMesh)
}

// defaultProtocol is what a service speaks if no configuration entry says.
const defaultProtocol = "tcp"

func (s *Server) uiNodes(ctx context.Context, az *acl.Authorizer, req *ops.UINodesRequest) (*ops.UINodesReply, error) {
	picked, err := filter.New[filter.NodeDump](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.UINodesReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, nodes := tx.NodeDetails(ws)
		rep.Nodes = nodes[:0]
		for _, n := range nodes {
			visible, whole := readableDetail(az, n)
			rep.Filtered = rep.Filtered || !whole
			if visible != nil {
				rep.Nodes = append(rep.Nodes, visible)
			}
		}
		rep.Nodes, err = filter.Keep(ctx, picked, rep.Nodes)
		return index, err
	})
}

func (s *Server) uiNode(ctx context.Context, az *acl.Authorizer, req *ops.UINodeRequest) (*ops.UINodeReply, error) {
	rep := &ops.UINodeReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, node := tx.NodeDetail(ws, req.Node)
		rep.Absent = node == nil
		visible, whole := readableDetail(az, node)
		rep.Node, rep.Filtered = visible, !whole
		return index, nil
	})
}

// readableDetail returns what the caller may see of a node, nil if nothing, and
// whether that is all of it.
func readableDetail(c *acl.Authorizer, n *catalog.NodeDetail) (visible *catalog.NodeDetail, whole bool) {
	switch {
	case n == nil || c.Unrestricted():
		return n, true
	case !c.Allows(acl.Node.Read(n.Node.Node)):
		return nil, false
	}
	visible = &catalog.NodeDetail{
		Node:     n.Node,
		Services: slices.DeleteFunc(slices.Clone(n.Services), func(svc *catalog.Service) bool { return !c.Allows(acl.Service.Read(svc.Service)) }),
		Checks:   slices.DeleteFunc(slices.Clone(n.Checks), func(check *catalog.Check) bool { return !kernel.MayReadCheck(c, check) }),
	}
	return visible, len(visible.Services) == len(n.Services) && len(visible.Checks) == len(n.Checks)
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
		instances, rep.Filtered = kernel.ReadableInstances(az, instances)
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

func (s *Server) uiTopology(ctx context.Context, az *acl.Authorizer, req *ops.UITopologyRequest) (*ops.UITopologyReply, error) {
	rep := &ops.UITopologyReply{Protocol: defaultProtocol}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.ServiceSummaries(ws)
		i, found := slices.BinarySearchFunc(all, req.Service, func(s *catalog.ServiceSummary, name string) int { return strings.Compare(s.Name, name) })
		rep.TransparentProxy = found && all[i].TransparentProxy
		return index, nil
	})
}

func (s *Server) uiMesh(ctx context.Context, az *acl.Authorizer, req *ops.UIMeshRequest) (*ops.UIMeshReply, error) {
	rep := &ops.UIMeshReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		return tx.HealthIndex(ws), nil
	})
}
