package rpc

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// sourceKey is the gRPC metadata that carries the address of whom a request is
// made for. It is what the sender says: good for a log line, not for a decision.
const sourceKey = "praetor-source"

// source is the context key of whom requests are made for.
type source struct{}

// From notes in a context whose requests are made under it: the address of a client
// of this agent. Whoever refuses one can name the client.
func From(ctx context.Context, address fmt.Stringer) context.Context {
	return context.WithValue(ctx, source{}, address)
}

// sourceOf is the address of whom a request is made for, and the agent that it came
// through if it came over the wire; both are "" for what this agent asks on
// its own account.
func sourceOf(ctx context.Context) (client, agent string) {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		agent = p.Addr.String()
	}
	if address, ok := ctx.Value(source{}).(fmt.Stringer); ok {
		client = address.String()
	}
	if said := metadata.ValueFromIncomingContext(ctx, sourceKey); client == "" && len(said) == 1 {
		if address, err := netip.ParseAddrPort(said[0]); err == nil {
			client = address.String()
		}
	}
	return client, agent
}

// withSource tells the next server whom a request is made for.
func withSource(ctx context.Context) context.Context {
	if client, _ := sourceOf(ctx); client != "" {
		return metadata.AppendToOutgoingContext(ctx, sourceKey, client)
	}
	return ctx
}

// agentKey is the gRPC metadata that carries the node of the agent that was asked for a
// write first. Like the source it is what the sender says.
const agentKey = "praetor-agent"

// maxAgentBytes is longer than names of nodes are.
const maxAgentBytes = 256

// AgentOf is the node of the agent that was asked for a write first, "" if that is this one.
// Whoever may ask servers anything can say any name: it is good for showing, not for a
// decision.
func AgentOf(ctx context.Context) string {
	if said := metadata.ValueFromIncomingContext(ctx, agentKey); len(said) == 1 && len(said[0]) <= maxAgentBytes {
		return said[0]
	}
	return ""
}

// withAgent tells the next server which agent was asked.
func (r *Router) withAgent(ctx context.Context, op *Desc) context.Context {
	if name := cmp.Or(AgentOf(ctx), r.opts.Name); op.Write && name != "" {
		return metadata.AppendToOutgoingContext(ctx, agentKey, name)
	}
	return ctx
}
