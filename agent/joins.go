package agent

import (
	"context"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"praetor/gossip"
)

// floodInterval is how often servers look for servers of their datacenter that
// the WAN pool lacks (reference/internals.md §13).
const floodInterval = 60 * time.Second

// runJoins keeps both pools trying until each has reached a member, and brings the
// servers of this datacenter into the WAN pool.
func (a *Agent) runJoins(ctx context.Context) error {
	rt := a.runtime.Load()
	group, joining := errgroup.WithContext(ctx)
	lan := retryJoin{
		pool: "LAN", addrs: rt.JoinLAN.Addresses, interval: rt.JoinLAN.Interval, max: rt.JoinLAN.MaxAttempts,
		join: a.lan.Join, logger: a.logger,
		joined: func() {
			a.joinTried.Store(true)
			a.joinErr.Store(nil)
			notify(stateReady)
		},
		failed: func(why string) {
			a.joinTried.Store(true)
			a.joinErr.Store(&why)
		},
	}
	group.Go(func() error { return lan.run(joining) })
	if a.wan != nil {
		wan := retryJoin{
			pool: "WAN", addrs: rt.JoinWAN.Addresses, interval: rt.JoinWAN.Interval, max: rt.JoinWAN.MaxAttempts,
			join: a.wan.Join, joined: func() {}, failed: func(string) {}, logger: a.logger,
		}
		group.Go(func() error { return wan.run(joining) })
		group.Go(func() error { return a.runFlood(joining) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	<-ctx.Done() // a part lives as long as the agent
	return nil
}

// runFlood joins servers of the LAN pool that the WAN pool lacks, on every
// change of the LAN pool and from time to time.
func (a *Agent) runFlood(ctx context.Context) error {
	ticker := time.NewTicker(floodInterval)
	defer ticker.Stop()
	for {
		a.floodOnce()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-a.flood:
		}
	}
}

func (a *Agent) floodOnce() {
	known := map[string]bool{}
	for _, m := range a.wan.Members() {
		if m.Status == gossip.Alive {
			known[m.Name] = true
		}
	}
	for _, m := range a.lan.Members() {
		s, ok := gossip.ParseServer(m)
		if !ok || m.Status != gossip.Alive || s.WANJoinPort == 0 || known[m.Name+"."+s.Datacenter] {
			continue
		}
		addr := net.JoinHostPort(m.Addr.String(), strconv.Itoa(s.WANJoinPort))
		if _, err := a.wan.Join([]string{addr}); err != nil {
			a.logger.Debug("join server of this datacenter to the WAN pool", "server", m.Name, "error", err)
		}
	}
}
