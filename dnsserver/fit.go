package dnsserver

import (
	"slices"

	"github.com/miekg/dns"
)

const (
	maxMessage     = 65535 // bytes of any DNS message
	minRecordBytes = 11    // of any record: the root's name, type, class, TTL and length
)

// packed packs the reply. Whatever it is made of, its bytes are no more than its
// client takes: over UDP 512, or what EDNS announced, and never more than the
// ceiling; over TCP 65,535.
func (a *answering) packed() ([]byte, error) {
	limit := maxMessage
	if !a.tcp {
		limit = a.maxBytes()
	}
	if packed, ok := a.packWithin(limit); ok {
		return packed, nil
	}
	if a.overAnnounced() {
		limit = min(limit, shortUDPBytes)
	}
	a.fit(limit)
	return a.reply.Pack()
}

// packWithin packs the reply, and reports whether it can be packed and fits.
func (a *answering) packWithin(limit int) ([]byte, bool) {
	m := a.reply
	if len(m.Answer)+len(m.Ns)+len(m.Extra) > limit/minRecordBytes {
		return nil, false // a header cannot even count more than 65,535
	}
	packed, err := m.Pack()
	return packed, err == nil && len(packed) <= limit
}

// fit leaves out what does not fit. Additional records go first, without a word,
// since no client may count on them (RFC 2181 §9); then the authority section, then
// answers. A reply that lacks what was asked for is marked as truncated.
func (a *answering) fit(limit int) {
	m := a.reply
	opt := m.IsEdns0()
	m.Answer, m.Ns, m.Extra = packable(m.Answer), packable(m.Ns), packable(m.Extra)
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	for _, section := range []*[]dns.RR{&m.Extra, &m.Ns, &m.Answer} {
		records := *section
		if a.longest(section, limit, opt) {
			m.Truncated = m.Truncated || len(*section) < len(records) && a.needed(section)
			break
		}
		m.Truncated = m.Truncated || len(records) > 0 && a.needed(section)
	}
	m.Extra = withOPT(m.Extra, opt)
}

// needed reports whether the reply says something else without the section: the
// answers, or what stands in their place.
func (a *answering) needed(section *[]dns.RR) bool {
	m := a.reply
	return section == &m.Answer || section == &m.Ns && len(m.Answer) == 0
}

// longest cuts a section to as many records as fit, and reports whether the reply
// fits then.
func (a *answering) longest(section *[]dns.RR, limit int, opt *dns.OPT) bool {
	m, records := a.reply, *section
	fits := func(n int) bool {
		*section = records[:n]
		bare := m.Extra
		m.Extra = withOPT(bare, opt)
		_, ok := a.packWithin(limit)
		m.Extra = bare
		return ok
	}
	if !fits(0) {
		return false
	}
	low, high := 0, min(len(records), limit/minRecordBytes) // low records fit
	for low < high {
		if mid := (low + high + 1) / 2; fits(mid) {
			low = mid
		} else {
			high = mid - 1
		}
	}
	*section = records[:low]
	return true
}

// withOPT puts an OPT record behind additional records, without changing theirs.
func withOPT(extra []dns.RR, opt *dns.OPT) []dns.RR {
	if opt == nil {
		return extra
	}
	return append(slices.Clip(extra), opt)
}

// packable leaves out records that cannot be written, such as those of nodes whose
// names have labels of more than 63 bytes, so that the others still can.
func packable(records []dns.RR) []dns.RR {
	var kept []dns.RR
	buf := make([]byte, maxMessage)
	for _, rr := range records {
		if _, err := dns.PackRR(rr, buf, 0, nil, false); err == nil {
			kept = append(kept, rr)
		}
	}
	return kept
}
