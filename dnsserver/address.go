package dnsserver

import (
	"encoding/hex"
	"net"
	"strings"

	"github.com/miekg/dns"

	"praetor/catalog"
)

// family says which addresses a question wants (reference/dns.md §6.1).
type family int

const (
	ipv4      family = iota // A
	ipv6                    // AAAA
	anyFamily               // everything else: IPv6 first
)

func familyOf(qtype uint16) family {
	switch qtype {
	case dns.TypeA:
		return ipv4
	case dns.TypeAAAA:
		return ipv6
	}
	return anyFamily
}

// picked is the address chosen for an instance or node.
type picked struct {
	value string // IP or name; "" if there is none
	port  int    // of a service address; 0 if the tag has none
	plain bool   // the entry's own address, not one of its tagged ones
}

// pick chooses among a plain address and tagged ones. get returns the tagged
// address of a tag.
func pick(f family, wan bool, plain string, get func(tag string) (string, int)) picked {
	v4, v4port := get("lan_ipv4")
	v6, v6port := get("lan_ipv6")
	base, basePort, isPlain := plain, 0, true
	if wan {
		replace := func(tag string, value *string, port *int) bool {
			if v, p := get(tag); v != "" {
				*value, *port = v, p
				return true
			}
			return false
		}
		isPlain = !replace("wan", &base, &basePort)
		replace("wan_ipv4", &v4, &v4port)
		replace("wan_ipv6", &v6, &v6port)
	}
	order := []picked{{v6, v6port, v6 == plain}, {v4, v4port, v4 == plain}}
	switch f {
	case ipv4:
		order = order[1:]
	case ipv6:
		order = order[:1]
	}
	for _, p := range order {
		if p.value != "" {
			return p
		}
	}
	return picked{base, basePort, isPlain}
}

func nodeAddress(n *catalog.Node, f family, wan bool) picked {
	return pick(f, wan, n.Address, func(tag string) (string, int) { return n.TaggedAddresses[tag], 0 })
}

func serviceAddress(s *catalog.Service, f family, wan bool) picked {
	return pick(f, wan, s.Address, func(tag string) (string, int) {
		t := s.TaggedAddresses[tag]
		return t.Address, t.Port
	})
}

// addressRecord makes an A or AAAA record, or nil if address is not an IP.
func addressRecord(owner, address string, ttl uint32) dns.RR {
	ip := net.ParseIP(address)
	if ip == nil {
		return nil
	}
	if v4 := ip.To4(); v4 != nil {
		return &dns.A{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: v4}
	}
	return &dns.AAAA{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: ttl}, AAAA: ip}
}

// wants reports whether a record of an address suits a question's type.
func wants(qtype uint16, rr dns.RR) bool {
	switch qtype {
	case dns.TypeA, dns.TypeAAAA:
		return rr.Header().Rrtype == qtype
	case dns.TypeANY, dns.TypeNS, dns.TypeTXT, dns.TypeSRV:
		return true
	}
	return false
}

// hexName is the label of an address below addr.
func hexName(ip net.IP) string {
	if v4 := ip.To4(); v4 != nil {
		return hex.EncodeToString(v4)
	}
	return hex.EncodeToString(ip)
}

// hexAddress answers HEX.addr (reference/dns.md §6.4).
func (a *answering) hexAddress(t target) {
	if len(t.parts) != 1 {
		a.nxdomain()
		return
	}
	raw, err := hex.DecodeString(t.parts[0])
	if err != nil || len(raw) != net.IPv4len && len(raw) != net.IPv6len {
		a.nxdomain()
		return
	}
	owner := strings.ToLower(a.q.Name[:len(a.q.Name)-len(t.domain)]) + t.domain
	rr := rawAddressRecord(owner, raw, seconds(a.NodeTTL))
	if a.q.Qtype == dns.TypeANY || a.q.Qtype == rr.Header().Rrtype {
		a.add(&a.reply.Answer, rr)
	} else {
		a.add(&a.reply.Extra, rr)
	}
}

func rawAddressRecord(owner string, raw []byte, ttl uint32) dns.RR {
	if len(raw) == net.IPv4len {
		return &dns.A{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: raw}
	}
	return &dns.AAAA{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: ttl}, AAAA: raw}
}
