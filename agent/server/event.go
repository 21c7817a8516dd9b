package server

import (
	"context"

	"praetor/agent/server/kernel"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/userevent"
)

func (s *Server) registerEvents(m *kernel.Mux) {
	kernel.Handle(m, ops.EventFire, kernel.Decides("event:write on the event's name"), s.eventFire)
}

// eventFire sends a user event through the LAN pool, to this agent too
// (reference/internals.md §7).
func (s *Server) eventFire(_ context.Context, az *acl.Authorizer, req *ops.EventFireRequest) (*ops.Empty, error) {
	e := &req.Event
	if !az.Allows(acl.Event.Write(e.Name)) {
		return nil, acl.ErrDenied // exactly: reference/http-api.md §2.3
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	payload, err := e.Encode()
	if err != nil {
		return nil, err
	}
	if err := s.opts.LAN.Fire(userevent.Prefix+e.Name, payload); err != nil {
		return nil, fault.New(fault.Rejected, "error broadcasting event: %w", err)
	}
	return &ops.Empty{}, nil
}
