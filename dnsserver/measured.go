package dnsserver

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/telemetry"
)

// measured is what a Server counts and times, under Consul's names
// (reference/dns.md §14).
type measured struct {
	domain, ptr *telemetry.Timer
	byType      map[uint16]*telemetry.Timer
	otherTypes  *telemetry.Timer
	stale       *telemetry.Counter
}

// measuredTypes have a timer of their own; others share one, since the client
// chooses among 65536.
var measuredTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeCNAME, dns.TypeMX, dns.TypeNS, dns.TypePTR, dns.TypeSOA, dns.TypeSRV, dns.TypeTXT,
}

func newMeasured(m *telemetry.Metrics, nodeName string) *measured {
	node := telemetry.Label{Name: "node", Value: nodeName}
	byType := func(name string) *telemetry.Timer {
		return m.Timer("dns.query", node, telemetry.Label{Name: "type", Value: name})
	}
	c := &measured{
		domain: m.Timer("dns.domain_query", node), ptr: m.Timer("dns.ptr_query", node),
		byType: map[uint16]*telemetry.Timer{}, otherTypes: byType("other"), stale: m.Counter("dns.stale_queries"),
	}
	for _, t := range measuredTypes {
		c.byType[t] = byType(dns.TypeToString[t])
	}
	return c
}

// answered notes an answer to q.
func (c *measured) answered(q *dns.Question, start time.Time) {
	c.took(q.Qtype, hasSuffixFold(q.Name, arpa), start)
}

// answeredCached notes an answer to the question of a key that was ready.
func (c *measured) answeredCached(key []byte, start time.Time) {
	end := len(key) - keySuffix // of the name
	reverse := end >= len(arpaLabel) && bytes.EqualFold(key[end-len(arpaLabel):end], arpaLabel)
	c.took(binary.BigEndian.Uint16(key[end:]), reverse, start)
}

func (c *measured) took(qtype uint16, reverse bool, start time.Time) {
	took := time.Since(start)
	if reverse {
		c.ptr.Took(took)
	} else {
		c.domain.Took(took)
	}
	if byType := c.byType[qtype]; byType != nil {
		byType.Took(took)
	} else {
		c.otherTypes.Took(took)
	}
}
