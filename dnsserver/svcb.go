package dnsserver

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"praetor/catalog"
)

// Keys of service metadata that SVCB and HTTPS records are made of.
const (
	metaProtocol = "protocol"      // what is spoken there, several separated by commas
	metaPriority = "svcb-priority" // 1 to 65535, lower ones first; default 1
)

// alpn translates what people call protocols into the names of the ALPN registry;
// what is not here is such a name itself.
var alpn = map[string]string{"http": "http/1.1", "https": "http/1.1", "http2": "h2", "grpc": "h2"}

// overTLS are the protocols that a client expects behind https:// names: an HTTPS
// record makes it use TLS (RFC 9460 §9.5).
var overTLS = []string{"https", "h2", "h3"}

// isBinding reports whether a question is for service bindings.
func isBinding(qtype uint16) bool { return qtype == dns.TypeSVCB || qtype == dns.TypeHTTPS }

// withoutPrefix leaves out the labels _PORT and _SCHEME that a question may have before the
// name (RFC 9460 §2.3).
func withoutPrefix(parts []string) []string {
	if n := len(parts); n > 2 && strings.HasPrefix(parts[0], "_") && strings.HasPrefix(parts[1], "_") {
		return parts[2:]
	} else if n > 1 && strings.HasPrefix(parts[0], "_") && !strings.HasPrefix(parts[1], "_") {
		return parts[1:]
	}
	return parts
}

// binding is what an SVCB record says of an instance besides its SRV record's
// target and port.
type binding struct {
	priority uint16
	values   []dns.SVCBKeyValue // in the order of their keys
}

// bindingOf makes an instance's binding for a type of question, false if it
// has none.
func bindingOf(qtype uint16, inst *catalog.InstanceHealth, port uint16, ip net.IP) (binding, bool) {
	var ids []string
	for name := range strings.SplitSeq(inst.Service.Meta[metaProtocol], ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || len(name) > 255 || qtype == dns.TypeHTTPS && !slices.Contains(overTLS, name) {
			continue
		}
		if id, known := alpn[name]; known {
			name = id
		}
		if !slices.Contains(ids, name) {
			ids = append(ids, name)
		}
	}
	if len(ids) == 0 {
		return binding{}, false
	}
	b := binding{priority: 1, values: []dns.SVCBKeyValue{&dns.SVCBAlpn{Alpn: ids}}}
	if p, err := strconv.ParseUint(inst.Service.Meta[metaPriority], 10, 16); err == nil && p > 0 {
		b.priority = uint16(p)
	}
	if qtype == dns.TypeHTTPS && !slices.Contains(ids, "http/1.1") {
		b.values = append(b.values, &dns.SVCBNoDefaultAlpn{})
	}
	if port != 0 {
		b.values = append(b.values, &dns.SVCBPort{Port: port})
	}
	if v4 := ip.To4(); v4 != nil {
		b.values = append(b.values, &dns.SVCBIPv4Hint{Hint: []net.IP{v4}})
	} else if ip != nil {
		b.values = append(b.values, &dns.SVCBIPv6Hint{Hint: []net.IP{ip}})
	}
	return b, true
}

// asRecord makes the record of a service's instance for a type of question.
func (s *srv) asRecord(owner string, qtype uint16) dns.RR {
	if !isBinding(qtype) {
		rr := s.record
		rr.Hdr.Name = owner
		return &rr
	}
	rr := dns.SVCB{Hdr: s.record.Hdr, Priority: s.binding.priority, Target: s.record.Target, Value: s.binding.values}
	rr.Hdr.Name, rr.Hdr.Rrtype = owner, qtype
	if qtype == dns.TypeHTTPS {
		return &dns.HTTPS{SVCB: rr}
	}
	return &rr
}
