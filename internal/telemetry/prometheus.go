package telemetry

import (
	"net/http"
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
	for _, s := range c.m.shown() {
		count, sum, recent, ok := s.totals(time.Now())
		if !ok {
			continue
		}
		out <- c.m.metric(s, count, sum, recent)
	}
	c.m.mu.Lock()
	looks, filter := c.m.looks, c.m.filter
	c.m.mu.Unlock()
	for _, look := range looks {
		look(func(name string, value float64, labels ...Label) {
			if filter.allows(name) {
				out <- c.m.gauge(name, value, labels)
			}
		})
	}
}

func (m *Metrics) gauge(name string, value float64, labels []Label) prometheus.Metric {
	desc, values := m.describe(name, labels)
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, values...)
}

// describe returns a metric's description and the values of its labels.
func (m *Metrics) describe(name string, labels []Label) (*prometheus.Desc, []string) {
	names, values := make([]string, len(labels)), make([]string, len(labels))
	for i, l := range labels {
		names[i], values[i] = l.Name, strings.ToValidUTF8(l.Value, "_")
	}
	return prometheus.NewDesc(prometheusName.Replace(name), m.helpOf(name), names, nil), values
}

func (m *Metrics) metric(s *series, count uint64, sum float64, recent []float64) prometheus.Metric {
	desc, values := m.describe(s.name, s.labels)
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

// withoutEscaping has a handler leave out of the type of its answer how names are
// escaped, which some readers of the format do not know. Ours need no escaping.
func withoutEscaping(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plainType{w}, r) })
}

type plainType struct{ http.ResponseWriter }

func (w plainType) WriteHeader(code int) {
	w.cut()
	w.ResponseWriter.WriteHeader(code)
}

func (w plainType) Write(b []byte) (int, error) {
	w.cut()
	return w.ResponseWriter.Write(b)
}

func (w plainType) cut() {
	kept, _, _ := strings.Cut(w.Header().Get("Content-Type"), "; escaping=")
	w.Header().Set("Content-Type", kept)
}

var _ prometheus.Collector = collector{}
