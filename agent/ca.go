package agent

import (
	"praetor/agent/config"
	"praetor/agent/server/ca"
	"praetor/internal/leaf"
)

// openLeaves keeps the certificates of this agent's services.
func (a *Agent) openLeaves(rt *config.Runtime) error {
	if rt.ConnectEnabled {
		a.leaves = leaf.New(leaf.Options{
			Caller: a.router, Views: a.views, Datacenter: rt.Datacenter, ClusterSize: a.lan.NumMembers, Logger: a.logger.Named("leaf-certs"),
		})
	}
	return nil
}

// serverCA says what authority of the mesh servers are to have.
func (a *Agent) serverCA(rt *config.Runtime) ca.Options {
	return ca.Options{
		Enabled: rt.ConnectEnabled, Provider: rt.ConnectCAProvider, Config: rt.ConnectCAConfig,
		AutoEncrypt: rt.AutoEncrypt.AllowTLS, Domain: rt.Domain, AllowByDefault: defaultPolicy(rt) == "allow", Intentions: rt.DefaultIntention,
	}
}
