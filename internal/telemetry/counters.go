package telemetry

import "sync"

// maxCounters bounds the counters of one name: what is told apart may come from
// callers. Further values share one, whose label says restLabel.
const (
	maxCounters = 1000
	restLabel   = "others"
)

// Counters are counters of one name, told apart by one label. Nil counts nothing.
type Counters struct {
	metrics     *Metrics
	name, label string

	mu sync.RWMutex

	byValue map[string]*Counter
}

// Counters makes counters. Without Metrics they are nil.
func (m *Metrics) Counters(name, label string) *Counters {
	if m == nil {
		return nil
	}
	return &Counters{metrics: m, name: name, label: label, byValue: map[string]*Counter{}}
}

// Incr counts one for a value of the label.
func (c *Counters) Incr(value string) {
	if c == nil {
		return
	}
	c.mu.RLock()
	counter := c.byValue[value]
	c.mu.RUnlock()
	if counter == nil {
		counter = c.make(value)
	}
	counter.Incr()
}

func (c *Counters) make(value string) *Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byValue) >= maxCounters {
		value = restLabel
	}
	if c.byValue[value] == nil {
		c.byValue[value] = c.metrics.Counter(c.name, Label{Name: c.label, Value: value})
	}
	return c.byValue[value]
}
