package agent

import (
	"context"

	"golang.org/x/sync/errgroup"

	"praetor/gossip"
)

// newLeaderEvent is the user event that a server fires when it starts to lead
// (reference/internals.md §2).
const newLeaderEvent = "consul:new-leader"

// runGossip delivers the events of both pools.
func (a *Agent) runGossip(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.lan.Run(ctx, a.onLAN) })
	if a.wan != nil {
		group.Go(func() error { return a.wan.Run(ctx, a.onWAN) })
	}
	return group.Wait()
}

// onLAN tells the parts what happened in the LAN pool.
func (a *Agent) onLAN(e gossip.Event) {
	if e.Type == gossip.User {
		a.onUserEvent(e.User)
		return
	}
	ofServers := a.servers.noteLAN(e)
	if ofServers {
		a.updateServers()
	}
	if a.server != nil {
		a.server.HandleLAN(e)
		if ofServers {
			wake(a.flood)
		}
	}
	if ofServers && e.Type == gossip.Joined {
		a.local.SyncSoon()
	}
}

func (a *Agent) onUserEvent(e *gossip.UserEvent) {
	switch {
	case e.Name == newLeaderEvent:
		a.logger.Info("New leader elected", "payload", string(e.Payload))
		a.local.SyncSoon()
	case isFired(e):
		a.onFired(e)
	}
}

// onWAN tells the parts what happened in the WAN pool.
func (a *Agent) onWAN(e gossip.Event) {
	if e.Type == gossip.User {
		return
	}
	if a.servers.noteWAN(e) {
		a.updateServers()
	}
}

// updateServers gives the router the servers known through gossip.
func (a *Agent) updateServers() {
	a.servers.tell(a.runtime.Load().Datacenter, a.router.SetServers)
}

// wake makes the owner of a channel of one look again.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // already due
	}
}
