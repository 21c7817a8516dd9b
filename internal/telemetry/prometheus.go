package telemetry

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector shows counters and timers to Prometheus.
type collector struct{ m *Metrics }

// Describe says nothing: what there is may change.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	since := time.Now().Add(-c.m.opts.PrometheusRetention)
	for _, s := range c.m.shown() {
		count, sum, recent, ok := s.totals(since)
		if !ok {
			continue
		}
		out <- s.metric(count, sum, recent)
	}
}

func (s *series) metric(count uint64, sum float64, recent []float64) prometheus.Metric {
	names, values := make([]string, len(s.labels)), make([]string, len(s.labels))
	for i, l := range s.labels {
		names[i], values[i] = l.Name, l.Value
	}
	name := prometheusName.Replace(s.name)
	desc := prometheus.NewDesc(name, name, names, nil)
	if !s.timed {
		return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, sum, values...)
	}
	slices.Sort(recent)
	quantiles := map[float64]float64{}
	for _, q := range []float64{0.5, 0.9, 0.99} {
		quantiles[q] = quantile(recent, q)
	}
	return prometheus.MustNewConstSummary(desc, count, sum, quantiles, values...)
}

// prometheusName turns a name of ours into one of Prometheus, as go-metrics does.
var prometheusName = strings.NewReplacer(" ", "_", ".", "_", "=", "_", "-", "_", "/", "_")

var _ prometheus.Collector = collector{}
