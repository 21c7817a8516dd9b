package dnsserver

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/rpc"
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

// measuredTypes have a timer of their own; others share one, since who asks
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
	took := time.Since(start)
	if hasSuffixFold(q.Name, arpa) {
		c.ptr.Took(took)
	} else {
		c.domain.Took(took)
	}
	if byType := c.byType[q.Qtype]; byType != nil {
		byType.Took(took)
	} else {
		c.otherTypes.Took(took)
	}
}

// staleAfter is how long a server may not have heard its leader before its answer
// counts as stale: a follower hears it many times a second.
const staleAfter = 5 * time.Second

// countingStale counts stale answers.
type countingStale struct {
	rpc.Caller
	stale *telemetry.Counter
}

func (c countingStale) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	rep, err := c.Caller.Do(ctx, op, req)
	if read, ok := rep.(interface{ Meta() *rpc.ReadMeta }); ok && err == nil && read.Meta().LastContact > staleAfter {
		c.stale.Incr()
	}
	return rep, err
}
