package httpapi

import "praetor/internal/acl"

// Host is the answer of agent/host. Its parts carry gopsutil's names, as
// Consul's do.
type Host struct {
	Memory         any
	CPU            any
	Host           any
	Disk           any
	CollectionTime int64 // Unix nanoseconds
	Errors         []string
}

func agentHost(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Operator.Read()); err != nil {
		return err
	}
	return x.reflected(x.api.opts.Agent.Host(x.r.Context()))
}
