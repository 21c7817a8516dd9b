package config

import (
	"net"
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
	b.sinkAddress("telemetry.statsd_address", b.rt.Telemetry.StatsdAddr)
	b.sinkAddress("telemetry.statsite_address", b.rt.Telemetry.StatsiteAddr)
	if dog := b.rt.Telemetry.DogstatsdAddr; !strings.HasPrefix(dog, "unix://") {
		b.sinkAddress("telemetry.dogstatsd_addr", dog)
	}
	b.prefixFilter(t.PrefixFilter)
}

// sinkAddress refuses what no connection could ever be made to. Validate, as in Consul,
// takes it.
func (b *builder) sinkAddress(key, address string) {
	if address == "" {
		return
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		if !b.starting {
			b.warn("%s: %q is no host:port", key, address)
			return
		}
		b.refuse(key, "%s: %q is no host:port", key, address)
	}
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
