package dnsserver

import (
	"context"
	"time"

	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// staleAfter is how long servers may not have been heard before an answer counts as
// stale: a follower hears its leader many times a second.
const staleAfter = 5 * time.Second

// ask makes a lookup and notes for how long it holds. A reply that is rebuilt in
// another order makes none: it has what was found.
func ask[Req, Rep any](ctx context.Context, a *answering, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	if known, ok := any(a.source.known).(*Rep); ok {
		return known, nil
	}
	msg, ctx := any(req).(rpc.Message), a.forClient(ctx)
	o := rpc.ReadOptionsOf(msg)
	if !o.Stale || o.Datacenter != "" && o.Datacenter != a.opts.Datacenter {
		a.source.unknown = true
		return op.Call(ctx, a.opts.Caller, req)
	}
	o.Live = true
	rep, live, err := a.opts.Views.Live(ctx, op.Desc, msg)
	if err != nil {
		a.source.unknown = true
		return nil, err
	}
	age := rpc.ReadMetaOf(rep).LastContact
	if live != nil {
		age = max(age, live.Age())
	}
	// One lookup is what a cached answer may depend on.
	a.source.unknown = a.source.unknown || live == nil || a.source.live != nil
	a.source.found, a.source.live = rep, live
	a.source.stale = a.source.stale || age > staleAfter
	return any(rep).(*Rep), nil
}

// execute finds the instances of a prepared query. On a server it is known for how long
// most such replies hold; others depend on the client, or on other datacenters.
func (a *answering) execute(ctx context.Context, req *ops.QueryExecuteRequest) (*ops.QueryExecuteReply, error) {
	if known, ok := a.source.known.(*ops.QueryExecuteReply); ok {
		return known, nil
	}
	req.Live = true
	rep, err := ops.QueryExecute.Call(a.forClient(ctx), a.opts.Caller, req)
	if err != nil {
		a.source.unknown = true
		return nil, err
	}
	a.source.unknown = a.source.unknown || rep.Live == nil || a.source.live != nil
	a.source.found, a.source.live = rep, rep.Live
	a.source.stale = a.source.stale || rep.LastContact > staleAfter
	return rep, nil
}

// forClient notes whom a lookup is made for.
func (a *answering) forClient(ctx context.Context) context.Context {
	if !a.from.IsValid() {
		return ctx
	}
	return rpc.From(ctx, a.from)
}
