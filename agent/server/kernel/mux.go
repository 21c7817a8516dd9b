package kernel

import (
	"context"
	"io"

	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// Mux is the operations that a server answers, each with its rule. No handler
// sees a request whose token was not resolved.
type Mux struct {
	handlers *rpc.Mux // nobody else registers there
	resolver acl.Resolver
	rules    map[string]Rule
}

// NewMux returns an empty Mux whose callers' tokens resolver knows.
func NewMux(resolver acl.Resolver) *Mux {
	return &Mux{rpc.NewMux(), resolver, map[string]Rule{}}
}

// Serving returns the handlers, each with something around it that an operation may
// want. Call it after the last Handle.
func (m *Mux) Serving(around func(op *rpc.Desc, next rpc.Handler) rpc.Handler) *rpc.Mux {
	m.handlers.Wrap(around)
	return m.handlers
}

// Rules are the rules of all operations and transfers, by name.
func (m *Mux) Rules() map[string]Rule { return m.rules }

// Handle registers h for op. It gets the caller that the request's token stands
// for, after the rule was asked: nil, which allows nothing, where the rule is Open.
func Handle[Req, Rep any](m *Mux, op rpc.Op[Req, Rep], r Rule, h func(context.Context, *acl.Authorizer, *Req) (*Rep, error)) {
	m.rule(op.Desc, r)
	rpc.Handle(m.handlers, op, func(ctx context.Context, req *Req) (rep *Rep, err error) {
		err = admitted(ctx, m, r, req, func(ctx context.Context, az *acl.Authorizer, req *Req) (err error) {
			rep, err = h(ctx, az, req)
			return err
		})
		return rep, err
	})
}

// HandleTransfer is Handle for a transfer.
func HandleTransfer[Req, Rep any](m *Mux, t rpc.Transfer[Req, Rep], r Rule, h func(context.Context, *acl.Authorizer, *Req, io.Reader) (*Rep, io.ReadCloser, error)) {
	m.rule(t.Desc, r)
	rpc.HandleTransfer(m.handlers, t, func(ctx context.Context, req *Req, body io.Reader) (rep *Rep, out io.ReadCloser, err error) {
		err = admitted(ctx, m, r, req, func(ctx context.Context, az *acl.Authorizer, req *Req) (err error) {
			rep, out, err = h(ctx, az, req, body)
			return err
		})
		return rep, out, err
	})
}

// rule keeps a rule. An operation whose requests carry no token cannot have any
// but Open: that is a bug and panics.
func (m *Mux) rule(op *rpc.Desc, r Rule) {
	if _, routed := op.NewRequest().(rpc.Routed); !routed && !r.open || r.how == "" {
		panic("kernel: operation " + op.Name + " has no rule that its requests can be held to")
	}
	m.rules[op.Name] = r
}
