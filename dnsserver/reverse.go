package dnsserver

import (
	"context"
	"strings"

	"github.com/miekg/dns"

	"praetor/internal/ops"
)

// reverse answers names below arpa with the node that has the address
// (reference/dns.md §8.1).
func (a *answering) reverse(ctx context.Context) {
	rep, err := ops.CatalogNodes.Call(ctx, a.opts.Caller, &ops.CatalogNodesRequest{ReadOptions: a.read("")})
	if err != nil {
		a.fail(err)
		return
	}
	name := strings.ToLower(a.q.Name)
	for _, n := range rep.Nodes {
		if arpaName, err := dns.ReverseAddr(n.Address); err == nil && arpaName == name {
			a.add(&a.reply.Answer, &dns.PTR{
				Hdr: dns.RR_Header{Name: a.q.Name, Rrtype: dns.TypePTR, Class: dns.ClassINET},
				Ptr: n.Node + ".node." + n.Datacenter + "." + a.domain,
			})
			return
		}
	}
	if len(a.Recursors) > 0 {
		a.recurse(ctx)
		return
	}
	a.nxdomain()
}
