package telemetry

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-metrics"
)

// Summary is one interval, in the shape of agent/metrics
// (reference/http-agent.md §2.3).
type Summary struct {
	Timestamp string
	Gauges    []Gauge
	Points    []Point
	Counters  []Sample
	Samples   []Sample
}

// Gauge is the last value that something had.
type Gauge struct {
	Name   string
	Value  float32
	Labels map[string]string
}

// Point is a list of values.
type Point struct {
	Name   string
	Points []float32
}

// Sample is what many values have in common.
type Sample struct {
	Name                              string
	Count                             int
	Rate, Sum, Min, Max, Mean, Stddev float64
	Labels                            map[string]string
}

// Summary returns the last complete interval; before there is one, what has come
// so far. What is declared and did not happen is in it with 0.
func (m *Metrics) Summary() Summary {
	data := m.sink.Data()
	s := m.summarize(data[max(0, len(data)-2)])
	m.addZeros(&s)
	return s
}

// Stream calls send with each interval as it ends, until ctx ends (nil) or send
// fails (why).
func (m *Metrics) Stream(ctx context.Context, send func(Summary) error) error {
	for {
		start := time.Now().Truncate(Interval)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(start.Add(Interval))):
		}
		if err := send(m.summarize(m.interval(start))); err != nil {
			return err
		}
	}
}

// interval finds an interval; one in which no library spoke is empty.
func (m *Metrics) interval(start time.Time) *metrics.IntervalMetrics {
	for _, i := range m.sink.Data() {
		if i.Interval.Equal(start) {
			return i
		}
	}
	return metrics.NewIntervalMetrics(start)
}

func (m *Metrics) summarize(i *metrics.IntervalMetrics) Summary {
	i.RLock()
	defer i.RUnlock()
	s := Summary{
		Timestamp: i.Interval.Round(time.Second).UTC().String(),
		Gauges:    gauges(i), Points: points(i), Counters: []Sample{}, Samples: []Sample{},
	}
	for _, own := range m.shown() {
		w := own.in(i.Interval.Unix())
		switch {
		case w.count == 0:
		case own.timed:
			s.Samples = append(s.Samples, own.sample(w))
		default:
			s.Counters = append(s.Counters, own.sample(w))
		}
	}
	sortSamples(s.Counters)
	sortSamples(s.Samples)
	return s
}

// gauges leaves out what JSON has no number for.
func gauges(i *metrics.IntervalMetrics) []Gauge {
	list := make([]Gauge, 0, len(i.Gauges)+len(i.PrecisionGauges))
	add := func(name string, value float64, labels []Label) {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			list = append(list, Gauge{name, float32(value), labelMap(labels)})
		}
	}
	for _, g := range i.Gauges {
		add(g.Name, float64(g.Value), g.Labels)
	}
	for _, g := range i.PrecisionGauges {
		add(g.Name, g.Value, g.Labels)
	}
	sortGauges(list)
	return list
}

func sortGauges(list []Gauge) {
	slices.SortFunc(list, func(a, b Gauge) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), compareLabels(a.Labels, b.Labels))
	})
}

func points(i *metrics.IntervalMetrics) []Point {
	list := make([]Point, 0, len(i.Points))
	for _, name := range slices.Sorted(maps.Keys(i.Points)) {
		list = append(list, Point{name, slices.Clone(i.Points[name])})
	}
	return list
}

func (s *series) sample(w window) Sample {
	return Sample{
		Name: s.name, Count: w.count, Rate: w.sum / Interval.Seconds(), Sum: w.sum, Min: w.min, Max: w.max,
		Mean: w.sum / float64(w.count), Stddev: deviation(w.count, w.sum, w.sumSquares), Labels: labelMap(s.labels),
	}
}

func sortSamples(list []Sample) {
	slices.SortFunc(list, func(a, b Sample) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), compareLabels(a.Labels, b.Labels))
	})
}

// compareLabels orders figures of one name, label by label in their names' order.
func compareLabels(a, b map[string]string) int {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if c := strings.Compare(a[name], b[name]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func labelMap(labels []Label) map[string]string {
	m := make(map[string]string, len(labels))
	for _, l := range labels {
		m[l.Name] = l.Value
	}
	return m
}
