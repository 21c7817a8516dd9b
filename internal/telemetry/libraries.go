package telemetry

import (
	"math"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-metrics"
)

// maxLibrarySeries bounds the series of libraries, which tell some apart by the servers they
// speak with; of more nothing is kept.
const maxLibrarySeries = 4096

// libraries takes what libraries measure through go-metrics. Counters and samples become
// series like this program's own: raft has a dozen samples for each batch of entries, and the
// library's sinks took a twentieth of a server's CPU under load. Gauges go on to the sinks.
type libraries struct {
	metrics.MetricSink // for gauges
	m                  *Metrics

	mu sync.RWMutex

	byKey map[string]*series
}

func (l *libraries) IncrCounter(key []string, v float32) { l.take(key, v, nil, false) }
func (l *libraries) AddSample(key []string, v float32)   { l.take(key, v, nil, true) }
func (l *libraries) IncrCounterWithLabels(key []string, v float32, labels []Label) {
	l.take(key, v, labels, false)
}
func (l *libraries) AddSampleWithLabels(key []string, v float32, labels []Label) {
	l.take(key, v, labels, true)
}

func (l *libraries) take(key []string, v float32, labels []Label, timed bool) {
	value := float64(v)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	var room [256]byte
	id := room[:0]
	for _, word := range key {
		id = append(append(id, word...), '.')
	}
	for _, label := range labels {
		id = append(append(append(append(id, 0), label.Name...), 0), label.Value...)
	}
	l.mu.RLock()
	s := l.byKey[string(id)]
	l.mu.RUnlock()
	if s == nil {
		s = l.add(string(id), strings.Join(key, "."), labels, timed)
	}
	if s != nil {
		s.take(time.Now(), value)
	}
}

func (l *libraries) add(id, name string, labels []Label, timed bool) *series {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey[id] == nil && len(l.byKey) < maxLibrarySeries {
		l.byKey[id] = l.m.addWhole(name, labels, timed, l.m.opts.PrometheusRetention)
	}
	return l.byKey[id]
}

var _ metrics.MetricSink = (*libraries)(nil)
