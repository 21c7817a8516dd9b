package server

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) registerCatalog(m *kernel.Mux) {
	nodes := &kernel.Keep{
		Key: kernel.NewListKey("nodes"),
		Stamp: func(tx *catalog.Tx, ws catalog.WatchSet) kernel.Stamp {
			return kernel.Stamp{Changed: tx.WatchNodes(ws)}
		},
		Index: func(tx *catalog.Tx, _ uint64) uint64 { return tx.NodesIndex() },
	}
	kernel.Handle(m, ops.CatalogDatacenters, kernel.Open("names of datacenters"), s.catalogDatacenters)
	kernel.HandleList(m, s.kernel, ops.CatalogNodes, kernel.Nodes, func(r *ops.CatalogNodesRequest, rep *ops.CatalogNodesReply) kernel.List[*catalog.Node] {
		l := kernel.List[*catalog.Node]{
			Rows: (*catalog.Tx).Nodes, Keep: nodes, Pick: kernel.PickBy[filter.Node, *catalog.Node](r.Filter), Near: &r.Near, NodeOf: kernel.NodeOf, Into: &rep.Nodes,
		}
		if len(r.NodeMeta) > 0 {
			l.Quiet, l.Wanted = true, func(_ *catalog.Tx, n *catalog.Node) bool { return kernel.HasMeta(n.Meta, r.NodeMeta) }
		}
		return l
	})
	kernel.Handle(m, ops.CatalogServices, kernel.Instances.Rule(), s.catalogServices)
	kernel.Handle(m, ops.CatalogService, kernel.Instances.Rule(), s.catalogService)
	kernel.Handle(m, ops.CatalogGatewayServices, kernel.Needs(func(r *ops.CatalogGatewayServicesRequest) acl.Need {
		return acl.Service.Read(r.Gateway)
	}), s.catalogGatewayServices)
	kernel.Handle(m, ops.CatalogNode, kernel.FilteredBy("node:read and service:read"), s.catalogNode)
	kernel.Handle(m, ops.CatalogAddress, kernel.FilteredBy("node:read and service:read"), s.catalogAddress)
}

func (s *Server) catalogDatacenters(context.Context, *acl.Authorizer, *ops.CatalogDatacentersRequest) (*ops.CatalogDatacentersReply, error) {
	return &ops.CatalogDatacentersReply{Datacenters: s.kernel.Datacenters()}, nil
}

func (s *Server) catalogServices(ctx context.Context, az *acl.Authorizer, req *ops.CatalogServicesRequest) (*ops.CatalogServicesReply, error) {
	picked, err := filter.New[filter.Instance](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogServicesReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, all := tx.Services(ws)
		if az.Unrestricted() && len(req.NodeMeta) == 0 && picked == nil {
			rep.Services, rep.Shared = all, true
			return index, nil
		}
		matches := filter.Matching[filter.Instance, *catalog.Instance](ctx, picked)
		rep.Services, err = servicesOf(tx, all, func(i *catalog.Instance) (bool, error) {
			_, ok, filtered := kernel.Instances.See(az, i)
			rep.Filtered = rep.Filtered || filtered
			if !ok || !kernel.HasMeta(i.Node.Meta, req.NodeMeta) {
				return false, nil
			}
			return matches(i)
		})
		return index, err
	})
}

// servicesOf lists the services that have an instance that suits, with the
// tags of those; all is shared and stays.
func servicesOf(tx *catalog.Tx, all map[string][]string, suits func(*catalog.Instance) (bool, error)) (map[string][]string, error) {
	kept := map[string][]string{}
	for name := range all {
		_, instances := tx.ServiceInstances(nil, name)
		tags, found := []string{}, false
		for _, i := range instances {
			if i.Service.Service != name {
				continue // names that differ in case share instances, but not tags
			}
			ok, err := suits(i)
			if err != nil {
				return nil, err
			}
			if ok {
				tags, found = append(tags, i.Service.Tags...), true
			}
		}
		if found {
			slices.Sort(tags)
			kept[name] = slices.Compact(tags)
		}
	}
	return kept, nil
}

func (s *Server) catalogService(ctx context.Context, az *acl.Authorizer, req *ops.CatalogServiceRequest) (*ops.CatalogServiceReply, error) {
	rows, indexOf := (*catalog.Tx).ServiceInstances, (*catalog.Tx).InstancesIndex
	if req.Connect {
		rows, indexOf = (*catalog.Tx).MeshInstances, (*catalog.Tx).MeshInstancesIndex
	}
	rep := &ops.CatalogServiceReply{}
	l := kernel.List[*catalog.Instance]{
		Absent: true, Pick: kernel.PickBy[filter.Instance, *catalog.Instance](req.Filter), Near: &req.Near, NodeOf: kernel.NodeOfInstance, Into: &rep.Instances,
		Rows: func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Instance) {
			return rows(tx, ws, req.Service)
		},
		Keep: &kernel.Keep{
			Key: kernel.NewListKey("instances", strings.ToLower(req.Service), strconv.FormatBool(req.Connect)),
			Stamp: func(tx *catalog.Tx, ws catalog.WatchSet) kernel.Stamp {
				return kernel.Stamp{Index: indexOf(tx, ws, req.Service), Changed: tx.Replaced()}
			},
		},
	}
	if len(req.Tags) > 0 || len(req.NodeMeta) > 0 {
		l.Wanted = func(_ *catalog.Tx, i *catalog.Instance) bool {
			return kernel.HasTags(i.Service, req.Tags) && kernel.HasMeta(i.Node.Meta, req.NodeMeta)
		}
	}
	if req.Connect && !az.Allows(acl.Service.Read(req.Service)) {
		l.Rows, l.Keep = noInstances, nil // hides even that something was left out
	}
	err := kernel.ReadList(ctx, s.kernel, az, &req.ReadOptions, &rep.ReadMeta, kernel.Instances, l)
	q := &s.measured.services
	if req.Connect {
		q = &s.measured.mesh
	}
	q.count(req.Service, len(req.Tags), len(rep.Instances))
	return rep, err
}

func noInstances(*catalog.Tx, catalog.WatchSet) (uint64, []*catalog.Instance) { return 0, nil }

// catalogGatewayServices finds nothing: entries about gateways are not worked out yet.
func (s *Server) catalogGatewayServices(ctx context.Context, _ *acl.Authorizer, req *ops.CatalogGatewayServicesRequest) (*ops.CatalogGatewayServicesReply, error) {
	rep := &ops.CatalogGatewayServicesReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, noRows)
}

func (s *Server) catalogNode(ctx context.Context, az *acl.Authorizer, req *ops.CatalogNodeRequest) (*ops.CatalogNodeReply, error) {
	picked, err := filter.New[filter.Service](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogNodeReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, node := tx.NodeServices(ws, req.Node)
		rep.NodeServices, rep.Absent = nil, node == nil
		if node == nil {
			return index, nil
		}
		var ok bool
		if _, ok, rep.Filtered = kernel.Nodes.See(az, node.Node); !ok {
			return index, nil
		}
		services, filtered := kernel.Services.Show(az, node.Services)
		rep.Filtered = filtered
		services, err := filter.Keep(ctx, picked, services)
		rep.NodeServices = &catalog.NodeServices{Node: node.Node, Services: services}
		return index, err
	})
}
