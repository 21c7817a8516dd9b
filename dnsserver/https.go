package dnsserver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"

	"github.com/miekg/dns"
)

const (
	// HTTPSPath is where DNS over HTTPS is served (RFC 8484 §4.1).
	HTTPSPath = "/dns-query"

	messageType = "application/dns-message"
)

// ServeHTTP answers DNS over HTTPS (RFC 8484), as over TCP.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, status, why := readHTTPQuery(w, r)
	if status != http.StatusOK {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, POST")
		}
		http.Error(w, why, status)
		return
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		from = netip.AddrPort{} // a Unix socket's
	}
	reply := s.Answer(r.Context(), nil, query, from, true)
	if len(reply) == 0 {
		http.Error(w, "the message is no DNS question", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", messageType)
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", freshness(reply)))
	_, _ = w.Write(reply) // a client that has left is not an error
}

// readHTTPQuery returns the message that a request carries, or the status that refuses it
// and why.
func readHTTPQuery(w http.ResponseWriter, r *http.Request) (query []byte, status int, why string) {
	var err error
	switch r.Method {
	case http.MethodGet:
		if query, err = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns")); err != nil || len(query) == 0 {
			return nil, http.StatusBadRequest, "the parameter dns must hold a DNS message in base64url without padding (RFC 8484 §4.1)"
		}
	case http.MethodPost:
		if given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || given != messageType {
			return nil, http.StatusUnsupportedMediaType, "the body must be " + messageType
		}
		var long *http.MaxBytesError
		query, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		switch {
		case errors.As(err, &long):
			return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("a DNS message has at most %d bytes", maxMessage)
		case err != nil:
			return nil, http.StatusBadRequest, fmt.Sprintf("the body cannot be read: %v", err)
		}
	default:
		return nil, http.StatusMethodNotAllowed, "ask with GET or POST (RFC 8484 §4.1)"
	}
	return query, http.StatusOK, ""
}

// freshness is for how many seconds a reply may be kept: the least TTL of its
// answers, else what its SOA record says of names that do not exist (RFC 8484
// §5.1, RFC 2308 §5).
func freshness(reply []byte) uint32 {
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		return 0
	}
	least, known := uint32(0), false
	for _, rr := range m.Answer {
		if ttl := rr.Header().Ttl; !known || ttl < least {
			least, known = ttl, true
		}
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok && len(m.Answer) == 0 {
			least = min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return least
}
