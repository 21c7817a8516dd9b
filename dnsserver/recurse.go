package dnsserver

import (
	"context"
	"math/rand/v2"

	"github.com/miekg/dns"
)

// recurse asks the recursors, each in turn, what is not ours (reference/dns.md §8.2).
func (a *answering) recurse(ctx context.Context) {
	a.source.unknown = true
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
