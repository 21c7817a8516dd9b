package dnsserver

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
)

const arpa = "arpa."

// answer makes the reply to req, which holds exactly one question
// (reference/dns.md §1), and notes in b what it made it of.
func (s *Server) answer(ctx context.Context, req *dns.Msg, from netip.AddrPort, tcp bool, b *source) *answering {
	q := req.Question[0]
	a := &answering{Server: s, Config: s.config.Load(), source: b, req: req, q: q, from: from, tcp: tcp}
	a.followed = &a.count
	switch {
	case s.suffix(q.Name) > 0 && !(q.Qtype == dns.TypeDS && len(a.Recursors) > 0):
		a.begin()
		a.domainName(ctx)
		a.markStale()
		a.trim()
	case hasSuffixFold(q.Name, arpa):
		a.begin()
		a.reverse(ctx)
	case len(a.Recursors) > 0:
		a.recurse(ctx)
	default:
		a.begin()
		a.reply.Authoritative, a.reply.RecursionAvailable = false, false
		a.reply.Rcode, a.reply.Extra = dns.RcodeRefused, nil
	}
	return a
}

// answering is one question on its way to a reply.
type answering struct {
	*Server
	*Config
	source *source
	req    *dns.Msg
	q      dns.Question
	from   netip.AddrPort
	tcp    bool
	reply  *dns.Msg
	depth  int // nested lookups of names that are addresses
	// followed counts the names that were looked up since they are addresses, nested
	// ones included; it is the outermost question's count.
	followed *int
	count    int

	inOrder bool // answers come in the order they were found, not shuffled
	cut     bool // answers were left out for the client's sake
	// ownerAsAsked: records are owned by the question's name in its spelling.
	ownerAsAsked bool
	allExtra     []dns.RR // additional records before trim dropped some
}

// begin makes an empty authoritative reply.
func (a *answering) begin() {
	m := new(dns.Msg)
	m.SetReply(a.req)
	m.CheckingDisabled = false
	m.Authoritative = true
	m.RecursionAvailable = len(a.Recursors) > 0
	m.RecursionDesired = a.req.RecursionDesired && a.req.Opcode == dns.OpcodeQuery
	m.Compress = !a.DisableCompression
	a.reply = m
	a.echoEDNS()
}

// echoEDNS gives a request's OPT record back with its size and client subnet
// (reference/dns.md §10).
func (a *answering) echoEDNS() {
	opt := a.req.IsEdns0()
	if opt == nil {
		return
	}
	a.reply.SetEdns0(opt.UDPSize(), false)
	for _, o := range opt.Option {
		if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
			echo := *subnet
			echo.SourceScope = 0
			mine := a.reply.IsEdns0()
			mine.Option = append(mine.Option, &echo)
		}
	}
}

// markStale tells a client that understands it that servers were not heard for a
// while (RFC 8914 §4.4).
func (a *answering) markStale() {
	if !a.source.stale {
		return
	}
	a.measured.stale.Incr()
	if opt := a.reply.IsEdns0(); opt != nil {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer})
	}
}

// domainName answers a name below one of the served domains.
func (a *answering) domainName(ctx context.Context) {
	switch a.q.Qtype {
	case dns.TypeSOA:
		a.add(&a.reply.Answer, a.soa())
		a.nameservers(ctx, &a.reply.Ns)
		return
	case dns.TypeNS:
		a.nameservers(ctx, &a.reply.Answer)
		return
	case dns.TypeAXFR:
		a.reply.Rcode = dns.RcodeNotImplemented
		return
	}
	a.dispatch(ctx, a.q.Name)
}

// dispatch looks a name up and fills the reply.
func (a *answering) dispatch(ctx context.Context, name string) {
	t, ok := a.parseName(name, a.q.Qtype)
	if !ok {
		a.nxdomain()
		return
	}
	switch t.kind {
	case serviceKind, connectKind:
		a.service(ctx, t)
	case nodeKind:
		a.node(ctx, t)
	case addrKind:
		a.hexAddress(t)
	case queryKind:
		a.query(ctx, t)
	case virtualKind:
		a.virtual(ctx, t)
	default:
		// Ingress gateways: none exist.
		a.nxdomain()
	}
}

func (a *answering) nxdomain() {
	a.reply.Rcode = dns.RcodeNameError
	a.add(&a.reply.Ns, a.soa())
}

// noData says that the name exists, but has no such record.
func (a *answering) noData() { a.add(&a.reply.Ns, a.soa()) }

func (a *answering) fail(err error) {
	switch code := rcode(err); code {
	case dns.RcodeNameError:
		a.nxdomain()
	default:
		a.source.unknown = true
		a.logger.Warn("DNS lookup failed", "name", a.q.Name, "error", err)
		a.reply.Rcode = code
	}
}

func (a *answering) add(section *[]dns.RR, rrs ...dns.RR) { *section = append(*section, rrs...) }
