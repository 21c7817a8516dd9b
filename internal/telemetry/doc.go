// Package telemetry keeps an agent's measurements, under the names and in the
// shapes in which Consul shows its own.
//
// # Use
//
//	m, err := telemetry.New(telemetry.Options{HostName: "n1", Global: true})
//	defer m.Close()
//	served := m.Timer("api.http", telemetry.Label{Name: "method", Value: "GET"})
//	defer served.Since(time.Now())
//	m.Run(ctx, func() { m.Gauge("members.clients", 3) })
//
// # Concurrency
//
// Everything may be used by any goroutine at once. Run starts none; Stream
// works in its caller's. A nil Counter or Timer counts nothing.
//
// # Invariants
//
// Figures are kept in intervals of 10 s for a minute (reference/config.md §6).
// A Counter or Timer takes a fixed amount of memory, however often it is used.
// At most one Metrics of a process is Global.
//
// # Decisions
//
// raft, serf and memberlist emit through go-metrics' global: whoever is Global
// gets it. The counters and samples that come so are kept as Counters and Timers
// are, since go-metrics' own sinks build a key out of strings for each value; those
// keep gauges only. A Counter and a Timer are made once, and joined with the gauges
// when somebody looks. Prometheus gets a Timer's quantiles from its last values
// rather than from a stream estimate, for the same reason.
// Servers' tests run many agents in one process: they keep figures of their own
// and leave the global alone.
package telemetry
