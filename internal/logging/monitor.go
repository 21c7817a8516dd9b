package logging

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// monitorLines is how many lines wait for a slow reader of a Monitor; what does
// not fit is dropped, for logging never waits (reference/http-agent.md §2).
const monitorLines = 512

// Monitor hears what is logged from now on. Close it.
type Monitor struct {
	logger  *Logger
	sink    hclog.SinkAdapter
	lines   chan []byte
	dropped atomic.Int64
	verbose bool // counted in the logger's
	closing sync.Once
}

// HearsDebug reports whether anybody reads lines at DEBUG: the agent's own log, or
// a Monitor. Lines that cost something ask first.
func (l *Logger) HearsDebug() bool { return l.IsDebug() || l.verbose.Load() > 0 }

// Monitor listens at a level of its own, as text or JSON.
func (l *Logger) Monitor(level hclog.Level, json bool) *Monitor {
	m := &Monitor{logger: l, lines: make(chan []byte, monitorLines)}
	m.sink = hclog.NewSinkAdapter(&hclog.LoggerOptions{Level: level, Output: m, JSONFormat: json, TimeFormat: timeFormat})
	if level <= hclog.Debug {
		l.verbose.Add(1)
		m.verbose = true
	}
	l.RegisterSink(m.sink)
	return m
}

// Lines are what was logged, line by line with their ends. It is never closed.
func (m *Monitor) Lines() <-chan []byte { return m.lines }

// Dropped is how many lines did not fit.
func (m *Monitor) Dropped() int64 { return m.dropped.Load() }

// Write takes one line; it never blocks.
func (m *Monitor) Write(line []byte) (int, error) {
	select {
	case m.lines <- slices.Clone(line):
	default:
		m.dropped.Add(1)
	}
	return len(line), nil
}

// Close ends listening.
func (m *Monitor) Close() error {
	m.closing.Do(func() {
		m.logger.DeregisterSink(m.sink)
		if m.verbose {
			m.logger.verbose.Add(-1)
		}
	})
	return nil
}
