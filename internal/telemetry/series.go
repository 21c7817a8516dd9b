package telemetry

import (
	"math"
	"slices"
	"sync"
	"time"
)

// recentValues is how many values a Timer's quantiles are taken from: enough
// for the 99th percentile to mean something.
const recentValues = 512

// pushedValues is how many values of a Timer are sent to a sink at a time; of more
// these stand for all, and the sink is told the rate.
const pushedValues = 32

// Counter counts events. Nil counts nothing.
type Counter struct{ s *series }

// Counter makes a counter. Make it once, not per event. Without Metrics it is nil.
func (m *Metrics) Counter(name string, labels ...Label) *Counter {
	if m == nil {
		return nil
	}
	return &Counter{m.add(name, labels, false)}
}

// Incr counts one.
func (c *Counter) Incr() { c.Add(1) }

// Add counts n at once.
func (c *Counter) Add(n uint64) {
	if c != nil {
		c.s.take(time.Now(), float64(n))
	}
}

// Timer collects durations, in milliseconds. Nil collects nothing.
type Timer struct{ s *series }

// Timer makes a timer. Make it once, not per event. Without Metrics it is nil.
func (m *Metrics) Timer(name string, labels ...Label) *Timer {
	if m == nil {
		return nil
	}
	return &Timer{m.add(name, labels, true)}
}

// Since collects the time since start.
func (t *Timer) Since(start time.Time) {
	if t != nil {
		now := time.Now()
		t.s.take(now, milliseconds(now.Sub(start)))
	}
}

// Took collects a duration.
func (t *Timer) Took(d time.Duration) {
	if t != nil {
		t.s.take(time.Now(), milliseconds(d))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// series are the values of one name and one set of labels.
type series struct {
	name   string
	labels []Label
	timed  bool
	// fleeting is how long Prometheus is shown it after its last value; 0 for as long as the
	// agent runs.
	fleeting time.Duration

	mu           sync.Mutex
	windows      [keptWindows]window // in a ring, by the number of their interval
	count        uint64              // of all values
	sum          float64
	recent       []float64 // of a timer, in a ring
	recentOldest int
	last         int64 // the start of the interval of the last value, in Unix seconds
}

// keptWindows are as many intervals as Dump shows, and the one under way.
const keptWindows = int64(retention/Interval) + 1

// window is what came in one interval.
type window struct {
	start           int64 // Unix seconds
	count           int
	sum, sumSquares float64
	min, max        float64
}

func windowStart(t time.Time) int64 { return t.Truncate(Interval).Unix() }

func (s *series) window(start int64) *window {
	return &s.windows[start/int64(Interval/time.Second)%keptWindows]
}

func (s *series) take(at time.Time, value float64) {
	start := windowStart(at)
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.window(start)
	if w.start != start {
		*w = window{start: start, min: value, max: value}
	}
	w.count++
	w.sum += value
	w.sumSquares += value * value
	w.min, w.max = min(w.min, value), max(w.max, value)
	s.count++
	s.sum += value
	s.last = start
	if s.timed {
		s.remember(value)
	}
}

func (s *series) remember(value float64) {
	if len(s.recent) < recentValues {
		s.recent = append(s.recent, value)
		return
	}
	s.recent[s.recentOldest] = value
	s.recentOldest = (s.recentOldest + 1) % recentValues
}

// in returns what came in the interval from start; count 0 if nothing did.
func (s *series) in(start int64) window {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.window(start); w.start == start {
		return *w
	}
	return window{}
}

// mark is a moment of a series.
type mark struct {
	count uint64
	sum   float64
}

// since returns how many values came since a moment, their sum, of a timer some of
// the last, and the moment that this was.
func (s *series) since(m mark) (n uint64, sum float64, values []float64, now mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, sum, now = s.count-m.count, s.sum-m.sum, mark{s.count, s.sum}
	if !s.timed {
		return n, sum, nil, now
	}
	for i := range int(min(n, pushedValues)) {
		values = append(values, s.recent[(s.recentOldest+len(s.recent)-1-i)%len(s.recent)])
	}
	return n, sum, values, now
}

// totals are what Prometheus is shown at a time. A figure is shown from 0 on, and for as long as
// the agent runs unless it is fleeting; one with labels only once it has a value.
func (s *series) totals(at time.Time) (count uint64, sum float64, recent []float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := s.fleeting > 0 && at.Sub(time.Unix(s.last, 0)) > s.fleeting+Interval
	return s.count, s.sum, slices.Clone(s.recent), !over && (s.count > 0 || len(s.labels) == 0)
}

// deviation is the standard deviation of a sample.
func deviation(count int, sum, sumSquares float64) float64 {
	n := float64(count)
	if count < 2 {
		return 0
	}
	return math.Sqrt(max(0, (n*sumSquares-sum*sum)/(n*(n-1))))
}

// quantile returns a quantile of sorted values, NaN of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
