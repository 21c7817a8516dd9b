package rpc

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Names of the gRPC metadata that carry an origin.
const (
	hopKey    = "praetor-hop"
	sourceKey = "praetor-source"
	agentKey  = "praetor-agent"
)

// origin is what the sender of a request says of it. It is good for log lines and for
// showing, not for a decision; what the hop decides is believed from servers only.
type origin struct {
	hop    string // one of hopNames
	source string // the address of whom the request is made for
	agent  string // the node of the agent that was asked for a write first
}

type originKey struct{}

// originIn reads the origin of a request that arrived.
func originIn(ctx context.Context) origin {
	if o, ok := ctx.Value(originKey{}).(*origin); ok {
		return *o
	}
	return origin{hop: said(ctx, hopKey), source: said(ctx, sourceKey), agent: said(ctx, agentKey)}
}

func said(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// incoming is the context of a request that arrived with this origin beside it.
func (o *origin) incoming(ctx context.Context) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// outgoing puts the origin into a request's metadata.
func (o *origin) outgoing(ctx context.Context) context.Context {
	pairs := make([]string, 0, 6)
	for _, line := range [...][2]string{{hopKey, o.hop}, {sourceKey, o.source}, {agentKey, o.agent}} {
		if line[1] != "" {
			pairs = append(pairs, line[0], line[1])
		}
	}
	if len(pairs) == 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// originOf is what this agent says of a request that it sends.
func (r *Router) originOf(ctx context.Context, op *Desc, h hop) *origin {
	o := &origin{hop: hopNames[h], source: clientOf(ctx)}
	if op.Write {
		o.agent = cmp.Or(AgentOf(ctx), r.opts.Name)
	}
	return o
}

// source is the context key of whom requests are made for.
type source struct{}

// From notes in a context whose requests are made under it: the address of a client
// of this agent. Whoever refuses one can name the client.
func From(ctx context.Context, address fmt.Stringer) context.Context {
	return context.WithValue(ctx, source{}, address)
}

// clientOf is the address of whom a request is made for, "" for what an agent asks on its
// own account.
func clientOf(ctx context.Context) string {
	if address, ok := ctx.Value(source{}).(fmt.Stringer); ok {
		return address.String()
	}
	if address, err := netip.ParseAddrPort(originIn(ctx).source); err == nil {
		return address.String()
	}
	return ""
}

// sourceOf is that client, and the agent that the request came through if it came over
// the wire.
func sourceOf(ctx context.Context) (client, agent string) {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		agent = p.Addr.String()
	}
	return clientOf(ctx), agent
}

// maxAgentBytes is longer than names of nodes are.
const maxAgentBytes = 256

// AgentOf is the node of the agent that was asked for a write first, "" if that is this one.
// Whoever may ask servers anything can say any name: it is good for showing, not for a
// decision.
func AgentOf(ctx context.Context) string {
	if name := originIn(ctx).agent; len(name) <= maxAgentBytes {
		return name
	}
	return ""
}
