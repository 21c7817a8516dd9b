package dnsserver

import (
	"context"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/ops"
)

// maxNameservers is how many servers an NS set lists.
const maxNameservers = 3

// soa is the record that negative answers carry (reference/dns.md §3).
func (a *answering) soa() dns.RR {
	owner := a.domain
	if a.altDomain != "" && strings.HasSuffix(a.q.Name, "."+a.altDomain) {
		owner = a.altDomain
	}
	now := time.Now().Unix()
	a.source.second = now
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: a.SOA.MinTTL},
		Ns:      "ns." + owner,
		Mbox:    "hostmaster." + owner,
		Serial:  uint32(now),
		Refresh: a.SOA.Refresh, Retry: a.SOA.Retry, Expire: a.SOA.Expire, Minttl: a.SOA.MinTTL,
	}
}

// hostLabel matches node names that can stand in an NS record.
var hostLabel = regexp.MustCompile(`^[A-Za-z0-9\\-]+$`)

// nameservers adds NS records of up to three servers, with their addresses as
// additional records.
func (a *answering) nameservers(ctx context.Context, section *[]dns.RR) {
	req := a.healthRequest("consul", "", target{})
	rep, err := ask(ctx, a, ops.HealthService, req)
	if err != nil {
		a.logger.Warn("DNS lookup of servers failed", "error", err)
		return
	}
	domain := a.q.Name[len(a.q.Name)-a.suffix(a.q.Name):]
	ttl := seconds(a.NodeTTL)
	healthy := filterHealthy(rep.Instances, false)
	a.source.shuffled = a.source.shuffled || len(healthy) > 1
	for _, i := range rand.Perm(len(healthy)) {
		node := healthy[i].Node
		if !hostLabel.MatchString(node.Node) {
			a.logger.Warn("server's node name cannot stand in DNS: left out of NS records", "node", node.Node)
			continue
		}
		target := strings.ToLower(node.Node + ".node." + a.opts.Datacenter + "." + domain)
		a.add(section, &dns.NS{Hdr: dns.RR_Header{Name: domain, Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: ttl}, Ns: target})
		if rr := addressRecord(target, nodeAddress(node, anyFamily, false).value, ttl); rr != nil {
			a.add(&a.reply.Extra, rr)
		}
		if len(*section) == maxNameservers {
			break
		}
	}
}

// filterHealthy leaves out instances with a critical check, and with
// onlyPassing those with any check that does not pass.
func filterHealthy(all []*catalog.InstanceHealth, onlyPassing bool) []*catalog.InstanceHealth {
	healthy := make([]*catalog.InstanceHealth, 0, len(all))
	for _, inst := range all {
		worst := worstStatus(inst.Checks)
		if worst == catalog.Critical || onlyPassing && worst != catalog.Passing {
			continue
		}
		healthy = append(healthy, inst)
	}
	return healthy
}

// worstStatus aggregates checks; no checks pass.
func worstStatus(checks []*catalog.Check) string {
	worst := catalog.Passing
	for _, c := range checks {
		switch c.Status {
		case catalog.Critical:
			return catalog.Critical
		case catalog.Passing:
		default:
			worst = catalog.Warning
		}
	}
	return worst
}

// seconds cuts a TTL to whole seconds, of which there are 0 to 2^31-1 (RFC 2181 §8).
func seconds(d time.Duration) uint32 { return uint32(min(max(d/time.Second, 0), math.MaxInt32)) }
