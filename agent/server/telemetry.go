package server

import (
	"maps"
	"slices"

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
	m.Gauge("raft.last_index", float64(s.raft.LastIndex()))
	m.Gauge("raft.applied_index", float64(s.raft.AppliedIndex()))
	m.Gauge("server.isLeader", number(s.raft.IsLeader()))
	if pilot := s.pilot.Load(); pilot != nil {
		if state := pilot.GetState(); state != nil {
			m.Gauge("autopilot.healthy", number(state.Healthy))
			m.Gauge("autopilot.failure_tolerance", float64(state.FailureTolerance))
		}
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
