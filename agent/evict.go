package agent

import (
	"context"
	"fmt"

	"praetor/agent/config"
	"praetor/agent/server"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/fault"
)

// evict removes a service or a check that a server asks to remove. The server
// has checked the rights of whoever asked it.
func (a *Agent) evict(ctx context.Context, asked gossip.Question) server.EvictAnswer {
	refused := func(reason string) server.EvictAnswer {
		a.logger.Warn("eviction refused", "from", asked.From, "reason", reason)
		return server.EvictAnswer{Outcome: server.EvictRefused, Reason: reason}
	}
	if !a.isServer(asked.From) {
		return refused(fmt.Sprintf("%q is not a server of this datacenter", asked.From))
	}
	q, err := server.ParseEvictQuestion(asked.Payload)
	if err != nil {
		return refused(err.Error())
	}
	if q.Asked.Before(a.started) {
		return refused("it was asked before this agent started, if the clocks agree")
	}
	name, file := a.evictable(q)
	if q.Service != "" && name != "" && name != q.Service {
		return refused(fmt.Sprintf("here it belongs to service %q, not %q", name, q.Service))
	}
	if q.ServiceID != "" {
		err = a.local.RemoveService(ctx, q.ServiceID)
	} else {
		err = a.local.RemoveCheck(ctx, q.CheckID)
	}
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return server.EvictAnswer{Outcome: server.EvictUnknown}
	case err != nil:
		return refused(err.Error())
	}
	a.logger.Info("removed on request of a server", "server", asked.From, "service", q.ServiceID, "check", q.CheckID, "file", file)
	return server.EvictAnswer{Outcome: server.EvictDone, File: file}
}

// evictable tells which service an eviction is about, "" if none here, and
// which configuration file defines what is to go.
func (a *Agent) evictable(q server.EvictQuestion) (service, file string) {
	rt := a.runtime.Load()
	if q.ServiceID == "" {
		if c := a.local.Check(q.CheckID); c != nil {
			service = c.ServiceName
		}
		return service, fileOfCheck(rt, q.CheckID)
	}
	if svc := a.local.Service(q.ServiceID); svc != nil {
		service = svc.Service
	}
	return service, fileOfService(rt, q.ServiceID)
}

func fileOfService(rt *config.Runtime, id string) string {
	for _, d := range rt.Services {
		if d.Service.ID == id || d.Sidecar != nil && d.Sidecar.Service.ID == id {
			return d.Origin
		}
	}
	return ""
}

func fileOfCheck(rt *config.Runtime, id string) string {
	for _, d := range rt.Services {
		if hasCheck(d.Checks, id) || d.Sidecar != nil && hasCheck(d.Sidecar.Checks, id) {
			return d.Origin
		}
	}
	for _, d := range rt.NodeChecks {
		if d.Check.CheckID == id {
			return d.Origin
		}
	}
	return ""
}

func hasCheck(list []*catalog.Check, id string) bool {
	for _, c := range list {
		if c.CheckID == id {
			return true
		}
	}
	return false
}
