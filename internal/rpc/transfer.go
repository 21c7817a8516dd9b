package rpc

import (
	"context"
	"io"
	"time"

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

// transfer tries until the transfer is begun, refused, or was held too long. How
// long it takes from then on is its caller's business.
func (r *Router) transfer(ctx context.Context, op *Desc, req Message, body io.Reader, h hop) (Message, io.ReadCloser, error) {
	if err := r.admitIn(ctx, op, h); err != nil {
		return nil, nil, err
	}
	in := &once{from: body}
	wait := hold{limit: r.opts.HoldTimeout}
	for {
		began := time.Now()
		rep, out, v, err := r.tryTransfer(ctx, op, req, in, h)
		if err == nil {
			return rep, out, nil
		}
		if v == final || h.final() || in.begun || !wait.next(ctx, v, began) {
			return nil, nil, r.ended(ctx, op, req, err)
		}
	}
}

// tryTransfer makes one attempt: the routing rules of try.
func (r *Router) tryTransfer(ctx context.Context, op *Desc, req Message, in *once, h hop) (Message, io.ReadCloser, verdict, error) {
	datacenter, stale := target(req)
	switch {
	case r.opts.Local == nil:
		servers, _ := r.fleet.order(r.opts.Datacenter)
		if len(servers) == 0 {
			return nil, nil, final, fault.New(fault.NoLeader, TextNoServers)
		}
		return r.transferEach(ctx, servers, op, req, in, hopNone)
	case !r.isOwn(datacenter) && h != hopNone:
		return nil, nil, final, errNoPath()
	case !r.isOwn(datacenter):
		return r.transferAway(ctx, datacenter, op, req, in)
	case r.answersHere(op, stale, h):
		rep, out, err := r.handleTransfer(ctx, op, req, in)
		return rep, out, verdictOf(err), err
	case h == hopLeader:
		return nil, nil, final, errNoLeader()
	}
	leader := r.opts.Leader()
	if leader.Address == "" {
		return nil, nil, retry, errNoLeader()
	}
	return r.sendTransfer(ctx, r.fleet.complete(leader), op, req, in, hopLeader)
}

func (r *Router) handleTransfer(ctx context.Context, op *Desc, req Message, in io.Reader) (Message, io.ReadCloser, error) {
	reg, ok := r.opts.Local.transfers[op.Name]
	if !ok {
		return nil, nil, fault.New(fault.Internal, "no handler for operation %s", op.Name)
	}
	return reg.handle(ctx, req, in)
}

// transferAway is tryDatacenter for a transfer.
func (r *Router) transferAway(ctx context.Context, datacenter string, op *Desc, req Message, in *once) (Message, io.ReadCloser, verdict, error) {
	servers, known := r.fleet.order(datacenter)
	if !known {
		return nil, nil, final, errNoPath()
	}
	unreachable := fault.New(fault.Rejected, TextRemoteUnreachable)
	if len(servers) == 0 {
		return nil, nil, final, unreachable
	}
	rep, out, v, err := r.transferEach(ctx, servers, op, req, in, hopDatacenter)
	if v == retry && !in.begun {
		return nil, nil, final, unreachable
	}
	return rep, out, v, err
}

// transferEach is tryEach for a transfer.
func (r *Router) transferEach(ctx context.Context, servers []Server, op *Desc, req Message, in *once, h hop) (rep Message, out io.ReadCloser, v verdict, err error) {
	for _, srv := range servers {
		rep, out, v, err = r.sendTransfer(ctx, srv, op, req, in, h)
		if v == final || in.begun {
			return rep, out, final, err
		}
		r.fleet.demote(srv)
		if v == retryHeld {
			return nil, nil, v, err
		}
	}
	return nil, nil, v, err
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
