package config

import (
	"slices"
	"strings"
)

// noisyMetric is dropped unless a rule mentions it.
const noisyMetric = "consul.rpc.server.call"

func (b *builder) telemetry() {
	t := &b.s.Telemetry
	b.rt.Telemetry = Telemetry{
		MetricsPrefix:           val(t.MetricsPrefix),
		DisableHostname:         val(t.DisableHostname),
		PrometheusRetentionTime: b.duration("telemetry.prometheus_retention_time", t.PrometheusRetention),
		StatsdAddr:              val(t.StatsdAddr),
		StatsiteAddr:            val(t.StatsiteAddr),
		DogstatsdAddr:           val(t.DogstatsdAddr),
		DogstatsdTags:           slices.Clone(t.DogstatsdTags),
		FilterDefault:           val(t.FilterDefault),
		RetryFailedConnection:   val(t.RetryFailedConnection),
		EnableHostMetrics:       val(t.EnableHostMetrics),
	}
	b.prefixFilter(t.PrefixFilter)
}

func (b *builder) prefixFilter(rules []string) {
	t := &b.rt.Telemetry
	mentioned := false
	for _, rule := range rules {
		mentioned = mentioned || strings.TrimLeft(rule, "+-") == noisyMetric
		switch {
		case rule == "":
			b.warn("Cannot have empty filter rule in prefix_filter")
		case rule[0] == '+':
			t.AllowedPrefixes = append(t.AllowedPrefixes, rule[1:])
		case rule[0] == '-':
			t.BlockedPrefixes = append(t.BlockedPrefixes, rule[1:])
		default:
			b.warn("Filter rule must begin with either '+' or '-': %q", rule)
		}
	}
	if !mentioned {
		t.BlockedPrefixes = append(t.BlockedPrefixes, noisyMetric)
	}
}
