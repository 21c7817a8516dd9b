package telemetry

import (
	"time"
)

// Take has a timer collect a value n times.
func Take(t *Timer, at time.Time, n int, value float64) {
	for range n {
		t.s.take(at, value)
	}
}

// Line is a gauge as a sink gets it.
func Line(p Protocol, name string, value float64, labels ...Label) string {
	return string(newPusher(Sink{Protocol: p}, "", nil).line(name, value, "g", 1, labels))
}

// Declared lists the names in the table of figures.
func Declared() []string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}
