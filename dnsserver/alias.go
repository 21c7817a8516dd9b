package dnsserver

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/ops"
)

// An address may be a name, of others or one of ours. What it stands for is then
// looked up. A name of ours may lead back to the instance whose address it is.
// That instance gets the address of its node, since a CNAME would lead resolvers in
// circles.

const (
	// maxDepth bounds lookups of names that stand for addresses of other names.
	maxDepth = 3
	// maxResolved is how many records of a resolved name are kept when the request
	// has no EDNS (reference/dns.md §8.3).
	maxResolved = 5
	// mostFollowed bounds the names that one question makes us follow, mostWalked
	// those in search of a way back from one name.
	mostFollowed = 256
	mostWalked   = 16
)

// alias is an instance's address that is a name.
type alias struct {
	name    string // with a final dot
	of      holder
	instead dns.RR // its node's address, for names that lead back; nil if that is none
	itself  bool   // the name is another one of the service itself: through the mesh
}

// holder is what has an address: an instance, or a node, whose service is "".
type holder struct{ datacenter, node, service string }

func nodeHolder(n *catalog.Node) holder { return holder{datacenter: n.Datacenter, node: n.Node} }

func instanceHolder(i *catalog.InstanceHealth) holder {
	return holder{i.Node.Datacenter, i.Node.Node, i.Service.ID}
}

// ownName parses an address that is a name below a served domain.
func (s *Server) ownName(address string) (target, bool) {
	if _, err := netip.ParseAddr(address); err == nil || address == "" {
		return target{}, false
	}
	name := dns.Fqdn(address)
	if s.suffix(name) == 0 {
		return target{}, false
	}
	return s.parseName(name, dns.TypeSRV) // which has all forms
}

// namesItself reports whether an address is a name under which its own instance is
// found, in whatever form: with a tag, a datacenter, RFC 2782.
func (s *Server) namesItself(inst *catalog.InstanceHealth, address string) bool {
	t, ok := s.ownName(address)
	if !ok || t.kind != serviceKind || !t.isOf(inst) {
		return false
	}
	_, tag := t.service()
	port, beside := t.port()
	return hasTag(inst, tag) || port != "" && hasPort(inst, port, beside)
}

// isOf reports whether t names inst's service, where it is.
func (t *target) isOf(inst *catalog.InstanceHealth) bool {
	service, _ := t.service()
	here := t.datacenter == "" || strings.EqualFold(t.datacenter, inst.Node.Datacenter)
	return here && t.peer == "" && strings.EqualFold(service, inst.Service.Service)
}

// aliasOf makes the alias of an instance whose address is a name.
func (a *answering) aliasOf(inst *catalog.InstanceHealth, name string, key setKey, ttl uint32) *alias {
	made := &alias{name: dns.Fqdn(name), of: instanceHolder(inst)}
	if node := nodeAddress(inst.Node, key.family, a.crosses(key)).value; node != "" {
		made.instead = addressRecord("", node, ttl)
	}
	t, ok := a.ownName(name)
	made.itself = ok && (t.kind == connectKind || t.kind == virtualKind || t.kind == ingressKind) && t.isOf(inst)
	return made
}

// follow resolves the name that stands where an address was expected. It reports
// false if the name leads only to its own holder.
func (a *answering) follow(ctx context.Context, alias *alias, ttl uint32) ([]dns.RR, bool) {
	if a.leadsBack(ctx, alias.of, alias.name) {
		return nil, false
	}
	records := a.resolveWithTTL(ctx, alias.name, ttl)
	return records, len(records) > 0 || !alias.itself
}

// leadsBack reports whether an address that is a name of ours leads back to its
// holder, through any number of other names. Each name is looked up once.
func (a *answering) leadsBack(ctx context.Context, from holder, name string) bool {
	names, asked := []string{canonical(name)}, map[string]bool{}
	for len(names) > 0 && len(asked) < mostWalked {
		name, names = names[0], names[1:]
		if asked[name] || a.suffix(name) == 0 || !a.mayFollow() {
			continue
		}
		asked[name] = true
		holders, further := a.holders(ctx, name)
		if slices.Contains(holders, from) {
			return true
		}
		names = append(names, further...)
	}
	return false
}

// mayFollow counts a name that the question makes us look up, and reports whether
// the limit allows it.
func (a *answering) mayFollow() bool {
	a.source.unknown = true
	*a.followed++
	return *a.followed <= mostFollowed
}

// holders finds what a name stands for that has a name as its address. There are
// none if any of them has an IP address: then that is the whole answer.
func (a *answering) holders(ctx context.Context, name string) (holders []holder, names []string) {
	nested := a.nested(name)
	t, ok := a.parseName(name, dns.TypeANY)
	if !ok {
		return nil, nil
	}
	if t.kind == nodeKind {
		node, err := nested.findNode(ctx, t)
		if err != nil || node == nil || net.ParseIP(node.Address) != nil {
			return nil, nil
		}
		return []holder{nodeHolder(node)}, []string{canonical(node.Address)}
	}
	instances, key := nested.instances(ctx, t)
	for _, inst := range instances {
		address := a.instanceAddress(inst, key).value
		if net.ParseIP(address) != nil {
			return nil, nil
		}
		if address != "" {
			holders, names = append(holders, instanceHolder(inst)), append(names, canonical(address))
		}
	}
	return holders, names
}

// instances finds those that a name of a service or query stands for.
func (a *answering) instances(ctx context.Context, t target) ([]*catalog.InstanceHealth, setKey) {
	switch t.kind {
	case serviceKind, connectKind:
		name, tag := t.service()
		if rep, err := ask(ctx, a, ops.HealthService, a.healthRequest(name, tag, t)); err == nil {
			key := a.setKey(name, tag, t)
			return filterHealthy(key.choose(rep.Instances), a.OnlyPassing), key
		}
	case queryKind:
		if rep, err := a.executeNamed(ctx, t); err == nil {
			t.datacenter = rep.Datacenter
			return rep.Instances, a.setKey(rep.Service, "", t)
		}
	}
	return nil, setKey{}
}

// nested is a question that this one leads to.
func (a *answering) nested(name string) *answering {
	q := dns.Question{Name: name, Qtype: dns.TypeANY, Qclass: dns.ClassINET}
	n := &answering{
		Server: a.Server, Config: a.Config, source: &source{}, req: a.req, q: q, from: a.from, tcp: true,
		depth: a.depth + 1, followed: a.followed,
	}
	n.begin()
	return n
}

// resolveWithTTL resolves a name that stands where an address was expected.
func (a *answering) resolveWithTTL(ctx context.Context, name string, ttl uint32) []dns.RR {
	var kept []dns.RR
	for _, rr := range a.resolve(ctx, name) {
		switch rr.Header().Rrtype {
		case dns.TypeCNAME, dns.TypeA, dns.TypeAAAA:
			rr = dns.Copy(rr)
			rr.Header().Ttl = ttl
			kept = append(kept, rr)
		}
		if a.req.IsEdns0() == nil && len(kept) == maxResolved {
			break
		}
	}
	return kept
}

// resolve gives the records of a name that stands where an address was
// expected: from the catalog if it is ours, else from a recursor.
func (a *answering) resolve(ctx context.Context, name string) []dns.RR {
	if !a.mayFollow() {
		return nil
	}
	if a.suffix(name) > 0 {
		return a.resolveOwn(ctx, name)
	}
	question := new(dns.Msg)
	question.SetQuestion(name, dns.TypeA)
	client := &dns.Client{Net: "udp", Timeout: a.RecursorTimeout, UDPSize: udpReadBytes}
	for _, addr := range a.recursors() {
		reply, _, err := client.ExchangeContext(ctx, question, addr)
		if err == nil {
			return reply.Answer
		}
		a.logger.Debug("recursor failed", "recursor", addr, "name", name, "error", err)
	}
	return nil
}

func (a *answering) resolveOwn(ctx context.Context, name string) []dns.RR {
	if a.depth == maxDepth {
		a.logger.Debug("name leads too far", "name", a.q.Name, "at", name)
		return nil
	}
	nested := a.nested(strings.ToLower(name))
	nested.dispatch(ctx, nested.q.Name)
	return nested.reply.Answer
}
