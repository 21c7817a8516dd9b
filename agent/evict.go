package agent

import (
	"context"
	"fmt"

	"praetor/agent/config"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// evict carries out an order that gossip told of, and reports to the leader. Gossip
// is not trusted: the servers say, by the order's ID, what is to be removed.
func (a *Agent) evict(ctx context.Context, id string) {
	node := a.runtime.Load().NodeName
	order, err := ops.EvictOrder.Call(ctx, a.router, &ops.EvictOrderRequest{ID: id, Node: node})
	if err != nil {
		a.logger.Debug("gossip tells of an eviction that no server confirms", "error", err)
		return
	}
	report := a.carryOut(ctx, order)
	report.ID, report.Node = id, node
	if _, err := ops.EvictReport.Call(ctx, a.router, report); err != nil {
		a.logger.Warn("report of an eviction may be lost", "outcome", report.Outcome, "error", err)
	}
}

// carryOut removes the service or the check of an order. The server has checked
// the rights of whoever asked it.
func (a *Agent) carryOut(ctx context.Context, order *ops.EvictOrderReply) *ops.EvictReportRequest {
	refused := func(reason string) *ops.EvictReportRequest {
		a.logger.Warn("eviction refused", "reason", reason)
		return &ops.EvictReportRequest{Outcome: ops.EvictRefused, Reason: reason}
	}
	if (order.ServiceID == "") == (order.CheckID == "") {
		return refused("it must name a service or a check")
	}
	name, file := a.evictable(order)
	if order.Service != "" && name != "" && name != order.Service {
		return refused(fmt.Sprintf("here it belongs to service %q, not %q", name, order.Service))
	}
	var err error
	if order.ServiceID != "" {
		err = a.local.RemoveService(ctx, order.ServiceID)
	} else {
		err = a.local.RemoveCheck(ctx, order.CheckID)
	}
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return &ops.EvictReportRequest{Outcome: ops.EvictUnknown}
	case err != nil:
		return refused(err.Error())
	}
	a.logger.Info("removed on request of the leader", "service", order.ServiceID, "check", order.CheckID, "file", file)
	return &ops.EvictReportRequest{Outcome: ops.EvictDone, File: file}
}

// evictable returns the service that an eviction is about, "" if it is not here,
// and the configuration file that defines what is to be removed.
func (a *Agent) evictable(q *ops.EvictOrderReply) (service, file string) {
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
