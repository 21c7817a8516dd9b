package httpapi

import (
	"net/http"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/acl"
)

// maintenance is worse than critical in the answers about local health.
const maintenance = "maintenance"

// localHealth is a service with all that bears on its health here.
type localHealth struct {
	service *catalog.Service
	checks  []*catalog.Check
	status  string
}

func agentHealthByID(x *exchange) error {
	if x.name == "" {
		return rejected("Missing serviceID")
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	svc := x.api.opts.Local.Service(x.name)
	if svc == nil {
		return x.replyLocalHealth("", "ServiceId "+x.name+" not found", func(b []byte) []byte {
			return append(b, `{"AggregatedStatus":"critical","Service":null,"Checks":null}`...)
		})
	}
	if err := az.Check(acl.Service.Read(svc.Service)); err != nil {
		return err
	}
	h := x.localHealth(svc)
	return x.replyLocalHealth(h.status, h.status, func(b []byte) []byte { return x.appendLocalHealth(b, h) })
}

func agentHealthByName(x *exchange) error {
	if x.name == "" {
		return rejected("Missing service Name")
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Service.Read(x.name)); err != nil {
		return err
	}
	services := x.api.opts.Local.Services()
	var found []localHealth
	status := ""
	for _, id := range sortedKeys(services) {
		if services[id].Service != x.name {
			continue
		}
		h := x.localHealth(services[id])
		found, status = append(found, h), worse(status, h.status)
	}
	reason := status
	if len(found) == 0 {
		reason = "ServiceName " + x.name + " Not Found"
	}
	return x.replyLocalHealth(status, reason, func(b []byte) []byte { return wire.AppendList(b, found, x.appendLocalHealth) })
}

func (x *exchange) localHealth(svc *catalog.Service) localHealth {
	checks, _, _ := x.api.opts.Local.ServiceHealth(svc.ID)
	h := localHealth{service: svc, checks: checks, status: catalog.Passing}
	for _, c := range checks {
		status := c.Status
		if c.CheckID == catalog.NodeMaintenance || strings.HasPrefix(c.CheckID, catalog.ServiceMaintenancePrefix) {
			status = maintenance
		}
		h.status = worse(h.status, status)
	}
	return h
}

// worse returns the worse of two states.
func worse(a, b string) string {
	if severity(b) > severity(a) {
		return b
	}
	return a
}

func severity(status string) int {
	switch status {
	case maintenance:
		return 4
	case catalog.Critical:
		return 3
	case catalog.Warning:
		return 2
	case catalog.Passing:
		return 1
	}
	return 0
}

// replyLocalHealth answers with the status code that stands for a state; none
// means not found (reference/http-agent.md §3.2).
func (x *exchange) replyLocalHealth(status, reason string, encode func([]byte) []byte) error {
	code := http.StatusNotFound
	switch status {
	case catalog.Passing:
		code = http.StatusOK
	case catalog.Warning:
		code = http.StatusTooManyRequests
	case catalog.Critical, maintenance:
		code = http.StatusServiceUnavailable
	}
	h := x.w.Header()
	h.Set("X-Consul-Reason", reason)
	if x.query.Get("format") == "text" || strings.HasPrefix(x.header("Accept"), "text/plain") {
		h["Content-Type"] = typePlain
		x.body(code, []byte(reason))
		return nil
	}
	return x.replyStatus(code, encode)
}

func (x *exchange) appendLocalHealth(b []byte, h localHealth) []byte {
	b = wire.AppendText(b, `{"AggregatedStatus":`, h.status)
	b = wire.AppendAgentService(append(b, `,"Service":`...), h.service, x.api.opts.Datacenter, "")
	b = wire.AppendList(append(b, `,"Checks":`...), h.checks, wire.AppendHealthCheck)
	return append(b, '}')
}
