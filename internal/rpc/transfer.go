package rpc

import (
	"context"
	"io"

	"praetor/internal/fault"
)

// Transfer is an operation with more bytes than a message may hold: behind its
// request, or behind its reply. They are streamed, and nobody holds them all.
type Transfer[Req, Rep any] struct {
	*Desc
}

// WriteTransfer declares a transfer that changes state: it runs on the leader.
func WriteTransfer[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Transfer[Req, Rep] {
	return Transfer[Req, Rep]{declare[Req, Rep, PReq, PRep](name, Leader, true).Desc}
}

// ReadTransfer declares a transfer whose consistency the request's ReadOptions
// choose.
func ReadTransfer[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Transfer[Req, Rep] {
	return Transfer[Req, Rep]{declare[Req, Rep, PReq, PRep](name, ByOptions, false).Desc}
}

// Carrier carries transfers. Router is the real one; tests use small fakes.
type Carrier interface {
	// Carry routes req as Caller.Do does. body, which may be nil, follows it: it
	// is not read before the server that answers asks for it, and never twice, so
	// a transfer whose body was begun is not tried again. What follows the reply
	// must be read to its end, or closed, and ends with ctx.
	Carry(ctx context.Context, op *Desc, req Message, body io.Reader) (Message, io.ReadCloser, error)
}

// Call runs the transfer through c.
func (t Transfer[Req, Rep]) Call(ctx context.Context, c Carrier, req *Req, body io.Reader) (*Rep, io.ReadCloser, error) {
	m, out, err := c.Carry(ctx, t.Desc, any(req).(Message), body)
	if err != nil {
		return nil, nil, err
	}
	return any(m).(*Rep), out, nil
}

// Carrying answers one transfer on this server. It may read body, and returns
// what follows the reply; nil for nothing.
type Carrying func(ctx context.Context, req Message, body io.Reader) (Message, io.ReadCloser, error)

// HandleTransfer registers h for a transfer. Registering a name twice is a bug
// and panics.
func HandleTransfer[Req, Rep any](m *Mux, t Transfer[Req, Rep], h func(context.Context, *Req, io.Reader) (*Rep, io.ReadCloser, error)) {
	if _, ok := m.transfers[t.Name]; ok {
		panic("rpc: transfer " + t.Name + " handled twice")
	}
	m.transfers[t.Name] = carried{t.Desc, func(ctx context.Context, req Message, body io.Reader) (Message, io.ReadCloser, error) {
		rep, out, err := h(ctx, any(req).(*Req), body)
		if err != nil {
			return nil, nil, err
		}
		return any(rep).(Message), out, nil
	}}
}

type carried struct {
	op     *Desc
	handle Carrying
}

// Carry implements Carrier.
func (r *Router) Carry(ctx context.Context, op *Desc, req Message, body io.Reader) (Message, io.ReadCloser, error) {
	return r.transfer(ctx, op, req, body, hopNone)
}

// transfer routes a transfer, made here or arrived over the wire. How long it takes
// once it is begun is its caller's business.
func (r *Router) transfer(ctx context.Context, op *Desc, req Message, body io.Reader, h hop) (Message, io.ReadCloser, error) {
	if err := r.admitIn(ctx, op, h); err != nil {
		return nil, nil, err
	}
	w := carriage{r: r, in: once{from: body}}
	if err := r.carry(ctx, ctx, op, req, &w, h); err != nil {
		return nil, nil, err
	}
	return w.rep, w.out, nil
}

func (r *Router) handleTransfer(ctx context.Context, op *Desc, req Message, in io.Reader) (rep Message, out io.ReadCloser, err error) {
	defer fault.Survive(&err, op.Name, r.opts.Logger.Error)
	reg, ok := r.opts.Local.transfers[op.Name]
	if !ok {
		return nil, nil, fault.New(fault.Internal, "no handler for operation %s", op.Name)
	}
	return reg.handle(ctx, req, in)
}

// once is a body, which knows whether anybody has begun to read it.
type once struct {
	from  io.Reader // nil: nothing
	begun bool
}

// Read implements io.Reader.
func (o *once) Read(b []byte) (int, error) {
	if o.from == nil {
		return 0, io.EOF
	}
	o.begun = true
	return o.from.Read(b)
}

var _ Carrier = (*Router)(nil)
