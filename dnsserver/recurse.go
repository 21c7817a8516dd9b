package dnsserver

import (
	"context"
	"math/rand/v2"
	"strings"

	"github.com/miekg/dns"
)

// maxDepth bounds lookups of names that stand for addresses of other names.
const maxDepth = 3

// recurse asks the recursors, each in turn, what is not ours (reference/dns.md §8.2).
func (a *answering) recurse(ctx context.Context) {
	a.basis.unknown = true
	network := "udp"
	if a.tcp {
		network = "tcp"
	}
	client := &dns.Client{Net: network, Timeout: a.RecursorTimeout, UDPSize: udpReadBytes}
	for _, addr := range a.recursors() {
		reply, _, err := client.ExchangeContext(ctx, a.req, addr)
		if err == nil && (reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError) {
			reply.Compress = !a.DisableCompression
			a.reply = reply
			return
		}
		a.logger.Debug("recursor failed", "recursor", addr, "name", a.q.Name, "error", err)
	}
	a.begin()
	a.reply.Authoritative = false
	a.reply.Rcode = dns.RcodeServerFailure
}

func (a *answering) recursors() []string {
	if !a.RandomRecursor {
		return a.Recursors
	}
	list := append([]string(nil), a.Recursors...)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// resolve gives the records of a name that stands where an address was
// expected: from the catalog if it is ours, else from a recursor.
func (a *answering) resolve(ctx context.Context, name string) []dns.RR {
	a.basis.unknown = true
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
		a.logger.Error("name leads to itself or too far", "name", a.q.Name, "at", name)
		return nil
	}
	q := dns.Question{Name: strings.ToLower(name), Qtype: dns.TypeANY, Qclass: dns.ClassINET}
	nested := &answering{Server: a.Server, Config: a.Config, basis: &basis{}, req: a.req, q: q, tcp: true, depth: a.depth + 1}
	nested.begin()
	nested.dispatch(ctx, q.Name)
	return nested.reply.Answer
}
