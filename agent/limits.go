package agent

import (
	"praetor/agent/config"
	"praetor/internal/rpc"
)

func (a *Agent) openLimits(rt *config.Runtime) error {
	a.limit(rt)
	return nil
}

// limit puts limits in force, those of a configuration that may change while the agent
// runs.
func (a *Agent) limit(rt *config.Runtime) {
	l := rt.Limits
	a.router.Limit(rpc.Limits{
		ClientTimeout: l.RPCClientTimeout, Rate: l.RPCRate, Burst: l.RPCMaxBurst, Mode: l.RequestMode, ReadRate: l.ReadRate, WriteRate: l.WriteRate,
	})
	a.front.Limit(l.HTTPMaxConnsPerClient, l.HTTPMaxConns)
	a.front.LimitRequests(l.HTTPMaxRequests)
	a.front.AllowHosts(browsers(rt).Hosts)
	a.views.LimitFetches(rt.Cache.FetchRate, rt.Cache.FetchMaxBurst)
	if a.server != nil {
		a.server.LimitConnections(l.RPCMaxConnsPerClient, l.RPCHandshakeTimeout)
	}
}
