package server

import (
	"context"
	"slices"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func (s *Server) handleHealth(m *kernel.Mux) {
	kernel.Handle(m, ops.HealthNode, kernel.FilteredBy("node:read and service:read"), s.healthNode)
	kernel.Handle(m, ops.HealthChecks, kernel.FilteredBy("node:read and service:read"), s.healthChecks)
	kernel.Handle(m, ops.HealthState, kernel.FilteredBy("node:read and service:read"), s.healthState)
	kernel.Handle(m, ops.HealthService, kernel.FilteredBy("node:read and service:read; of proxies, service:read on the name"), s.healthService)
	kernel.Handle(m, ops.HealthIngress, kernel.Decides("service:read on the name"), s.healthIngress)
}

func (s *Server) healthNode(ctx context.Context, az *acl.Authorizer, req *ops.HealthNodeRequest) (*ops.HealthChecksReply, error) {
	return s.checks(ctx, az, &req.ReadOptions, nil, req.Filter, &ops.Near{}, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) {
		return tx.NodeChecks(ws, req.Node)
	})
}

func (s *Server) healthChecks(ctx context.Context, az *acl.Authorizer, req *ops.HealthChecksRequest) (*ops.HealthChecksReply, error) {
	return s.checks(ctx, az, &req.ReadOptions, req.NodeMeta, req.Filter, &req.Near, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) {
		return tx.ServiceChecks(ws, req.Service)
	})
}

func (s *Server) healthState(ctx context.Context, az *acl.Authorizer, req *ops.HealthStateRequest) (*ops.HealthChecksReply, error) {
	return s.checks(ctx, az, &req.ReadOptions, req.NodeMeta, req.Filter, &req.Near, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) {
		return tx.ChecksInState(ws, req.State)
	})
}

// checks answers every read that lists checks.
func (s *Server) checks(ctx context.Context, az *acl.Authorizer, opts *rpc.ReadOptions, meta map[string]string, expression string, near *ops.Near, list func(*catalog.Tx, catalog.WatchSet) (uint64, []*catalog.Check)) (*ops.HealthChecksReply, error) {
	picked, err := filter.New[filter.Check](expression)
	if err != nil {
		return nil, err
	}
	rep := &ops.HealthChecksReply{}
	return rep, s.kernel.Read(ctx, opts, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (_ uint64, err error) {
		index, checks := list(tx, ws)
		rep.Absent = len(checks) == 0
		rep.Checks = slices.DeleteFunc(checks, func(c *catalog.Check) bool {
			if !kernel.MayReadCheck(az, c) {
				rep.Filtered = true
				return true
			}
			if len(meta) == 0 {
				return false
			}
			_, node := tx.Node(nil, c.Node)
			return node == nil || !kernel.HasMeta(node.Meta, meta)
		})
		rep.Checks, err = filter.Keep(ctx, picked, rep.Checks)
		rep.Checks = kernel.SortNear(s.kernel, tx, near, rep.Checks, kernel.NodeOfCheck)
		return index, err
	})
}

func (s *Server) healthService(ctx context.Context, az *acl.Authorizer, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
	if req.Connect && !az.Allows(acl.Service.Read(req.Service)) {
		return nil, acl.ErrDenied // exactly: reference/http-catalog-health.md §4
	}
	picked, err := filter.New[filter.InstanceHealth](req.Filter)
	if err != nil {
		return nil, err
	}
	rep := &ops.HealthServiceReply{}
	key := kernel.NewViewKey(req)
	err = s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, instances, err := s.views.Get(ctx, tx, ws, key, req, picked)
		rep.Instances, rep.Filtered = kernel.ReadableInstances(az, instances)
		rep.Instances = kernel.SortNear(s.kernel, tx, &req.Near, rep.Instances, kernel.NodeOfHealth)
		rep.Absent = len(rep.Instances) == 0 && !tx.HasInstances(req.Service, req.Connect)
		return index, err
	})
	q := &s.measured.health
	if req.Connect {
		q = &s.measured.healthMesh
	}
	q.count(req.Service, len(req.Tags), len(rep.Instances))
	return rep, err
}

// healthIngress finds nothing: only configuration entries name ingress gateways.
func (s *Server) healthIngress(ctx context.Context, az *acl.Authorizer, req *ops.HealthServiceRequest) (*ops.HealthServiceReply, error) {
	if !az.Allows(acl.Service.Read(req.Service)) {
		return nil, acl.ErrDenied // exactly, as above
	}
	if _, err := filter.New[filter.InstanceHealth](req.Filter); err != nil {
		return nil, err
	}
	rep := &ops.HealthServiceReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, noRows)
}

// noRows is the query of what is always empty.
func noRows(*catalog.Tx, catalog.WatchSet) (uint64, error) { return 0, nil }
