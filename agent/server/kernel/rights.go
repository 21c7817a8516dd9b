package kernel

import (
	"context"
	"errors"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// Access rules may change while a read blocks. Its caller is looked at again whenever
// they do: with the same rights the read goes on waiting, as long as it would have;
// with others it is answered at once; without a token it ends.

// heldKey is the context's key of the caller of a blocking read.
type heldKey struct{}

// held is the caller of a blocking read: what it could do when the read began, and
// what it can do now.
type held struct {
	had   *acl.Authorizer
	again func(context.Context) (*acl.Authorizer, error)
	rules uint64 // catalog.Tx.ACLGeneration when it was looked at last
	seen  bool   // it was
}

// otherRights ends a blocking read whose caller has other rights than at its start.
type otherRights struct{ now *acl.Authorizer }

func (*otherRights) Error() string { return "access rules have changed" }

// check looks at the caller if rules have changed, and watches for the next change. The
// first time it looks in any case: they may have changed since the read was admitted.
func (h *held) check(ctx context.Context, tx *catalog.Tx, ws catalog.WatchSet) error {
	rules := tx.ACLGeneration(ws)
	if h.seen && rules == h.rules {
		return nil
	}
	h.rules, h.seen = rules, true
	now, err := h.again(ctx)
	if err != nil {
		return err
	}
	if !h.had.DecidesAs(now) {
		return &otherRights{now}
	}
	return nil
}

// admitted runs a handler for the caller that a request's token stands for.
func admitted[Req any](ctx context.Context, m *Mux, r Rule, req *Req, run func(context.Context, *acl.Authorizer, *Req) error) error {
	admit := func(ctx context.Context) (*acl.Authorizer, error) {
		return r.admit(ctx, m.resolver, any(req).(rpc.Message))
	}
	az, err := admit(ctx)
	if err != nil {
		return err
	}
	opts := rpc.ReadOptionsOf(any(req).(rpc.Message))
	if opts == nil || opts.MinIndex == 0 || az.Unrestricted() {
		return run(ctx, az, req)
	}
	err = run(context.WithValue(ctx, heldKey{}, &held{had: az, again: admit}), az, req)
	var other *otherRights
	if !errors.As(err, &other) {
		return err
	}
	now := *req // others may hold the request itself
	rpc.ReadOptionsOf(any(&now).(rpc.Message)).MinIndex = 0
	return run(ctx, other.now, &now)
}
