package agent

import (
	"praetor/agent/config"
	"praetor/internal/rpc"
)

// identity is who this agent is at the port of servers, and what it asks of
// those it meets there.
func (a *Agent) identity(rt *config.Runtime) rpc.Identity {
	return rpc.Identity{
		ID: a.id, Datacenter: rt.Datacenter, Keys: a.sharedKeys(rt.Datacenter),
		AcceptUnproven: !rt.Gossip.VerifyIncoming, AskUnproven: !rt.Gossip.VerifyOutgoing,
	}
}

// sharedKeys gives the gossip keys that agents of a datacenter have too: in our
// own those of the LAN pool, elsewhere those of the WAN pool. Where only the LAN
// pool has keys it is they that count everywhere, or it would be enough to name
// another datacenter.
func (a *Agent) sharedKeys(own string) func(datacenter string) [][]byte {
	return func(datacenter string) [][]byte {
		if datacenter != own && a.wan != nil {
			if keys := a.wan.Keyring(); len(keys) > 0 {
				return keys
			}
		}
		return a.lan.Keyring()
	}
}
