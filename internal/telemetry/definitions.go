package telemetry

import (
	"strings"

	gosink "github.com/hashicorp/go-metrics/prometheus"
)

// Collectors and alert rules look for a figure by its name, and take one that is
// missing for a fault. So every figure of Consul's that has a meaning here is shown
// from the start, with 0, and for as long as the agent runs.

// figure declares one: its name after the prefix, what it is, who has it, and what
// it says in one sentence.
type figure struct {
	name string
	kind kind
	at   place
	help string
}

type kind uint8

const (
	counter kind = iota
	timer        // or any other value that has quantiles
	gauge
	later // a gauge without a value until it is known: 0 would be an alarm, or a lie
)

type place uint8

const (
	onAgents place = iota // on all
	onServers
)

var helpTexts = func() map[string]string {
	texts := make(map[string]string, len(figures))
	for _, f := range figures {
		texts[f.name] = f.help
	}
	return texts
}()

// IsDeclared reports whether a figure, named without the prefix, is in the table.
func IsDeclared(name string) bool {
	_, ok := helpTexts[name]
	return ok
}

// declared lists the figures that exist from the start, if the filter shows them.
func (m *Metrics) declared() []figure {
	if !m.opts.Declare {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []figure
	for _, f := range figures {
		if f.kind != later && (f.at == onAgents || m.opts.Server) && m.filter.allows(m.opts.Prefix+"."+f.name) {
			list = append(list, f)
		}
	}
	return list
}

// shownName is a figure's whole name; a gauge's may have the host in it.
func (m *Metrics) shownName(f figure) string {
	if f.kind == gauge && m.opts.HostName != "" {
		return m.opts.Prefix + "." + m.opts.HostName + "." + f.name
	}
	return m.opts.Prefix + "." + f.name
}

// declareSeries makes those that have a label elsewhere, or come from parts that this agent
// may not run, or from libraries that have not measured yet.
func (m *Metrics) declareSeries() {
	for _, f := range figures {
		switch {
		case !m.opts.Declare || f.at == onServers && !m.opts.Server:
		case f.kind == counter:
			m.Counter(f.name)
		case f.kind == timer:
			m.Timer(f.name)
		}
	}
}

// declareGauges adds the gauges to a Prometheus sink's options.
func (m *Metrics) declareGauges(opts *gosink.PrometheusOpts) {
	for _, f := range m.declared() {
		if f.kind == gauge { // the sink joins words with what it replaces dots with
			opts.GaugeDefinitions = append(opts.GaugeDefinitions, gosink.GaugeDefinition{Name: []string{m.shownName(f)}, Help: f.help})
		}
	}
}

// helpOf is the help text of a figure; of one that is not declared its name as
// Prometheus has it, as go-metrics says. Figures of one name must agree on it.
func (m *Metrics) helpOf(name string) string {
	if text, ok := helpTexts[strings.TrimPrefix(name, m.opts.Prefix+".")]; ok {
		return text
	}
	return prometheusName.Replace(name)
}

// addZeros adds to a summary what is declared and did not happen in its interval.
func (m *Metrics) addZeros(s *Summary) {
	have := map[string]bool{}
	for _, g := range s.Gauges {
		have[g.Name] = true
	}
	for _, list := range [][]Sample{s.Counters, s.Samples} {
		for _, c := range list {
			have[c.Name] = true
		}
	}
	for _, f := range m.declared() {
		name := m.shownName(f)
		switch {
		case have[name]:
		case f.kind == gauge:
			s.Gauges = append(s.Gauges, Gauge{Name: name, Labels: map[string]string{}})
		case f.kind == counter:
			s.Counters = append(s.Counters, Sample{Name: name, Labels: map[string]string{}})
		default:
			s.Samples = append(s.Samples, Sample{Name: name, Labels: map[string]string{}})
		}
	}
	sortGauges(s.Gauges)
	sortSamples(s.Counters)
	sortSamples(s.Samples)
}

// declaredNames are the whole names of the counters, and of the gauges, that exist
// from the start.
func (m *Metrics) declaredNames() (counters, gauges []string) {
	for _, f := range m.declared() {
		switch f.kind {
		case counter:
			counters = append(counters, m.shownName(f))
		case gauge:
			gauges = append(gauges, m.shownName(f))
		}
	}
	return counters, gauges
}
