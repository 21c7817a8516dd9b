package dnsserver

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// kind is what a name asks about (reference/dns.md §2).
type kind int

const (
	noKind kind = iota
	serviceKind
	connectKind
	virtualKind
	ingressKind
	nodeKind
	queryKind
	addrKind
)

var keywords = map[string]kind{
	"service": serviceKind, "connect": connectKind, "virtual": virtualKind, "ingress": ingressKind,
	"node": nodeKind, "query": queryKind, "addr": addrKind,
}

// target is a parsed name below the domain.
type target struct {
	kind       kind
	parts      []string // labels left of the keyword, lower case
	datacenter string   // "" = local
	peer       string
	// domain is the suffix of the question that matched, spelled as asked.
	domain string
}

// parseName reads a question name that ends in one of the served domains. ok
// is false for forms that do not exist: NXDOMAIN.
func (s *Server) parseName(name string, qtype uint16) (t target, ok bool) {
	suffix := s.suffix(name)
	t.domain = name[len(name)-suffix:]
	labels := dns.SplitDomainName(strings.ToLower(name[:len(name)-suffix]))
	at := -1
	for i := len(labels) - 1; i >= 0; i-- {
		if k, known := keywords[labels[i]]; known {
			t.kind, at, t.parts = k, i, labels[:i]
			break
		}
		if qtype == dns.TypeSRV && strings.HasPrefix(labels[i], "_") {
			t.kind, at, t.parts = serviceKind, i, labels[:i+1]
			break
		}
	}
	if at < 0 || len(t.parts) == 0 {
		return t, false
	}
	return t, t.locate(labels[at+1:])
}

// suffix returns the length of the served domain that name ends in: the longer
// one if both do.
func (s *Server) suffix(name string) int {
	n := 0
	for _, d := range []string{s.domain, s.altDomain} {
		if d != "" && len(d) > n && hasSuffixFold(name, d) {
			n = len(d)
		}
	}
	return n
}

// hasSuffixFold reports whether name is domain or lies below it, in any case.
func hasSuffixFold(name, domain string) bool {
	if len(name) < len(domain) || !strings.EqualFold(name[len(name)-len(domain):], domain) {
		return false
	}
	return len(name) == len(domain) || domain == "." || name[len(name)-len(domain)-1] == '.'
}

// locate reads the labels between keyword and domain (reference/dns.md §2.1).
func (t *target) locate(labels []string) bool {
	switch {
	case t.kind == addrKind || len(labels) == 0:
		return true
	case len(labels) == 1 && t.kind == virtualKind:
		t.peer = labels[0]
		return true
	case len(labels) == 1:
		t.datacenter = labels[0]
		return true
	case t.kind == queryKind || len(labels)%2 != 0 || len(labels) > 4:
		return false
	}
	for pair := range slices.Chunk(labels, 2) {
		switch pair[1] {
		case "dc":
			t.datacenter = pair[0]
		case "peer":
			t.peer = pair[0]
		default:
			return false
		}
	}
	return t.datacenter == "" || t.peer == ""
}

// service returns the service and the tag ("" = none) that t's parts name.
func (t *target) service() (name, tag string) {
	last := t.parts[len(t.parts)-1]
	if t.kind != serviceKind {
		return last, "" // only services have tags
	}
	if len(t.parts) == 2 && strings.HasPrefix(t.parts[0], "_") && strings.HasPrefix(last, "_") {
		name, tag = t.parts[0][1:], last[1:]
		if tag == "tcp" {
			tag = ""
		}
		return name, tag
	}
	return last, strings.Join(t.parts[:len(t.parts)-1], ".")
}

// port returns the port that t's parts may ask for by name, PORT.port.[TAG.]NAME, with the tag
// beside it. Whether it is that, or all of it a tag, depends on who has such a port.
func (t *target) port() (name, tag string) {
	last := len(t.parts) - 1
	for i := 1; i < last && t.kind != queryKind; i++ { // a query's name may have dots
		if t.parts[i] == "port" {
			return strings.Join(t.parts[:i], "."), strings.Join(t.parts[i+1:last], ".")
		}
	}
	return "", ""
}
