package server

import (
	"context"
	"slices"

	"github.com/hashicorp/go-uuid"
	"github.com/tinylib/msgp/msgp"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) registerRegistrations(m *kernel.Mux) {
	kernel.Handle(m, ops.CatalogRegister, kernel.Decides("node:write and service:write on what changes"), s.catalogRegister)
	kernel.Handle(m, ops.CatalogDeregister, kernel.Decides("node:write, or service:write on what goes"), s.catalogDeregister)
	kernel.Handle(m, ops.CatalogSync, kernel.Decides("the rights of each registration"), s.catalogSync)
}

func (s *Server) catalogRegister(ctx context.Context, az *acl.Authorizer, req *ops.CatalogRegisterRequest) (*ops.Empty, error) {
	reg, err := s.prepare(az, &req.Register)
	if err == nil {
		err = s.duties.SettleNode(ctx, reg)
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := s.kernel.Apply(s.kernel.By(ctx, az), catalog.RegisterCommand, reg); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
}

// prepare says whether a registration may be logged, and returns what the log
// must hold (reference/http-catalog-health.md §2.1). The request stays as it
// is: it may be tried again, and a local caller may share it.
func (s *Server) prepare(az *acl.Authorizer, asked *catalog.Register) (*catalog.Register, error) {
	if asked == nil {
		return nil, fault.New(fault.Rejected, "Must provide node")
	}
	if asked.Service != nil {
		if err := definition.ValidateService(asked.Service); err != nil {
			return nil, fault.New(fault.Rejected, "%w", err)
		}
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
	return reg, kernel.MayRegister(az, s.kernel.Store.Read(), reg)
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

func (s *Server) catalogDeregister(ctx context.Context, az *acl.Authorizer, req *ops.CatalogDeregisterRequest) (*ops.Empty, error) {
	if err := kernel.MayDeregister(az, s.kernel.Store.Read(), &req.Deregister); err != nil {
		return nil, err
	}
	if _, _, err := s.kernel.Apply(s.kernel.By(ctx, az), catalog.DeregisterCommand, &req.Deregister); err != nil {
		return nil, err
	}
	return &ops.Empty{}, nil
}

// catalogSync logs those members of a request that are in order, each as an entry
// with an index of its own.
func (s *Server) catalogSync(ctx context.Context, az *acl.Authorizer, req *ops.CatalogSyncRequest) (*ops.CatalogSyncReply, error) {
	if err := checkSyncSize(req); err != nil {
		return nil, err
	}
	n := len(req.Registers)
	rep := &ops.CatalogSyncReply{
		Errors: make([]string, n+len(req.Deregisters)),
		Denied: make([]bool, n+len(req.Deregisters)),
	}
	var cmds [][]byte
	var places []int // where each logged member stands in the reply
	add := func(i int, t catalog.CommandType, cmd msgp.Marshaler, err error) {
		var data []byte
		if err == nil {
			data, err = catalog.Encode(t, cmd)
		}
		if err != nil {
			rep.Errors[i], rep.Denied[i] = err.Error(), fault.KindOf(err) == fault.Denied
			return
		}
		cmds, places = append(cmds, data), append(places, i)
	}
	log := func() error {
		results, err := s.kernel.ApplyAll(s.kernel.By(ctx, az), cmds)
		for i, result := range results {
			if err, failed := result.(error); failed {
				rep.Errors[places[i]] = err.Error()
			}
		}
		cmds, places = nil, nil
		return err
	}
	var settled *catalog.Register // the last whose node was looked at: most are of one
	for i, asked := range req.Registers {
		reg, err := s.prepare(az, asked)
		if err == nil && (settled == nil || reg.Node != settled.Node || reg.ID != settled.ID) {
			err, settled = s.duties.SettleNode(ctx, reg), reg
		}
		add(i, catalog.RegisterCommand, reg, err)
		if i > 0 || !req.LeadsWithNode() {
			continue
		}
		if err := log(); err != nil {
			return nil, err
		}
		if rep.Errors[0] != "" && !rep.Denied[0] {
			return refuseRest(rep), nil
		}
	}
	for i, d := range req.Deregisters {
		add(n+i, catalog.DeregisterCommand, d, kernel.MayDeregister(az, s.kernel.Store.Read(), d))
	}
	if err := log(); err != nil {
		return nil, err
	}
	return rep, nil
}

// refuseRest answers a request whose first member, its node, was refused: the rest
// is about a node that is not its own.
func refuseRest(rep *ops.CatalogSyncReply) *ops.CatalogSyncReply {
	for i := 1; i < len(rep.Errors); i++ {
		rep.Errors[i] = ops.TextNodeRefused
	}
	return rep
}
