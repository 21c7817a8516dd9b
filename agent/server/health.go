package server

import (
	"context"
	"strings"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/ops"
)

func (s *Server) registerHealth(m *kernel.Mux) {
	kernel.HandleList(m, s.kernel, ops.HealthNode, kernel.Checks, func(r *ops.HealthNodeRequest, rep *ops.HealthChecksReply) kernel.List[*catalog.Check] {
		return checks(rep, nil, r.Filter, nil, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) { return tx.NodeChecks(ws, r.Node) })
	})
	kernel.HandleList(m, s.kernel, ops.HealthChecks, kernel.Checks, func(r *ops.HealthChecksRequest, rep *ops.HealthChecksReply) kernel.List[*catalog.Check] {
		return checks(rep, r.NodeMeta, r.Filter, &r.Near, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) {
			return tx.ServiceChecks(ws, r.Service)
		})
	})
	kernel.HandleList(m, s.kernel, ops.HealthState, kernel.Checks, func(r *ops.HealthStateRequest, rep *ops.HealthChecksReply) kernel.List[*catalog.Check] {
		l := checks(rep, r.NodeMeta, r.Filter, &r.Near, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Check) {
			return tx.ChecksInState(ws, r.State)
		})
		l.Keep = &kernel.Keep{
			Key: kernel.NewListKey("checks", strings.ToLower(r.State)),
			Stamp: func(tx *catalog.Tx, ws catalog.WatchSet) kernel.Stamp {
				return kernel.Stamp{Changed: tx.WatchChecksInState(ws, r.State)}
			},
			Index: func(tx *catalog.Tx, _ uint64) uint64 { return tx.ChecksIndex() },
		}
		return l
	})
	kernel.Handle(m, ops.HealthService, kernel.FilteredBy("node:read and service:read; of proxies, service:read on the name"), s.healthService)
	kernel.Handle(m, ops.HealthIngress, kernel.Decides("service:read on the name"), s.healthIngress)
}

// checks lists checks, of the nodes that have some metadata.
func checks(rep *ops.HealthChecksReply, meta map[string]string, expression string, near *ops.Near, rows func(*catalog.Tx, catalog.WatchSet) (uint64, []*catalog.Check)) kernel.List[*catalog.Check] {
	l := kernel.List[*catalog.Check]{
		Absent: true, Rows: rows, Pick: kernel.PickBy[filter.Check, *catalog.Check](expression), Near: near, NodeOf: kernel.NodeOfCheck, Into: &rep.Checks,
	}
	if len(meta) > 0 {
		l.Wanted = func(tx *catalog.Tx, c *catalog.Check) bool {
			_, node := tx.Node(nil, c.Node)
			return node != nil && kernel.HasMeta(node.Meta, meta)
		}
	}
	return l
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
		index, instances, filtered, err := s.kernel.Views.Show(ctx, az, tx, ws, key, req, picked)
		rep.Instances, rep.Filtered = instances, filtered
		rep.Instances = kernel.SortNear(s.kernel, tx, &req.Near, rep.Instances, kernel.NodeOfHealth)
		rep.Shared = !rep.Filtered && req.Near == ops.Near{}
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

// healthIngress finds nothing: entries about ingress gateways are not worked out yet.
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
