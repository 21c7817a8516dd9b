package server

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// apply logs a command and returns its result; a result that is an error
// becomes the error.
func (s *Server) apply(ctx context.Context, t catalog.CommandType, cmd msgp.Marshaler) (any, uint64, error) {
	if s.leaving.Load() {
		return nil, 0, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	data, err := catalog.Encode(t, cmd)
	if err != nil {
		return nil, 0, err
	}
	result, index, err := s.raft.Apply(ctx, data)
	if err != nil {
		return nil, 0, err
	}
	if err, ok := result.(error); ok {
		return nil, 0, err
	}
	return result, index, nil
}

// applyAll logs encoded commands that may be repeated, in their order; results
// may be errors.
func (s *Server) applyAll(ctx context.Context, cmds [][]byte) ([]any, error) {
	if s.leaving.Load() {
		return nil, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	return s.raft.ApplyAll(ctx, cmds)
}
