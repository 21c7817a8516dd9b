package server

import (
	"maps"
	"math"
	"slices"

	"praetor/catalog"
	"praetor/internal/telemetry"
)

// Measure sets the gauges of this server: what its copy of the catalog holds,
// where its log stands, and, on the leader, how the servers are
// (reference/config.md §6).
func (s *Server) Measure(m *telemetry.Metrics) {
	dc := telemetry.Label{Name: "datacenter", Value: s.opts.Datacenter}
	c := s.store.Read().Counts()
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
	if _, servers := s.store.Read().ServiceInstances(nil, consulService); billable >= len(servers) {
		billable -= len(servers)
	}
	m.Gauge("state.billable_service_instances", float64(billable), dc)
	m.Gauge("session_ttl.active", float64(s.timers.active()))
	m.Gauge("rpc.queries_blocking", float64(s.measured.blocking.Load()))
	m.Gauge("raft.last_index", float64(s.raft.LastIndex()))
	m.Gauge("raft.applied_index", float64(s.raft.AppliedIndex()))
	m.Gauge("server.isLeader", number(s.raft.IsLeader()))
	healthy, tolerance := math.NaN(), math.NaN() // only the leader knows
	if pilot := s.pilot.Load(); pilot != nil {
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
	_, all := s.store.Read().ServiceSummaries(nil)
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
