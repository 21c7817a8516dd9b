package dnsserver

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"praetor/internal/ops"
)

// reverse answers names below arpa with the node, or else the service, that has
// the address, whatever type was asked for (reference/dns.md §8.1).
func (a *answering) reverse(ctx context.Context) {
	name, err := a.nameOf(ctx, a.q.Name)
	switch {
	case err != nil:
		a.fail(err)
		return
	case name != "":
		a.add(&a.reply.Answer, &dns.PTR{
			Hdr: dns.RR_Header{Name: a.q.Name, Rrtype: dns.TypePTR, Class: dns.ClassINET}, Ptr: name + "." + a.domain,
		})
		if a.q.Qtype == dns.TypeSOA {
			a.noData() // SOA beside an answer
		}
	case len(a.Recursors) > 0:
		a.recurse(ctx)
	default:
		a.nxdomain()
		if a.q.Qtype == dns.TypeSOA {
			a.noData()
		}
	}
}

// nameOf finds what has the address that a name below arpa stands for, "" if
// nothing has.
func (a *answering) nameOf(ctx context.Context, arpaName string) (string, error) {
	ip, ok := reverseIP(arpaName)
	if !ok {
		return "", nil
	}
	rep, err := ask(ctx, a, ops.CatalogAddress, &ops.CatalogAddressRequest{ReadOptions: a.read(""), Address: ip.String()})
	switch {
	case err != nil:
		return "", err
	case rep.Node != nil:
		return rep.Node.Node + ".node." + a.opts.Datacenter, nil
	case rep.Service != nil:
		return rep.Service.Service + ".service." + a.opts.Datacenter, nil
	}
	return "", nil
}

// reverseIP reads the address in a complete name below in-addr.arpa or ip6.arpa.
func reverseIP(name string) (netip.Addr, bool) {
	name = strings.ToLower(name)
	labels := dns.SplitDomainName(name)
	slices.Reverse(labels)
	text := ""
	switch {
	case len(labels) == 6 && labels[1] == "in-addr":
		text = strings.Join(labels[2:], ".")
	case len(labels) == 34 && labels[1] == "ip6":
		for group := range slices.Chunk(labels[2:], 4) {
			text += ":" + strings.Join(group, "")
		}
		text = text[1:]
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ip, false
	}
	// Only the one way to write it counts: labels of several digits do not.
	again, err := dns.ReverseAddr(ip.String())
	return ip, err == nil && again == name
}
