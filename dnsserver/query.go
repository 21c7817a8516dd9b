package dnsserver

import (
	"context"
	"strings"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/fault"
	"praetor/internal/ops"
)

// query answers NAME.query with what a prepared query finds, in its order
// (reference/dns.md §11).
func (a *answering) query(ctx context.Context, t target) {
	rep, err := a.executeNamed(ctx, t)
	switch {
	case fault.KindOf(err) == fault.NotFound, err == nil && len(rep.Instances) == 0:
		a.nxdomain()
		return
	case err != nil:
		a.fail(err)
		return
	}
	t.datacenter = rep.Datacenter
	key := a.setKey(rep.Service, "", t)
	set := &recordSet{source: rep.Instances, instances: len(rep.Instances), ttl: a.queryTTL(rep)}
	a.fill(set, key, rep.Instances)
	a.inOrder = rep.Live == nil // a reply that holds is in no order: each answer gets one
	a.answerSet(ctx, set)
	a.scopeSubnet()
}

// executeNamed executes the query that t names.
func (a *answering) executeNamed(ctx context.Context, t target) (*ops.QueryExecuteReply, error) {
	req := &ops.QueryExecuteRequest{
		ReadOptions: a.read(t.datacenter), QueryIDOrName: t.query(), Agent: a.opts.NodeName, SourceIP: a.clientIP(),
	}
	req.Near.NearDatacenter = a.opts.Datacenter
	return a.execute(ctx, req)
}

// query returns the ID or name that t's parts hold; _NAME._PROTOCOL is NAME.
func (t *target) query() string {
	last := len(t.parts) - 1
	if last > 0 && strings.HasPrefix(t.parts[0], "_") && strings.HasPrefix(t.parts[last], "_") {
		return strings.Join(t.parts[:last], ".")[1:]
	}
	return strings.Join(t.parts, ".")
}

func (a *answering) queryTTL(rep *ops.QueryExecuteReply) uint32 {
	if ttl, err := time.ParseDuration(rep.DNSTTL); err == nil && rep.DNSTTL != "" {
		return seconds(ttl)
	}
	return a.serviceTTL(rep.Service)
}

// clientIP is the client's address: what the client subnet says, else where the
// question came from.
func (a *answering) clientIP() string {
	if opt := a.req.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok && subnet.Address != nil {
				return subnet.Address.String()
			}
		}
	}
	if !a.from.IsValid() {
		return ""
	}
	return a.from.Addr().Unmap().WithZone("").String()
}

// scopeSubnet says that the answer holds for the client's subnet only
// (reference/dns.md §10).
func (a *answering) scopeSubnet() {
	opt := a.reply.IsEdns0()
	if opt == nil || a.reply.Rcode != dns.RcodeSuccess {
		return
	}
	for _, o := range opt.Option {
		if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
			subnet.SourceScope = subnet.SourceNetmask
		}
	}
}
