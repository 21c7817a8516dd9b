package kernel

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// Apply logs a command and returns its result; a result that is an error
// becomes the error.
func (k *Kernel) Apply(ctx context.Context, t catalog.CommandType, cmd msgp.Marshaler) (any, uint64, error) {
	return k.apply(ctx, t, cmd, k.note(ctx, t))
}

func (k *Kernel) apply(ctx context.Context, t catalog.CommandType, cmd msgp.Marshaler, note []byte) (any, uint64, error) {
	if k.retired.Load() {
		return nil, 0, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	data, err := catalog.Encode(t, cmd)
	if err != nil {
		return nil, 0, err
	}
	result, index, err := k.Raft.ApplyNoted(ctx, data, note)
	if err != nil {
		return nil, 0, err
	}
	if err, ok := result.(error); ok {
		return nil, 0, err
	}
	return result, index, nil
}

// ApplyAll logs encoded registrations and deregistrations that may be repeated, in their order; results
// may be errors.
func (k *Kernel) ApplyAll(ctx context.Context, cmds [][]byte) ([]any, error) {
	if k.retired.Load() {
		return nil, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	return k.Raft.ApplyAll(ctx, cmds, k.note(ctx, catalog.RegisterCommand))
}

// ApplyFailed puts Consul's words before what the catalog refused.
func ApplyFailed(words string, err error) error {
	if fault.KindOf(err) != fault.Rejected {
		return err
	}
	return fault.New(fault.Rejected, words+": %w", err)
}
