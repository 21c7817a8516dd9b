package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"
	gosink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/shirou/gopsutil/v4/cpu"
	"golang.org/x/sync/errgroup"

	"praetor/internal/version"
)

// Interval is how long figures are added up.
const Interval = 10 * time.Second

const (
	defaultPrefix = "consul"
	retention     = time.Minute // of the figures that Summary shows
	// measureEvery has every interval hold two rounds of gauges, whatever
	// their phase.
	measureEvery = Interval / 2
)

// Options say how to build Metrics. The zero value keeps what this program
// itself measures.
type Options struct {
	Prefix   string // first word of every name; "" means consul
	HostName string // second word of gauges; "" leaves it out

	// Allowed and Blocked are prefixes of whole names; of those that fit the
	// longest decides. DropUnnamed is the answer where none fits.
	Allowed, Blocked []string
	DropUnnamed      bool

	// PrometheusRetention is how long Prometheus is shown what no longer changes, if
	// it is nothing that every agent has; 0 turns Prometheus off.
	PrometheusRetention time.Duration

	// Sinks are pushed to while Run runs. RequireSinks has New fail if one cannot
	// be reached.
	Sinks        []Sink
	RequireSinks bool

	// HostDisk is a path on the disk to measure, with the rest of the machine; ""
	// leaves the machine out.
	HostDisk string

	Logger hclog.Logger // nil means none

	// Global also takes what libraries measure, and the Go runtime.
	Global bool

	// Declare shows from the start what an agent measures, with 0; Server is for
	// servers.
	Declare, Server bool
}

// Label tells apart figures of one name.
type Label = metrics.Label

// Metrics are the figures of one agent.
type Metrics struct {
	opts    Options
	sink    *metrics.InmemSink
	pushers []*pusher
	gauges  *metrics.Metrics
	prom    http.Handler             // nil when off
	cpus    map[string]cpu.TimesStat // of the last round; only measureHost uses it

	mu     sync.Mutex
	series []*series
	byKey  map[string]*series // by name and labels
	looks  []func(set SetGauge)
	filter filter
}

// New builds Metrics.
func New(opts Options) (*Metrics, error) {
	if opts.Prefix == "" {
		opts.Prefix = defaultPrefix
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	m := &Metrics{opts: opts, sink: metrics.NewInmemSink(Interval, retention), filter: newFilter(opts.Allowed, opts.Blocked, opts.DropUnnamed)}
	m.declareSeries()
	sinks := metrics.FanoutSink{m.sink}
	if opts.PrometheusRetention > 0 {
		sink, err := m.openPrometheus()
		if err != nil {
			return nil, fmt.Errorf("open Prometheus sink: %w", err)
		}
		sinks = append(sinks, sink)
	}
	if err := m.openPushers(); err != nil {
		return nil, err
	}
	for _, p := range m.pushers {
		sinks = append(sinks, p)
	}
	conf := &metrics.Config{
		ServiceName: opts.Prefix, HostName: opts.HostName, EnableHostname: opts.HostName != "",
		TimerGranularity: time.Millisecond, ProfileInterval: time.Second, FilterDefault: !opts.DropUnnamed,
		AllowedPrefixes: opts.Allowed, BlockedPrefixes: opts.Blocked,
	}
	var err error
	build := metrics.New
	if opts.Global {
		build = metrics.NewGlobal
	}
	m.gauges, err = build(conf, &libraries{MetricSink: sinks, m: m, byKey: map[string]*series{}})
	return m, err
}

func (m *Metrics) openPushers() error {
	var errs []error
	for _, s := range m.opts.Sinks {
		p := newPusher(s, m.opts.HostName, m.opts.Logger)
		m.pushers = append(m.pushers, p)
		if m.opts.RequireSinks {
			errs = append(errs, p.probe())
		}
	}
	return errors.Join(errs...)
}

func (m *Metrics) openPrometheus() (metrics.MetricSink, error) {
	registry := prometheus.NewRegistry()
	opts := gosink.PrometheusOpts{Expiration: m.opts.PrometheusRetention, Registerer: registry, Name: "praetor"}
	m.declareGauges(&opts)
	sink, err := gosink.NewPrometheusSinkFrom(opts)
	if err != nil {
		return nil, err
	}
	own := []prometheus.Collector{
		collector{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range own {
		err = errors.Join(err, registry.Register(c))
	}
	m.prom = withoutEscaping(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return sink, err
}

// Run pushes to the sinks, has measure called, which sets gauges, and measures the
// runtime if this is Global, several times an interval until ctx ends.
func (m *Metrics) Run(ctx context.Context, measure func()) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range m.pushers {
		group.Go(func() error { return p.run(ctx, m) })
	}
	group.Go(func() error { return m.measure(ctx, measure) })
	return group.Wait()
}

func (m *Metrics) measure(ctx context.Context, measure func()) error {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		if m.opts.Global {
			m.gauges.EmitRuntimeStats()
			m.Gauge("version", 1, Label{Name: "version", Value: version.Compatible}, Label{Name: "pre_release"})
		}
		if m.opts.HostDisk != "" {
			m.measureHost(ctx)
		}
		measure()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Close lets go of what libraries measure. Calling it twice is fine.
func (m *Metrics) Close() error {
	if m.opts.Global && metrics.Default() == m.gauges {
		if _, err := metrics.NewGlobal(&metrics.Config{}, &metrics.BlackholeSink{}); err != nil {
			return err
		}
	}
	return nil
}

// Prometheus serves the figures as text, nil if that is off.
func (m *Metrics) Prometheus() http.Handler { return m.prom }

// Gauge sets a value.
func (m *Metrics) Gauge(name string, value float64, labels ...Label) {
	m.gauges.SetGaugeWithLabels(strings.Split(name, "."), float32(value), labels)
}

// SetGauge sets a gauge under its whole name.
type SetGauge func(name string, value float64, labels ...Label)

// OnScrape has look called whenever Prometheus asks, for gauges that are too many
// to be set all the time. It must set each at most once. No other sink gets them.
func (m *Metrics) OnScrape(look func(set SetGauge)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks = append(m.looks, look)
}

// Shows reports whether the filter lets a figure through whose name, after the
// prefix, is name.
func (m *Metrics) Shows(name string) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.filter.allows(m.opts.Prefix + "." + name)
}

// SetFilter replaces the prefixes of Options.
func (m *Metrics) SetFilter(allowed, blocked []string) {
	m.gauges.UpdateFilter(allowed, blocked)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.filter = newFilter(allowed, blocked, m.opts.DropUnnamed)
}

// shown lists the series that the filter lets through.
func (m *Metrics) shown() []*series {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*series
	for _, s := range m.series {
		if m.filter.allows(s.name) {
			list = append(list, s)
		}
	}
	return list
}

func (m *Metrics) add(name string, labels []Label, timed bool) *series {
	return m.addWhole(m.opts.Prefix+"."+name, labels, timed, 0)
}

// addWhole makes the series of a whole name and labels, unless there is one.
func (m *Metrics) addWhole(name string, labels []Label, timed bool, fleeting time.Duration) *series {
	s := &series{name: name, labels: slices.Clone(labels), timed: timed, fleeting: fleeting}
	key := fmt.Sprintf("%s %q", s.name, s.labels)
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.byKey[key]; old != nil {
		return old
	}
	if m.byKey == nil {
		m.byKey = map[string]*series{}
	}
	m.series, m.byKey[key] = append(m.series, s), s
	return s
}
