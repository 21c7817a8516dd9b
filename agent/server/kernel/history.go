package kernel

import (
	"cmp"
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

// authorKey is the context's key of whose token a command is logged for.
type authorKey struct{}

// By has the history say whose token what is applied under the context was asked with. It
// costs nothing where nothing is remembered.
func (k *Kernel) By(ctx context.Context, az *acl.Authorizer) context.Context {
	if accessor := az.Accessor(); accessor != "" && k.Store.History().Kept() {
		return context.WithValue(ctx, authorKey{}, accessor)
	}
	return ctx
}

// note is what stands beside a command in the log, nil for nothing: that it was asked for by
// a token and an agent, this server for what it does unasked.
func (k *Kernel) note(ctx context.Context, t catalog.CommandType) []byte {
	history := k.Store.History()
	switch t {
	case catalog.KVWriteCommand:
		if !history.Keys {
			return nil
		}
	case catalog.RegisterCommand, catalog.DeregisterCommand, catalog.SessionCommand, catalog.TxnCommand:
		if !history.Kept() {
			return nil
		}
	default:
		return nil
	}
	return k.noteOf(ctx, "").Encode()
}

func (k *Kernel) noteOf(ctx context.Context, event string) *catalog.Note {
	accessor, _ := ctx.Value(authorKey{}).(string)
	return &catalog.Note{Accessor: accessor, Agent: cmp.Or(rpc.AgentOf(ctx), k.Name), Event: event}
}

// Tell has the history of the catalog say that something happened that no command does
// (catalog.EventElected, catalog.EventRestored). It logs one that does nothing.
func (k *Kernel) Tell(ctx context.Context, event string) error {
	if !k.Store.History().Catalog {
		return nil
	}
	_, _, err := k.apply(ctx, catalog.ReapCommand, &catalog.Reap{}, k.noteOf(ctx, event).Encode())
	return err
}

// Changes are changes of the catalog; who caused them is masked for those who may not know.
var Changes = Visibility[*catalog.CatalogChange]{"node:read, and service:read of a service's changes; who did it with acl:read", seeChange}

func seeChange(az *acl.Authorizer, c *catalog.CatalogChange) (*catalog.CatalogChange, sight) {
	if !az.Allows(acl.Node.Read(c.Node)) || c.Service != "" && !az.Allows(acl.Service.Read(c.Service)) {
		return c, hidden
	}
	accessor, agent := Author(az, c.Accessor, c.Agent)
	if accessor == c.Accessor && agent == c.Agent {
		return c, whole
	}
	shown := *c
	shown.Accessor, shown.Agent = accessor, agent
	return &shown, masked
}

// Author is what a caller may know of who did something: the token with acl:read, or if it is his
// own, and the agent with node:read.
func Author(az *acl.Authorizer, accessor, agent string) (shownAccessor, shownAgent string) {
	if accessor != az.Accessor() && !az.Allows(acl.ACL.Read()) {
		accessor = ""
	}
	if !az.Allows(acl.Node.Read(agent)) {
		agent = ""
	}
	return accessor, agent
}
