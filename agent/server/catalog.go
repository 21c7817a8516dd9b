package server

import (
	"context"
	"slices"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) handleCatalog(m *kernel.Mux) {
	kernel.Handle(m, ops.CatalogDatacenters, kernel.Open("names of datacenters"), s.catalogDatacenters)
	kernel.Handle(m, ops.CatalogNodes, kernel.FilteredBy("node:read"), s.catalogNodes)
	kernel.Handle(m, ops.CatalogServices, kernel.FilteredBy("node:read and service:read"), s.catalogServices)
	kernel.Handle(m, ops.CatalogService, kernel.FilteredBy("node:read and service:read"), s.catalogService)
	kernel.Handle(m, ops.CatalogGatewayServices, kernel.Needs(func(r *ops.CatalogGatewayServicesRequest) acl.Need {
		return acl.Service.Read(r.Gateway)
	}), s.catalogGatewayServices)
	kernel.Handle(m, ops.CatalogNode, kernel.FilteredBy("node:read and service:read"), s.catalogNode)
	kernel.Handle(m, ops.CatalogAddress, kernel.FilteredBy("node:read and service:read"), s.catalogAddress)
}

func (s *Server) catalogDatacenters(context.Context, *acl.Authorizer, *ops.CatalogDatacentersRequest) (*ops.CatalogDatacentersReply, error) {
	return &ops.CatalogDatacentersReply{Datacenters: s.kernel.Datacenters()}, nil
}

func (s *Server) catalogNodes(ctx context.Context, az *acl.Authorizer, req *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
	picked, err := filter.New[filter.Node](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogNodesReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, nodes := tx.Nodes(ws)
		rep.Nodes = slices.DeleteFunc(nodes, func(n *catalog.Node) bool {
			if !az.Allows(acl.Node.Read(n.Node)) {
				rep.Filtered = true
				return true
			}
			return !kernel.HasMeta(n.Meta, req.NodeMeta)
		})
		rep.Nodes, err = filter.Keep(ctx, picked, rep.Nodes)
		rep.Nodes = kernel.SortNear(s.kernel, tx, &req.Near, rep.Nodes, kernel.NodeOf)
		return index, err
	})
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
			rep.Services = all
			return index, nil
		}
		matches := filter.Matching[filter.Instance, *catalog.Instance](ctx, picked)
		rep.Services, err = servicesOf(tx, all, func(i *catalog.Instance) (bool, error) {
			if !kernel.MayReadInstance(az, i.Node, i.Service) {
				rep.Filtered = true
				return false, nil
			}
			if !kernel.HasMeta(i.Node.Meta, req.NodeMeta) {
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
	picked, err := filter.New[filter.Instance](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogServiceReply{}
	err = s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		list := tx.ServiceInstances
		if req.Connect {
			if !az.Allows(acl.Service.Read(req.Service)) {
				return 0, nil // hides even that something was left out
			}
			list = tx.MeshInstances
		}
		index, instances := list(ws, req.Service)
		rep.Absent = len(instances) == 0
		rep.Instances = slices.DeleteFunc(instances, func(i *catalog.Instance) bool {
			if !kernel.MayReadInstance(az, i.Node, i.Service) {
				rep.Filtered = true
				return true
			}
			return !kernel.HasTags(i.Service, req.Tags) || !kernel.HasMeta(i.Node.Meta, req.NodeMeta)
		})
		rep.Instances, err = filter.Keep(ctx, picked, rep.Instances)
		rep.Instances = kernel.SortNear(s.kernel, tx, &req.Near, rep.Instances, kernel.NodeOfInstance)
		return index, err
	})
	q := &s.measured.services
	if req.Connect {
		q = &s.measured.mesh
	}
	q.count(req.Service, len(req.Tags), len(rep.Instances))
	return rep, err
}

// catalogGatewayServices finds nothing: only configuration entries say what a
// gateway serves.
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
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, node := tx.NodeServices(ws, req.Node)
		rep.Absent = node == nil
		if node != nil && !az.Allows(acl.Node.Read(node.Node.Node)) {
			node, rep.Filtered = nil, true
		}
		if node != nil {
			visible := slices.DeleteFunc(slices.Clone(node.Services), func(svc *catalog.Service) bool { return !az.Allows(acl.Service.Read(svc.Service)) })
			rep.Filtered = len(visible) < len(node.Services)
			if visible, err = filter.Keep(ctx, picked, visible); err != nil {
				return 0, err
			}
			node = &catalog.NodeServices{Node: node.Node, Services: visible}
		}
		rep.NodeServices = node
		return index, nil
	})
}
