package server

import (
	"context"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
)

// measured is what a server counts and times, under Consul's names
// (reference/config.md §6). Without Metrics all of it counts nothing.
type measured struct {
	metrics *telemetry.Metrics

	conns, requests, faults, reads *telemetry.Counter

	services, mesh, health, healthMesh lookups
	commands                           map[catalog.CommandType]*telemetry.Timer
}

// lookups count what is looked up, by service.
type lookups struct{ all, tag, tags, missing *telemetry.Counters }

func newMeasured(m *telemetry.Metrics) *measured {
	c := &measured{
		metrics: m,
		conns:   m.Counter("rpc.accept_conn"), requests: m.Counter("rpc.request"),
		faults: m.Counter("rpc.request_error"), reads: m.Counter("rpc.query"),
		services: newLookups(m, "catalog.service"), mesh: newLookups(m, "catalog.connect"),
		health: newLookups(m, "health.service"), healthMesh: newLookups(m, "health.connect"),
		commands: map[catalog.CommandType]*telemetry.Timer{},
	}
	for _, t := range catalog.CommandTypes() {
		c.commands[t] = m.Timer("fsm." + t.String())
	}
	return c
}

func newLookups(m *telemetry.Metrics, name string) lookups {
	by := func(what string) *telemetry.Counters { return m.Counters(name+"."+what, "service") }
	return lookups{by("query"), by("query-tag"), by("query-tags"), by("not-found")}
}

func (q *lookups) count(service string, tags, found int) {
	q.all.Incr(service)
	switch tags {
	case 0:
	case 1:
		q.tag.Incr(service)
	default:
		q.tags.Incr(service)
	}
	if found == 0 {
		q.missing.Incr(service)
	}
}

// operationNames are the names of the timers of single operations.
var operationNames = map[*rpc.Desc]string{
	ops.KVApply.Desc:         "kvs.apply",
	ops.TxnApply.Desc:        "txn.apply",
	ops.TxnRead.Desc:         "txn.read",
	ops.CatalogRegister.Desc: "catalog.register", ops.CatalogSync.Desc: "catalog.register",
	ops.CatalogDeregister.Desc: "catalog.deregister", ops.CatalogEvict.Desc: "catalog.deregister",
	ops.SessionCreate.Desc: "session.apply", ops.SessionDestroy.Desc: "session.apply",
	ops.SessionRenew.Desc: "session.renew",
	ops.QueryApply.Desc:   "prepared-query.apply",
	ops.QueryExecute.Desc: "prepared-query.execute",
	ops.QuerySelect.Desc:  "prepared-query.execute_remote",
	ops.QueryExplain.Desc: "prepared-query.explain",
}

// serverCall is blocked unless the filter names it.
const serverCall = "rpc.server.call"

// around measures every operation.
func (c *measured) around(op *rpc.Desc, next rpc.Handler) rpc.Handler {
	if c.metrics == nil {
		return next
	}
	var took *telemetry.Timer
	if name, ok := operationNames[op]; ok {
		took = c.metrics.Timer(name)
	}
	var call [2]*telemetry.Timer // without and with an error
	if c.metrics.Shows(serverCall) {
		kind := map[bool]string{false: "read", true: "write"}[op.Write]
		for i := range call {
			call[i] = c.metrics.Timer(serverCall, telemetry.Label{Name: "method", Value: op.Name},
				telemetry.Label{Name: "errored", Value: strconv.FormatBool(i > 0)}, telemetry.Label{Name: "request_type", Value: kind})
		}
	}
	timed := took != nil || call[0] != nil
	return func(ctx context.Context, req rpc.Message) (rpc.Message, error) {
		c.requests.Incr()
		if !op.Write {
			c.reads.Incr()
		}
		var start time.Time
		if timed {
			start = time.Now()
		}
		rep, err := next(ctx, req)
		if err != nil {
			c.faults.Incr()
		}
		if timed {
			took.Since(start)
			call[errored(err)].Since(start)
		}
		return rep, err
	}
}

func errored(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// applied notes how long a batch of commands took, in equal shares.
func (c *measured) applied(batch []catalog.Entry, took time.Duration) {
	if c.metrics == nil {
		return
	}
	share := took / time.Duration(max(1, len(batch)))
	for i := range batch {
		if data := batch[i].Data; len(data) > 0 {
			c.commands[catalog.CommandType(data[0])].Took(share)
		}
	}
}

// counted is a listener that counts its connections.
type counted struct {
	net.Listener
	conns *telemetry.Counter
}

func (l counted) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.conns.Incr()
	}
	return conn, err
}

// Measure sets the gauges of this server: what its copy of the catalog holds,
// where its log stands, and, on the leader, how the servers are
// (reference/config.md §6).
func (s *Server) Measure(m *telemetry.Metrics) {
	dc := telemetry.Label{Name: "datacenter", Value: s.opts.Datacenter}
	c := s.kernel.Store.Read().Counts()
	for name, n := range map[string]int{
		"nodes": c.Nodes, "services": c.Services, "service_instances": c.Instances, "kv_entries": c.Keys,
	} {
		m.Gauge("state."+name, float64(n), dc)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Kinds)) {
		m.Gauge("state.connect_instances", float64(c.Kinds[kind]), dc, telemetry.Label{Name: "kind", Value: kind})
	}
	m.Gauge("state.connect_instances", float64(c.Native), dc, telemetry.Label{Name: "kind", Value: "connect-native"})
	billable := c.Instances
	for _, n := range c.Kinds {
		billable -= n
	}
	if _, servers := s.kernel.Store.Read().ServiceInstances(nil, kernel.ConsulService); billable >= len(servers) {
		billable -= len(servers)
	}
	m.Gauge("state.billable_service_instances", float64(billable), dc)
	s.ca.Measure(m)
	m.Gauge("session_ttl.active", float64(s.duties.Timers.Active()))
	m.Gauge("rpc.queries_blocking", float64(s.kernel.Blocking()))
	m.Gauge("raft.last_index", float64(s.kernel.Raft.LastIndex()))
	m.Gauge("raft.applied_index", float64(s.kernel.Raft.AppliedIndex()))
	m.Gauge("server.isLeader", number(s.kernel.Raft.IsLeader()))
	healthy, tolerance := math.NaN(), math.NaN() // only the leader knows
	if pilot := s.duties.Pilot(); pilot != nil {
		if state := pilot.GetState(); state != nil {
			healthy, tolerance = number(state.Healthy), float64(state.FailureTolerance)
		}
	}
	m.Gauge("autopilot.healthy", healthy)
	m.Gauge("autopilot.failure_tolerance", tolerance)
}

// maxServices bounds the services that MeasureServices tells apart.
const maxServices = 5000

// MeasureServices sets gauges of how many instances of each service are in which
// state by their worst check, for the first services by name. Nothing is counted
// that has not changed since the last time.
func (s *Server) MeasureServices(set telemetry.SetGauge) {
	_, all := s.kernel.Store.Read().ServiceSummaries(nil)
	for _, svc := range all[:min(len(all), maxServices)] {
		name := telemetry.Label{Name: "service", Value: svc.Name}
		for _, tally := range []struct {
			status string
			n      int
		}{{catalog.Passing, svc.Health.Passing}, {catalog.Warning, svc.Health.Warning}, {catalog.Critical, svc.Health.Critical}} {
			set("praetor.catalog.service_instances", float64(tally.n), name, telemetry.Label{Name: "status", Value: tally.status})
		}
	}
	set("praetor.catalog.services_left_out", float64(max(0, len(all)-maxServices)))
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
