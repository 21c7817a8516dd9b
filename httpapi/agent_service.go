package httpapi

import (
	"math/rand/v2"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/filter"
)

func agentServices(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	all := x.api.opts.Local.Services()
	visible := all
	for _, s := range all {
		if !az.Allows(acl.Service.Read(s.Service)) {
			visible = make(map[string]*catalog.Service, len(all))
			break
		}
	}
	if len(visible) < len(all) {
		for id, s := range all {
			if az.Allows(acl.Service.Read(s.Service)) {
				visible[id] = s
			}
		}
		x.writeFiltered()
	}
	picked, err := filter.New[filter.Service](x.query.Get("filter"))
	if err != nil {
		return err
	}
	if visible, err = filter.KeepMap(x.r.Context(), picked, visible); err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		return wire.AppendMap(b, visible, func(b []byte, s *catalog.Service) []byte {
			return wire.AppendAgentService(b, s, x.api.opts.Datacenter, "")
		})
	})
}

const (
	defaultHashWait = 5 * time.Minute
	maxHashWait     = 10 * time.Minute
)

// agentService answers with one service, blocking while its hash is the one
// given (reference/http-agent.md §3.1).
func agentService(x *exchange) error {
	wait, err := x.readWait()
	if err != nil {
		return err
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	var timeout <-chan time.Time
	for expired := false; ; {
		s, err := x.hashedService()
		if err == nil {
			err = az.Check(acl.Service.Read(s.service.Service))
		}
		switch {
		case err != nil:
			return err
		case expired || s.hash != x.query.Get("hash"):
			x.w.Header()["X-Consul-Contenthash"] = []string{s.hash}
			return x.reply(func(b []byte) []byte { return wire.AppendAgentService(b, s.service, x.api.opts.Datacenter, s.hash) })
		}
		if timeout == nil {
			timer := time.NewTimer(hashWait(wait))
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-s.changed:
		case <-timeout:
			expired = true
		case <-x.r.Context().Done():
			return x.r.Context().Err()
		}
	}
}

func hashWait(wait time.Duration) time.Duration {
	if wait <= 0 {
		wait = defaultHashWait
	}
	wait = min(wait, maxHashWait)
	return wait + rand.N(wait/16+1)
}

// hashedService is a service with a hash of all that its answer shows, and a
// channel that closes when it may have changed.
type hashedService struct {
	service *catalog.Service
	hash    string
	changed <-chan struct{}
}

func (x *exchange) hashedService() (hashedService, error) {
	local := x.api.opts.Local
	if local.Service(x.name) == nil {
		return hashedService{}, x.unknownService()
	}
	_, _, changed := local.ServiceHealth(x.name)
	svc := local.Service(x.name) // after changed, so that nothing is missed
	if svc == nil {
		return hashedService{}, x.unknownService()
	}
	hash, err := wire.HashAgentService(svc, x.api.opts.Datacenter)
	return hashedService{svc, hash, changed}, err
}

func (x *exchange) unknownService() error {
	return fault.New(fault.NotFound, "unknown service ID: %s", x.name)
}
