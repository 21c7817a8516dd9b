package dnsserver_test

import (
	"context"
	"testing"

	"github.com/miekg/dns"
)

// TestFaultsOfEDNSGetTheirCode sends what RFC 6891 and RFC 7871 forbid.
func TestFaultsOfEDNSGetTheirCode(t *testing.T) {
	f := web(3)
	f.live = always
	s := newServer(f, defaults())
	opt := func(change func(*dns.OPT)) *dns.OPT {
		o := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		o.SetUDPSize(1232)
		if change != nil {
			change(o)
		}
		return o
	}
	subnet := func(data ...byte) *dns.OPT {
		return opt(func(o *dns.OPT) { o.Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: data}} })
	}
	extra := func(rrs ...dns.RR) func(*dns.Msg) { return func(q *dns.Msg) { q.Extra = rrs } }
	for _, row := range []struct {
		name   string
		change func(*dns.Msg)
		rcode  int
	}{
		{"one OPT record", extra(opt(nil)), dns.RcodeSuccess},
		{"version 1", extra(opt(func(o *dns.OPT) { o.SetVersion(1) })), dns.RcodeBadVers},
		{"version 255", extra(opt(func(o *dns.OPT) { o.SetVersion(255) })), dns.RcodeBadVers},
		{"two OPT records", extra(opt(nil), opt(nil)), dns.RcodeFormatError},
		{"two OPT records, one of another version", extra(opt(nil), opt(func(o *dns.OPT) { o.SetVersion(1) })), dns.RcodeFormatError},
		{"OPT among the answers", func(q *dns.Msg) { q.Answer = []dns.RR{opt(nil)} }, dns.RcodeFormatError},
		{"OPT in the authority section", func(q *dns.Msg) { q.Ns = []dns.RR{opt(nil)} }, dns.RcodeFormatError},
		{"OPT of another name", extra(opt(func(o *dns.OPT) { o.Hdr.Name = "consul." })), dns.RcodeFormatError},
		{"a subnet", extra(subnet(0, 1, 24, 0, 192, 0, 2)), dns.RcodeSuccess},
		{"a subnet of half a header", extra(subnet(0, 1)), dns.RcodeFormatError},
		{"a subnet of family 9", extra(subnet(0, 9, 24, 0, 192, 0, 2)), dns.RcodeFormatError},
		{"a subnet of 33 bits", extra(subnet(0, 1, 33, 0, 192, 0, 2, 1)), dns.RcodeFormatError},
		{"NOTIFY", func(q *dns.Msg) { q.Opcode = dns.OpcodeNotify }, dns.RcodeSuccess},
		{"UPDATE", func(q *dns.Msg) { q.Opcode = dns.OpcodeUpdate }, dns.RcodeNotImplemented},
		{"STATUS of another version", func(q *dns.Msg) {
			q.Opcode, q.Extra = dns.OpcodeStatus, []dns.RR{opt(func(o *dns.OPT) { o.SetVersion(1) })}
		}, dns.RcodeNotImplemented},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
			row.change(q)
			query, err := q.Pack()
			if err != nil {
				t.Fatal(err)
			}
			for _, tcp := range []bool{false, true} {
				got := new(dns.Msg)
				if err := got.Unpack(s.Answer(context.Background(), nil, query, client, tcp)); err != nil {
					t.Fatal(err)
				}
				if got.Rcode != row.rcode || got.Id != q.Id {
					t.Errorf("TCP %v: %s, want %s", tcp, dns.RcodeToString[got.Rcode], dns.RcodeToString[row.rcode])
				}
				if o := got.IsEdns0(); row.rcode == dns.RcodeBadVers && (o == nil || o.Version() != 0 || len(got.Answer) > 0) {
					t.Errorf("TCP %v: BADVERS must name version 0, and answer nothing: %v", tcp, got)
				}
			}
		})
	}
}
