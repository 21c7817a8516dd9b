package dnsserver

import (
	"context"
	"math/rand/v2"
	"strings"

	"github.com/miekg/dns"

	"praetor/internal/ops"
)

func (a *answering) healthRequest(service, tag string, t target) *ops.HealthServiceRequest {
	req := &ops.HealthServiceRequest{ReadOptions: a.read(t.datacenter), Service: service, Connect: t.kind == connectKind}
	if port, _ := t.port(); tag != "" && port == "" {
		req.Tags = []string{tag}
	}
	return req
}

// service answers [PORT.port.][TAG.]NAME.service (reference/dns.md §5), and NAME.connect with
// what serves NAME inside the mesh.
func (a *answering) service(ctx context.Context, t target) {
	if isBinding(a.q.Qtype) && t.kind == serviceKind {
		t.parts = withoutPrefix(t.parts)
	}
	name, tag := t.service()
	if t.kind == connectKind {
		t.peer = ""
	}
	if t.peer != "" || name == "" {
		a.nxdomain()
		return
	}
	rep, err := ask(ctx, a, ops.HealthService, a.healthRequest(name, tag, t))
	if err != nil {
		a.fail(err)
		return
	}
	key := a.setKey(name, tag, t)
	set := a.sets.get(key, rep.Instances, a.buildSet)
	if isBinding(key.qtype) && len(set.srvs) == 0 {
		// No instance names a protocol: only an alias could be given.
		key.qtype = dns.TypeA
		set = a.sets.get(key, rep.Instances, a.buildSet)
	}
	a.answerSet(ctx, set)
}

// answerSet answers from records that were made.
func (a *answering) answerSet(ctx context.Context, set *recordSet) {
	a.source.unknown = a.source.unknown || set.resolves
	switch {
	case set.instances == 0:
		a.nxdomain()
	case len(set.srvs) > 0:
		a.srvAnswers(ctx, set)
	default:
		a.addressAnswers(ctx, set)
	}
	if set.instances > 0 && set.empty() {
		a.noData()
	}
}

// addressAnswers gives addresses in random order. Names are only given when no
// instance has an address, and then just one.
func (a *answering) addressAnswers(ctx context.Context, set *recordSet) {
	if len(set.addresses) == 0 && len(set.names) > 0 {
		a.source.shuffled = a.source.shuffled || len(set.names) > 1
		a.aliasAnswer(ctx, &set.names[rand.IntN(len(set.names))], set.ttl)
		return
	}
	a.ownerAsAsked = true
	limit := len(set.addresses)
	if a.ARecordLimit > 0 {
		limit = min(limit, a.ARecordLimit)
	}
	limit = min(limit, a.mostAnswers())
	a.reply.Answer = make([]dns.RR, 0, limit)
	a.pick(len(set.addresses), limit, func(i int) {
		a.reply.Answer = append(a.reply.Answer, withOwner(set.addresses[i], a.q.Name))
	})
	a.cut = a.cut || limit < len(set.addresses) && (a.ARecordLimit == 0 || limit < a.ARecordLimit)
}

// aliasAnswer gives the name that an instance has as its address, and what it stands for.
func (a *answering) aliasAnswer(ctx context.Context, alias *alias, ttl uint32) {
	if records, ok := a.follow(ctx, alias, ttl); ok {
		a.add(&a.reply.Answer, cname(a.q.Name, alias.name, ttl))
		a.add(&a.reply.Answer, records...)
	} else if alias.instead != nil && wants(a.q.Qtype, alias.instead) {
		a.add(&a.reply.Answer, withOwner(alias.instead, a.q.Name))
	} else {
		a.noData()
	}
}

// withOwner copies a cached address record under another name.
func withOwner(rr dns.RR, owner string) dns.RR {
	switch rr := rr.(type) {
	case *dns.A:
		c := *rr
		c.Hdr.Name = owner
		return &c
	case *dns.AAAA:
		c := *rr
		c.Hdr.Name = owner
		return &c
	}
	panic("dnsserver: cached record is no address") // sets.go keeps only these
}

// srvAnswers gives SRV records in random order with their targets' addresses.
func (a *answering) srvAnswers(ctx context.Context, set *recordSet) {
	limit := min(len(set.srvs), a.mostAnswers())
	spelled := a.q.Name[len(a.q.Name)-a.suffix(a.q.Name):]
	a.pick(len(set.srvs), limit, func(i int) {
		s := &set.srvs[i]
		var records []dns.RR
		if s.alias != nil {
			var ok bool
			if records, ok = a.follow(ctx, s.alias, set.ttl); !ok && s.instead != nil {
				s, records = s.instead, nil
			}
		}
		s = s.under(set.domain, spelled)
		a.add(&a.reply.Answer, s.asRecord(a.q.Name, a.q.Qtype))
		a.add(&a.reply.Extra, s.extra...)
		a.add(&a.reply.Extra, records...)
	})
	a.cut = a.cut || limit < len(set.srvs)
	a.optLast()
}

// optLast moves the OPT record behind the additional records.
func (a *answering) optLast() {
	for i, rr := range a.reply.Extra {
		if rr.Header().Rrtype == dns.TypeOPT {
			a.reply.Extra = append(append(a.reply.Extra[:i:i], a.reply.Extra[i+1:]...), rr)
			return
		}
	}
}

// pick calls use with k of n numbers: the first ones if order matters.
func (a *answering) pick(n, k int, use func(int)) {
	if !a.inOrder {
		a.source.shuffled = a.source.shuffled || n > 1
		pickSome(n, k, use)
		return
	}
	for i := range k {
		use(i)
	}
}

// pickSome calls use with k different numbers below n, at random and in random
// order, at the cost of k steps when k is small against n.
func pickSome(n, k int, use func(int)) {
	if k*8 > n {
		for _, i := range rand.Perm(n)[:k] {
			use(i)
		}
		return
	}
	seen := make(map[int]bool, k)
	for len(seen) < k {
		if i := rand.IntN(n); !seen[i] {
			seen[i] = true
			use(i)
		}
	}
}

// serviceTTL finds the TTL configured for a service: its exact name, else the
// longest prefix (reference/dns.md §7).
func (c *Config) serviceTTL(name string) uint32 {
	if ttl, ok := c.ServiceTTL[name]; ok {
		return seconds(ttl)
	}
	longest, ttl := -1, uint32(0)
	for key, d := range c.ServiceTTL {
		prefix, isPrefix := strings.CutSuffix(key, "*")
		if isPrefix && len(prefix) > longest && strings.HasPrefix(name, prefix) {
			longest, ttl = len(prefix), seconds(d)
		}
	}
	return ttl
}
