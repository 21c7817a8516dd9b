package agent

import (
	"cmp"
	"context"
	"os"
	"time"

	"praetor/agent/config"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/telemetry"
)

// MetricsOptions are the options for the metrics of a process that runs an agent
// with this configuration.
func MetricsOptions(rt *config.Runtime) telemetry.Options {
	t := &rt.Telemetry
	opts := telemetry.Options{
		Prefix: t.MetricsPrefix, Allowed: t.AllowedPrefixes, Blocked: t.BlockedPrefixes, DropUnnamed: !t.FilterDefault,
		PrometheusRetention: t.PrometheusRetentionTime, Global: true, Declare: true, Server: rt.Server, RequireSinks: !t.RetryFailedConnection,
	}
	for _, sink := range []telemetry.Sink{
		{Protocol: telemetry.Statsd, Address: t.StatsdAddr},
		{Protocol: telemetry.Statsite, Address: t.StatsiteAddr},
		{Protocol: telemetry.DogStatsD, Address: t.DogstatsdAddr, Tags: t.DogstatsdTags},
	} {
		if sink.Address != "" {
			opts.Sinks = append(opts.Sinks, sink)
		}
	}
	if t.EnableHostMetrics {
		opts.HostDisk = cmp.Or(rt.DataDir, "/")
	}
	if !t.DisableHostname {
		opts.HostName, _ = os.Hostname() // without a name gauges go without it
	}
	return opts
}

// openTelemetry gives agents that were given no metrics some of their own:
// several in one process must not mix theirs.
func (a *Agent) openTelemetry(*config.Runtime) error {
	if a.metrics == nil {
		var err error
		if a.metrics, err = telemetry.New(telemetry.Options{}); err != nil {
			return err
		}
		a.own(a.metrics)
	}
	a.acl = timedResolver{a.acl, a.metrics.Timer("acl.ResolveToken")}
	return nil
}

// timedResolver measures a Resolver.
type timedResolver struct {
	acl.Resolver
	took *telemetry.Timer
}

// Resolve implements acl.Resolver.
func (r timedResolver) Resolve(ctx context.Context, token string) (*acl.Authorizer, error) {
	defer r.took.Since(time.Now())
	return r.Resolver.Resolve(ctx, token)
}

func (a *Agent) runTelemetry(ctx context.Context) error {
	if a.server != nil {
		a.metrics.OnScrape(a.server.MeasureServices)
	}
	return a.metrics.Run(ctx, a.measure)
}

// measure sets the gauges of reference/config.md §6 that this agent knows.
func (a *Agent) measure() {
	rt := a.runtime.Load()
	dc := telemetry.Label{Name: "datacenter", Value: rt.Datacenter}
	clients, servers := 0, 0
	for _, m := range a.lan.Members() {
		if m.Status != gossip.Alive {
			continue
		}
		if _, ok := gossip.ParseServer(m); ok {
			servers++
		} else {
			clients++
		}
	}
	a.metrics.Gauge("cache.entries_count", float64(a.views.Len()))
	if a.tls.https.Serves() {
		a.metrics.Gauge("agent.tls.cert.expiry", time.Until(a.tls.https.Expires()).Seconds())
	}
	if a.server != nil {
		a.metrics.Gauge("members.clients", float64(clients), dc)
		a.metrics.Gauge("members.servers", float64(servers), dc)
		a.server.Measure(a.metrics)
	}
}
