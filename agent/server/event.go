package server

import (
	"context"

	"praetor/internal/event"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// eventFire sends a user event through the LAN pool, to this agent too
// (reference/internals.md §7).
func (s *Server) eventFire(_ context.Context, req *ops.EventFireRequest) (*ops.Empty, error) {
	az, err := s.access(req.Token)
	if err != nil {
		return nil, err
	}
	e := &req.Event
	if !az.EventWrite(e.Name) {
		return nil, fault.New(fault.Denied, "Permission denied") // exactly: reference/http-api.md §2.3
	}
	if err := e.Check(); err != nil {
		return nil, err
	}
	payload, err := e.Encode()
	if err != nil {
		return nil, err
	}
	if err := s.opts.LAN.Fire(event.Prefix+e.Name, payload); err != nil {
		return nil, fault.New(fault.Rejected, "error broadcasting event: %w", err)
	}
	return &ops.Empty{}, nil
}
