package raftstore

import (
	"sync"

	walmetrics "github.com/hashicorp/raft-wal/metrics"

	"praetor/internal/telemetry"
)

// walFigures passes raft-wal's figures on as raft.wal.NAME.
type walFigures struct {
	metrics *telemetry.Metrics

	mu sync.Mutex

	counters map[string]*telemetry.Counter
}

func newWALFigures(m *telemetry.Metrics) *walFigures {
	return &walFigures{metrics: m, counters: map[string]*telemetry.Counter{}}
}

// IncrementCounter implements metrics.Collector.
func (f *walFigures) IncrementCounter(name string, delta uint64) {
	f.mu.Lock()
	c, ok := f.counters[name]
	if !ok {
		c = f.metrics.Counter("raft.wal." + name)
		f.counters[name] = c
	}
	f.mu.Unlock()
	c.Add(delta)
}

// SetGauge implements metrics.Collector.
func (f *walFigures) SetGauge(name string, value uint64) {
	if f.metrics != nil {
		f.metrics.Gauge("raft.wal."+name, float64(value))
	}
}

var _ walmetrics.Collector = (*walFigures)(nil)
