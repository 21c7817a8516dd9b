package server

import (
	"context"
	"slices"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) catalogRegister(ctx context.Context, req *ops.CatalogRegisterRequest) (*ops.Empty, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	reg, err := s.prepare(az, &req.Register)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.apply(ctx, catalog.RegisterCommand, reg); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
}

// prepare says whether a registration may be logged, and returns what the log
// must hold (reference/http-catalog-health.md §2.1). The request stays as it
// is: it may be tried again, and a local caller may share it.
func (s *Server) prepare(az caller, asked *catalog.Register) (*catalog.Register, error) {
	if asked == nil {
		return nil, fault.New(fault.Rejected, "Must provide node")
	}
	reg := ownCopy(asked)
	if reg.ID != "" {
		if _, err := uuid.ParseUUID(reg.ID); err != nil {
			return nil, fault.New(fault.Rejected, "Bad node ID: %w", err)
		}
	}
	reg.Datacenter = s.opts.Datacenter
	if err := reg.Prepare(); err != nil {
		return nil, err
	}
	return reg, az.mayRegister(s.store.Read(), reg)
}

// ownCopy copies as much of a registration as Prepare may change.
func ownCopy(asked *catalog.Register) *catalog.Register {
	reg := *asked
	if asked.Service != nil {
		svc := *asked.Service
		svc.Proxy = ownProxy(svc.Proxy)
		reg.Service = &svc
	}
	reg.Checks = make([]*catalog.Check, 0, len(asked.Checks))
	for _, c := range asked.Checks {
		if c != nil {
			own := *c
			reg.Checks = append(reg.Checks, &own)
		}
	}
	return &reg
}

func ownProxy(asked *catalog.Proxy) *catalog.Proxy {
	if asked == nil {
		return nil
	}
	proxy := *asked
	proxy.Upstreams = slices.Clone(asked.Upstreams)
	if asked.Expose != nil {
		expose := *asked.Expose
		proxy.Expose = &expose
	}
	return &proxy
}

func (s *Server) catalogDeregister(ctx context.Context, req *ops.CatalogDeregisterRequest) (*ops.Empty, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	if err := az.mayDeregister(s.store.Read(), &req.Deregister); err != nil {
		return nil, err
	}
	if _, _, err := s.apply(ctx, catalog.DeregisterCommand, &req.Deregister); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
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
	for i, asked := range req.Batch.Registers {
		reg, err := s.prepare(az, asked)
		if err != nil {
			note(i, err)
			if i == 0 && req.Batch.LeadsWithNode() && !rep.Denied[i] {
				return refuseRest(rep), nil
			}
			continue
		}
		batch.Registers, places = append(batch.Registers, reg), append(places, i)
	}
	for i, d := range req.Batch.Deregisters {
		if err := az.mayDeregister(s.store.Read(), d); err != nil {
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

// refuseRest answers a batch whose first member, its node, was refused.
func refuseRest(rep *ops.CatalogSyncReply) *ops.CatalogSyncReply {
	for i := 1; i < len(rep.Errors); i++ {
		rep.Errors[i] = catalog.TextNodeRefused
	}
	return rep
}
