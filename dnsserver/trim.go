package dnsserver

import (
	"github.com/miekg/dns"
)

// Limits of reference/dns.md §9.
const (
	plainUDPBytes   = 512
	maxTCPBytes     = 65523
	udpSlackBytes   = 8
	maxPlainAnswers = 8
	maxTCPAnswers   = 4096
	maxTCPSRV       = 1024
)

const (
	// DefaultUDPMaxBytes is the ceiling of replies over UDP unless Config says
	// otherwise: the largest that Consul's clients are known to count on.
	DefaultUDPMaxBytes = 8192
	// MaxUDPBytes is the highest ceiling: what one datagram can carry.
	MaxUDPBytes = 65467
	// shortUDPBytes is what is sent of a reply that does not fit under the ceiling.
	// Its client asks again over TCP, so more would be wasted: one packet of
	// any network that carries IPv6.
	shortUDPBytes = 1232
)

// announced is how many bytes the client takes over UDP (RFC 6891 §6.2.3).
func (a *answering) announced() int {
	if opt := a.req.IsEdns0(); opt != nil {
		return max(int(opt.UDPSize()), plainUDPBytes)
	}
	return plainUDPBytes
}

// overAnnounced reports whether the client takes more than the ceiling allows.
// It could have had what the ceiling cuts off: TC sends it to TCP.
func (a *answering) overAnnounced() bool { return !a.tcp && a.announced() > a.UDPMaxBytes }

// maxBytes is the largest reply for the client.
func (a *answering) maxBytes() int {
	if a.tcp {
		return maxTCPBytes
	}
	return min(a.announced(), a.UDPMaxBytes)
}

// isPlain reports whether the reply goes to a client that takes 512 bytes.
func (a *answering) isPlain() bool { return !a.tcp && a.maxBytes() == plainUDPBytes }

// mostAnswers is how many answers can be of use. No more are made.
func (a *answering) mostAnswers() int {
	switch {
	case a.tcp && a.q.Qtype == dns.TypeSRV:
		return maxTCPSRV
	case a.tcp:
		return maxTCPAnswers
	case a.isPlain():
		return min(maxPlainAnswers, a.UDPAnswerLimit)
	}
	// The smallest answer over UDP takes 16 bytes: a pointer and an A record.
	return a.maxBytes() / 16
}

// trim cuts the answers to what the client can take, as Consul does. What is still
// too long then, fit cuts (fit.go).
func (a *answering) trim() {
	if len(a.reply.Answer) == 0 && !a.cut {
		return
	}
	a.cutCount()
	if a.tcp {
		// Over TCP a cut by count alone does not count as trimmed.
		a.cut = false
	}
	limit := a.maxBytes()
	if !a.tcp {
		limit -= udpSlackBytes
	}
	compress := a.reply.Compress
	if a.isPlain() {
		a.reply.Compress = false // plain UDP is measured without compression
	}
	a.cutBytes(limit)
	if a.cut && a.overAnnounced() {
		a.cutBytes(min(limit, shortUDPBytes-udpSlackBytes))
	}
	a.reply.Compress = compress
	if a.cut {
		a.rebuildExtra()
		a.reply.Truncated = a.EnableTruncate || a.overAnnounced()
	}
}

func (a *answering) cutCount() {
	most := a.mostAnswers()
	if !a.tcp && !a.isPlain() {
		return
	}
	if len(a.reply.Answer) > most {
		a.reply.Answer, a.cut = a.reply.Answer[:most], true
	}
}

// cutBytes drops the authority section and then answers until the reply fits,
// always keeping one answer.
func (a *answering) cutBytes(limit int) {
	answers := a.reply.Answer
	if len(answers) <= 1 || a.reply.Len() <= limit {
		return
	}
	a.reply.Ns, a.cut = nil, true
	a.rebuildExtra()
	low, high := 1, len(answers) // low answers fit, or are all that is left
	for low < high {
		mid := (low + high + 1) / 2
		a.reply.Answer = answers[:mid]
		a.rebuildExtra()
		if a.reply.Len() <= limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	a.reply.Answer = answers[:low]
}

// rebuildExtra keeps, of all additional records, only the first address of each
// SRV target.
func (a *answering) rebuildExtra() {
	if a.allExtra == nil {
		a.allExtra = a.reply.Extra
	}
	first := make(map[string]dns.RR, len(a.allExtra))
	for _, rr := range a.allExtra {
		if _, ok := first[rr.Header().Name]; !ok && rr.Header().Rrtype != dns.TypeOPT && rr.Header().Rrtype != dns.TypeTXT {
			first[rr.Header().Name] = rr
		}
	}
	a.reply.Extra = nil
	for _, rr := range a.reply.Answer {
		s, ok := rr.(*dns.SRV)
		if !ok {
			continue
		}
		for name, hops := s.Target, 0; hops < maxResolved; hops++ {
			extra := first[name]
			if extra == nil {
				break
			}
			a.reply.Extra = append(a.reply.Extra, extra)
			alias, ok := extra.(*dns.CNAME)
			if !ok {
				break
			}
			name = alias.Target
		}
	}
}
