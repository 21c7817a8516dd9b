package httpapi

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
	if !az.OperatorRead() {
		return x.denied("operator:read", "")
	}
	return x.reflected(x.api.opts.Agent.Host(x.r.Context()))
}
