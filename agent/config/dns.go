package config

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

func (b *builder) dns() {
	d := &b.s.DNS
	b.rt.DNS = DNS{
		AllowStale:         val(d.AllowStale),
		MaxStale:           b.duration("dns_config.max_stale", d.MaxStale),
		NodeTTL:            b.duration("dns_config.node_ttl", d.NodeTTL),
		ServiceTTL:         b.serviceTTLs(),
		OnlyPassing:        val(d.OnlyPassing),
		EnableTruncate:     val(d.EnableTruncate),
		UDPAnswerLimit:     int(b.atLeastZero("dns_config.udp_answer_limit", val(d.UDPAnswerLimit))),
		UDPMaxSize:         b.udpMaxSize(val(d.UDPMaxSize)),
		ARecordLimit:       int(b.atLeastZero("dns_config.a_record_limit", val(d.ARecordLimit))),
		DisableCompression: val(d.DisableCompression),
		Recursors:          b.recursors(),
		RecursorStrategy:   val(d.RecursorStrategy),
		RecursorTimeout:    b.duration("dns_config.recursor_timeout", d.RecursorTimeout),
		NodeMetaTXT:        val(d.NodeMetaTXT),
		SOA:                SOA{val(d.SOA.Refresh), val(d.SOA.Retry), val(d.SOA.Expire), val(d.SOA.MinTTL)},
		UseCache:           val(d.UseCache),
		CacheMaxAge:        b.duration("dns_config.cache_max_age", d.CacheMaxAge),
	}
	switch b.rt.DNS.RecursorStrategy {
	case "sequential", "random":
	case "":
		b.rt.DNS.RecursorStrategy = "sequential"
	default:
		b.fail("dns_config.recursor_strategy", "dns_config.recursor_strategy: invalid strategy: %q", b.rt.DNS.RecursorStrategy)
	}
}

// Bounds of dns_config.udp_max_size: what every client takes (RFC 1035 §4.2.1), and
// what one datagram carries.
const (
	leastUDPMaxSize = 512
	mostUDPMaxSize  = 65467
)

func (b *builder) udpMaxSize(bytes int) int {
	if bytes < leastUDPMaxSize || bytes > mostUDPMaxSize {
		b.refuse("dns_config.udp_max_size", "dns_config.udp_max_size cannot be %d. Must be between %d and %d bytes", bytes, leastUDPMaxSize, mostUDPMaxSize)
	}
	return bytes
}

func (b *builder) serviceTTLs() map[string]time.Duration {
	out := make(map[string]time.Duration, len(b.s.DNS.ServiceTTL))
	for name, text := range b.s.DNS.ServiceTTL {
		out[name] = b.duration("dns_config.service_ttl."+name, &text)
	}
	return out
}

// recursors gives every recursor a port.
func (b *builder) recursors() []string {
	out := b.expandAll("recursors", b.s.DNSRecursors)
	for i, r := range out {
		if _, _, err := net.SplitHostPort(r); err == nil {
			continue
		}
		host := strings.TrimSuffix(strings.TrimPrefix(r, "["), "]")
		out[i] = net.JoinHostPort(host, "53")
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
			b.refuse("recursors", "DNS recursor address cannot be 0.0.0.0, :: or [::]")
		}
	}
	return out
}
