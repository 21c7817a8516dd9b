package server

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) catalogRegister(ctx context.Context, req *ops.CatalogRegisterRequest) (*ops.Empty, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	reg := req.Register
	if err := s.prepare(az, &reg); err != nil {
		return nil, err
	}
	if _, _, err := s.apply(ctx, catalog.RegisterCommand, &reg); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
}

// prepare says whether a registration may be logged, and fills in what the log
// must hold (reference/http-catalog-health.md §2.1).
func (s *Server) prepare(az acl.Authorizer, reg *catalog.Register) error {
	if reg.ID != "" {
		if _, err := uuid.ParseUUID(reg.ID); err != nil {
			return fault.New(fault.Rejected, "Bad node ID: %w", err)
		}
	}
	reg.Datacenter = s.opts.Datacenter
	if err := reg.Prepare(); err != nil {
		return err
	}
	nodeChecks := slices.ContainsFunc(reg.Checks, func(c *catalog.Check) bool { return c.ServiceID == "" })
	if (!reg.SkipNodeUpdate || nodeChecks) && !az.NodeWrite(reg.Node) {
		return denied("node:write", reg.Node)
	}
	if reg.Service != nil && !az.ServiceWrite(reg.Service.Service) {
		return denied("service:write", reg.Service.Service)
	}
	return nil
}

func (s *Server) catalogDeregister(ctx context.Context, req *ops.CatalogDeregisterRequest) (*ops.Empty, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	if err := s.mayDeregister(az, &req.Deregister); err != nil {
		return nil, err
	}
	if _, _, err := s.apply(ctx, catalog.DeregisterCommand, &req.Deregister); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
}

func (s *Server) mayDeregister(az acl.Authorizer, d *catalog.Deregister) error {
	switch {
	case d.Node == "":
		return fault.New(fault.Rejected, "Must provide node")
	case az.NodeWrite(d.Node):
		return nil
	}
	_, services := s.store.Read().NodeServices(nil, d.Node)
	if services != nil && d.ServiceID != "" {
		for _, svc := range services.Services {
			if svc.ID == d.ServiceID && az.ServiceWrite(svc.Service) {
				return nil
			}
		}
	}
	return denied("node:write", d.Node)
}

// catalogSync logs the members of a batch that are in order as one entry.
func (s *Server) catalogSync(ctx context.Context, req *ops.CatalogSyncRequest) (*ops.CatalogSyncReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	n := len(req.Batch.Registers)
	rep := &ops.CatalogSyncReply{
		Errors: make([]string, n+len(req.Batch.Deregisters)),
		Denied: make([]bool, n+len(req.Batch.Deregisters)),
	}
	var batch catalog.Batch
	var places []int // where each logged member stands in the reply
	note := func(i int, err error) {
		rep.Errors[i], rep.Denied[i] = err.Error(), fault.KindOf(err) == fault.Denied
	}
	for i, reg := range req.Batch.Registers {
		own := *reg
		if err := s.prepare(az, &own); err != nil {
			note(i, err)
			continue
		}
		batch.Registers, places = append(batch.Registers, &own), append(places, i)
	}
	for i, d := range req.Batch.Deregisters {
		if err := s.mayDeregister(az, d); err != nil {
			note(n+i, err)
			continue
		}
		batch.Deregisters, places = append(batch.Deregisters, d), append(places, n+i)
	}
	if len(places) == 0 {
		return rep, nil
	}
	result, _, err := s.apply(ctx, catalog.BatchCommand, &batch)
	if err != nil {
		return nil, err
	}
	for i, text := range result.([]string) {
		rep.Errors[places[i]] = text
	}
	return rep, nil
}

func (s *Server) catalogDatacenters(context.Context, *ops.CatalogDatacentersRequest) (*ops.CatalogDatacentersReply, error) {
	_, datacenters := s.servers()
	return &ops.CatalogDatacentersReply{Datacenters: datacenters}, nil
}

func (s *Server) catalogNodes(ctx context.Context, req *ops.CatalogNodesRequest) (*ops.CatalogNodesReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogNodesReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, nodes := tx.Nodes(ws)
		rep.Nodes = slices.DeleteFunc(nodes, func(n *catalog.Node) bool {
			if !az.NodeRead(n.Node) {
				rep.Filtered = true
				return true
			}
			return !hasMeta(n, req.NodeMeta)
		})
		return index, nil
	})
}

// hasMeta tells whether a node has all the metadata asked for.
func hasMeta(n *catalog.Node, want map[string]string) bool {
	for k, v := range want {
		if got, ok := n.Meta[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func (s *Server) catalogServices(ctx context.Context, req *ops.CatalogServicesRequest) (*ops.CatalogServicesReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogServicesReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, all := tx.Services(ws)
		if len(req.NodeMeta) > 0 {
			all = servicesOn(tx, all, req.NodeMeta)
		}
		rep.Services, rep.Filtered = readable(az, all)
		return index, nil
	})
}

// readable leaves out services a token may not see; all is shared and stays.
func readable(az acl.Authorizer, all map[string][]string) (map[string][]string, bool) {
	hidden := false
	for name := range all {
		hidden = hidden || !az.ServiceRead(name)
	}
	if !hidden {
		return all, false
	}
	kept := make(map[string][]string, len(all))
	for name, tags := range all {
		if az.ServiceRead(name) {
			kept[name] = tags
		}
	}
	return kept, true
}

// servicesOn keeps the services and tags of nodes with some metadata.
func servicesOn(tx *catalog.Tx, all map[string][]string, meta map[string]string) map[string][]string {
	kept := map[string][]string{}
	for name := range all {
		_, instances := tx.ServiceInstances(nil, name)
		tags, found := []string{}, false
		for _, i := range instances {
			if hasMeta(i.Node, meta) {
				tags, found = append(tags, i.Service.Tags...), true
			}
		}
		if found {
			slices.Sort(tags)
			kept[name] = slices.Compact(tags)
		}
	}
	return kept
}

func (s *Server) catalogService(ctx context.Context, req *ops.CatalogServiceRequest) (*ops.CatalogServiceReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogServiceReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, instances := tx.ServiceInstances(ws, req.Service)
		rep.Instances = slices.DeleteFunc(instances, func(i *catalog.Instance) bool {
			if !az.NodeRead(i.Node.Node) || !az.ServiceRead(i.Service.Service) {
				rep.Filtered = true
				return true
			}
			return !hasTags(i.Service, req.Tags) || !hasMeta(i.Node, req.NodeMeta)
		})
		return index, nil
	})
}

// hasTags tells whether an instance has all tags asked for, in any case.
func hasTags(s *catalog.Service, want []string) bool {
	for _, tag := range want {
		if !slices.ContainsFunc(s.Tags, func(t string) bool { return strings.EqualFold(t, tag) }) {
			return false
		}
	}
	return true
}

func (s *Server) catalogNode(ctx context.Context, req *ops.CatalogNodeRequest) (*ops.CatalogNodeReply, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	rep := &ops.CatalogNodeReply{}
	return rep, s.read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, node := tx.NodeServices(ws, req.Node)
		if node != nil && !az.NodeRead(node.Node.Node) {
			node, rep.Filtered = nil, true
		}
		if node != nil {
			visible := slices.DeleteFunc(slices.Clone(node.Services), func(svc *catalog.Service) bool { return !az.ServiceRead(svc.Service) })
			rep.Filtered = len(visible) < len(node.Services)
			node = &catalog.NodeServices{Node: node.Node, Services: visible}
		}
		rep.NodeServices = node
		return index, nil
	})
}
