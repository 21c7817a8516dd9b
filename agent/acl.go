package agent

import (
	"cmp"
	"context"
	"math"
	"time"

	"praetor/agent/access"
	"praetor/agent/config"
	"praetor/agent/server/acls"
	"praetor/internal/acl"
	"praetor/internal/rpc"
)

func primaryDatacenter(rt *config.Runtime) string { return cmp.Or(rt.PrimaryDatacenter, rt.Datacenter) }

// defaultPolicy is what holds where no rule decides.
func defaultPolicy(rt *config.Runtime) string {
	if !rt.ACL.Enabled {
		return "allow"
	}
	return rt.ACL.DefaultPolicy
}

func (a *Agent) serverACLs(rt *config.Runtime) acls.Options {
	o := acls.Options{
		Enabled: rt.ACL.Enabled, AllowByDefault: rt.ACL.DefaultPolicy == "allow",
		DataDir: rt.DataDir, Initial: rt.ACL.Tokens.InitialManagement,
		TokenReplication: rt.ACL.EnableTokenReplication,
	}
	if primary := primaryDatacenter(rt); primary != rt.Datacenter {
		o.Elsewhere = a.remoteACL(rt, primary)
	}
	return o
}

// remoteACL asks servers of a datacenter about tokens, "" for this agent's own.
func (a *Agent) remoteACL(rt *config.Runtime, datacenter string) *access.Remote {
	return access.New(access.Options{
		Caller: lateCaller{a}, Datacenter: rt.Datacenter, Asked: datacenter,
		TTL:  min(rt.ACL.TokenTTL, ttl(rt.ACL.PolicyTTL), ttl(rt.ACL.RoleTTL)),
		Down: access.DownPolicy(rt.ACL.DownPolicy), AllowByDefault: rt.ACL.DefaultPolicy == "allow", Logger: a.logger,
	})
}

// ttl is a TTL of the configuration; one that is not set does not count.
func ttl(d time.Duration) time.Duration {
	if d == 0 {
		return math.MaxInt64
	}
	return d
}

// resolveTokens has the agent's own endpoints decide by access rules: servers by their
// own state, client agents by what servers say.
func (a *Agent) resolveTokens(rt *config.Runtime) {
	if !rt.ACL.Enabled {
		return
	}
	recovery := access.Recovery{Node: rt.NodeName, Secret: func() string { return a.secrets.Get().AgentRecovery }}
	if a.server != nil {
		recovery.Next = a.server.ACL()
	} else {
		recovery.Next = timedResolver{a.remoteACL(rt, ""), a.metrics.Timer("acl.ResolveToken")} // servers time theirs themselves
	}
	a.acl = recovery
}

// lateCaller is the agent's router, which is made after what asks through it.
type lateCaller struct{ agent *Agent }

// Do implements rpc.Caller.
func (c lateCaller) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	return c.agent.router.Do(ctx, op, req)
}

// ownToken is the secret that the agent shows for what it does by itself.
func (a *Agent) ownToken() string {
	t := a.secrets.Get()
	return cmp.Or(t.Agent, t.Default)
}

// accessor names a token in log lines: "" for one that nobody knows.
func (a *Agent) accessor(ctx context.Context, token string) string {
	az, err := a.acl.Resolve(ctx, token)
	switch {
	case err != nil:
		return ""
	case token == "" || az.Accessor() == acl.AnonymousAccessor:
		return "anonymous token"
	}
	return az.Accessor()
}

// tokensChanged puts tokens in force that were set over the API.
func (a *Agent) tokensChanged() {
	a.local.SyncSoon()
	a.dns.Configure(dnsConfig(a.runtime.Load(), a.secrets.Get()))
}
