package dnsserver

import (
	"github.com/miekg/dns"
)

// Limits of reference/dns.md §9.
const (
	plainUDPBytes   = 512
	maxUDPBytes     = 65467
	maxTCPBytes     = 65523
	udpSlackBytes   = 8
	maxPlainAnswers = 8
	maxTCPAnswers   = 4096
	maxTCPSRV       = 1024
)

// maxBytes is the largest reply the client can take.
func (a *answering) maxBytes() int {
	if a.tcp {
		return maxTCPBytes
	}
	if opt := a.req.IsEdns0(); opt != nil && opt.UDPSize() > plainUDPBytes {
		return min(int(opt.UDPSize()), maxUDPBytes)
	}
	return plainUDPBytes
}

// mostAnswers is how many answers can be of use: more are not even made.
func (a *answering) mostAnswers() int {
	switch {
	case a.tcp && a.q.Qtype == dns.TypeSRV:
		return maxTCPSRV
	case a.tcp:
		return maxTCPAnswers
	case a.maxBytes() == plainUDPBytes:
		return min(maxPlainAnswers, a.UDPAnswerLimit)
	}
	// The smallest answer over UDP takes 16 bytes: a pointer and an A record.
	return a.maxBytes() / 16
}

// trim cuts the reply to what the client can take.
func (a *answering) trim() {
	if a.reply.Rcode != dns.RcodeSuccess && len(a.reply.Answer) == 0 {
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
	if limit < plainUDPBytes {
		a.reply.Compress = false // plain UDP is measured without compression
	}
	a.cutBytes(limit)
	a.reply.Compress = compress
	if a.cut {
		a.rebuildExtra()
		a.reply.Truncated = a.EnableTruncate
	}
}

func (a *answering) cutCount() {
	most := a.mostAnswers()
	if !a.tcp && a.maxBytes() != plainUDPBytes {
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
