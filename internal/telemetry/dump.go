package telemetry

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Dump writes the complete intervals of the last minute as text, as Consul does
// on SIGUSR1 (reference/cli.md §2.5). Before there is one it writes what has
// come so far.
func (m *Metrics) Dump(w io.Writer) error {
	data := m.sink.Data()
	for _, interval := range data[:max(1, len(data)-1)] {
		if err := m.summarize(interval).dump(w); err != nil {
			return err
		}
	}
	return nil
}

func (s Summary) dump(w io.Writer) error {
	var b strings.Builder
	for _, g := range s.Gauges {
		fmt.Fprintf(&b, "[%s][G] '%s': %0.3f\n", s.Timestamp, flatName(g.Name, g.Labels), g.Value)
	}
	for _, p := range s.Points {
		for _, v := range p.Points {
			fmt.Fprintf(&b, "[%s][P] '%s': %0.3f\n", s.Timestamp, p.Name, v)
		}
	}
	for _, c := range s.Counters {
		fmt.Fprintf(&b, "[%s][C] %s\n", s.Timestamp, c)
	}
	for _, c := range s.Samples {
		fmt.Fprintf(&b, "[%s][S] %s\n", s.Timestamp, c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Sample) String() string {
	return fmt.Sprintf("'%s': Count: %d Min: %0.3f Mean: %0.3f Max: %0.3f Stddev: %0.3f Sum: %0.3f",
		flatName(s.Name, s.Labels), s.Count, s.Min, s.Mean, s.Max, s.Stddev, s.Sum)
}

// flatName is a name with its labels' values, in the order of their names.
func flatName(name string, labels map[string]string) string {
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		name += "." + labels[label]
	}
	return wordEscape.Replace(name)
}
