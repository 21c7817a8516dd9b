package dnsserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/fault"
)

const (
	headerBytes = 12
	maxName     = 255 // bytes (RFC 1035 §2.3.4)
	maxLabel    = 63
	optBytes    = 11 // of an OPT record before its options
	// maxQuestion has room for a name, EDNS and its padding many times over. What is
	// longer is a format error, of which no more than one byte too many is kept.
	maxQuestion = 4096

	flagResponse = 0x80 // in byte 2 of a header, as is the opcode in four bits
	flagRecurse  = 0x01 // in byte 2: recursion desired
	opcodeShift  = 3
	opcodeMask   = 0x0f
)

// Answer appends the reply to a message that came from a client. It appends
// nothing if the message deserves no reply. Lookups end with ctx.
func (s *Server) Answer(ctx context.Context, out, query []byte, from netip.AddrPort, tcp bool) []byte {
	if reply := s.cachedReply(ctx, out, query, tcp); reply != nil {
		return reply
	}
	return s.makeReply(ctx, out, query, from, tcp)
}

// cachedReply appends the reply to a question if that needs no lookup, nil if it does.
func (s *Server) cachedReply(ctx context.Context, out, query []byte, tcp bool) []byte {
	var buf [maxKey]byte
	key := questionKey(buf[:0], query, tcp)
	if key == nil {
		return nil
	}
	start := time.Now()
	answer, packed := s.answers.get(key, isLower(key, query), s.config.Load(), start)
	if answer == nil {
		return nil
	}
	if packed == nil {
		packed = s.reorder(ctx, key, query, tcp, answer)
	}
	at := len(out)
	out = append(out, packed...)
	copy(out[at:], query[:2])                                                     // the ID
	copy(out[at+headerBytes:], query[headerBytes:headerBytes+len(key)-keySuffix]) // the name as it is spelled
	out[at+2] = out[at+2]&^flagRecurse | query[2]&flagRecurse
	s.measured.answeredCached(key, start)
	return out
}

// reorder makes the reply to a question with a cached answer in another order. It makes no lookup,
// so nobody waits.
func (s *Server) reorder(ctx context.Context, key, query []byte, tcp bool, answer *cachedAnswer) []byte {
	req := new(dns.Msg)
	if reply, ok := readQuery(req, query); !ok {
		return reply
	}
	made := answer.source
	made.known = made.found
	return s.pack(key, query, s.answer(ctx, req, netip.AddrPort{}, tcp, &made))
}

// makeReply appends the reply to a message, made of lookups.
func (s *Server) makeReply(ctx context.Context, out, query []byte, from netip.AddrPort, tcp bool) (reply []byte) {
	var failed error
	defer func() {
		if failed != nil {
			reply = append(out, header(query, dns.RcodeServerFailure)...)
		}
	}()
	defer fault.Survive(&failed, "a DNS question", s.logger.Error)
	start := time.Now()
	req := new(dns.Msg)
	if reply, ok := readQuery(req, query); !ok {
		return append(out, reply...)
	}
	var buf [maxKey]byte
	packed := s.pack(questionKey(buf[:0], query, tcp), query, s.answer(ctx, req, from, tcp, &source{}))
	s.measured.answered(&req.Question[0], start)
	return append(out, packed...)
}

// pack packs a reply and caches it if it may be cached.
func (s *Server) pack(key, query []byte, a *answering) []byte {
	packed, err := a.packed()
	if err != nil {
		s.logger.Error("DNS reply cannot be written", "name", a.q.Name, "error", err)
		return header(query, dns.RcodeServerFailure)
	}
	if anyCase := a.isAnyCase(); key != nil && (anyCase || isLower(key, query)) {
		s.answers.put(key, a.Config, a.source, packed, len(a.reply.Answer), a.cut, anyCase)
	}
	return packed
}

// isLower reports whether a question's name is spelled as in its key.
func isLower(key, query []byte) bool {
	return bytes.Equal(key[:len(key)-keySuffix], query[headerBytes:headerBytes+len(key)-keySuffix])
}

// isAnyCase reports whether the packed reply to a name is that to the name in any
// letter case once the question is spelled so: other names in it are pointers.
func (a *answering) isAnyCase() bool {
	m := a.reply
	if !a.ownerAsAsked || !m.Compress || len(m.Ns) > 0 {
		return false
	}
	for _, section := range [][]dns.RR{m.Answer, m.Extra} {
		for _, rr := range section {
			switch h := rr.Header(); h.Rrtype {
			case dns.TypeA, dns.TypeAAAA, dns.TypeTXT:
				if h.Name != a.q.Name {
					return false
				}
			case dns.TypeOPT:
			default:
				return false
			}
		}
	}
	return true
}

// readQuery reads a message into req. If it holds no question to be answered, ok
// is false and reply says so, empty for silence (reference/dns.md §1).
func readQuery(req *dns.Msg, query []byte) (reply []byte, ok bool) {
	if len(query) < headerBytes || query[2]&flagResponse != 0 {
		return nil, false
	}
	switch opcode := int(query[2] >> opcodeShift & opcodeMask); {
	case opcode != dns.OpcodeQuery && opcode != dns.OpcodeNotify:
		return header(query, dns.RcodeNotImplemented), false
	case len(query) > maxQuestion, count(query, 4) != 1 || count(query, 6) > 1 || count(query, 8) > 1 || count(query, 10) > 2:
		return header(query, dns.RcodeFormatError), false
	}
	if err := req.Unpack(query); err != nil || len(req.Question) != 1 {
		return header(query, dns.RcodeFormatError), false
	}
	switch code := ednsFault(req); code {
	case dns.RcodeSuccess:
		return nil, true
	case dns.RcodeBadVers:
		return badVersion(req, query), false
	default:
		return header(query, byte(code)), false
	}
}

// ednsFault is the code for a message whose EDNS is at fault: there may be one OPT
// record, of the root, among the additional records (RFC 6891 §6.1.1), and we
// know version 0.
func ednsFault(req *dns.Msg) int {
	var opt *dns.OPT
	for i, section := range [][]dns.RR{req.Answer, req.Ns, req.Extra} {
		for _, rr := range section {
			o, ok := rr.(*dns.OPT)
			switch {
			case !ok:
				continue
			case i < 2 || opt != nil || o.Hdr.Name != ".":
				return dns.RcodeFormatError
			}
			opt = o
		}
	}
	if opt != nil && opt.Version() != 0 {
		return dns.RcodeBadVers
	}
	return dns.RcodeSuccess
}

// badVersion tells a client of another version of EDNS which one we know (RFC 6891
// §6.1.3).
func badVersion(req *dns.Msg, query []byte) []byte {
	m := new(dns.Msg).SetRcode(req, dns.RcodeBadVers)
	m.SetEdns0(req.IsEdns0().UDPSize(), false)
	packed, err := m.Pack()
	if err != nil {
		return header(query, dns.RcodeFormatError)
	}
	return packed
}

// count reads a number of a header.
func count(query []byte, at int) uint16 { return binary.BigEndian.Uint16(query[at:]) }

// header is a reply without anything but a code.
func header(query []byte, rcode byte) []byte {
	h := make([]byte, headerBytes)
	copy(h, query[:2])
	h[2] = flagResponse | query[2]&flagRecurse
	if rcode == dns.RcodeNotImplemented {
		h[2] |= query[2] & (opcodeMask << opcodeShift)
	}
	h[3] = rcode
	return h
}

// keySuffix is what follows the name in a key: type, class, and in four bytes who
// asks. maxKey is the longest key.
const (
	keySuffix = 4 + 4
	maxKey    = maxName + keySuffix
)

// arpaLabel ends names of addresses.
var arpaLabel = []byte("\x04arpa\x00")

// questionKey appends what the reply to a message depends on, nil if the message is not
// a plain question: one name, and at most an OPT record of version 0 that names
// no subnet. The name is in lower case.
func questionKey(key, query []byte, tcp bool) []byte {
	if len(query) < headerBytes || query[2]>>opcodeShift != dns.OpcodeQuery || count(query, 4) != 1 || count(query, 6) != 0 || count(query, 8) != 0 {
		return nil
	}
	end := nameEnd(query)
	if end < 0 || len(query) < end+4 {
		return nil
	}
	key = appendLower(key, query[headerBytes:end])
	key = append(key, query[end:end+4]...)
	key = append(key, 0, 0, 0, 0)
	who := key[len(key)-4:]
	if tcp {
		who[0] = 1
	}
	switch opt := query[end+4:]; {
	case count(query, 10) == 0 && len(opt) == 0:
		return key
	case count(query, 10) == 1 && isPlainOPT(opt):
		who[1] = 1
		copy(who[2:], opt[3:5]) // the size of reply that the client takes
		return key
	}
	return nil
}

// appendLower appends a packed name in lower case. The lengths of its labels are no
// letters: they are below 64.
func appendLower(key, name []byte) []byte {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		key = append(key, c)
	}
	return key
}

// nameEnd returns where the name of a question ends, -1 if it is compressed or none.
func nameEnd(query []byte) int {
	for at := headerBytes; at < len(query) && at-headerBytes < maxName; {
		length := int(query[at])
		switch {
		case length == 0:
			return at + 1
		case length > maxLabel:
			return -1
		}
		at += 1 + length
	}
	return -1
}

// isPlainOPT reports whether b is an OPT record whose options do not matter to a
// reply (RFC 6891 §6.1.2).
func isPlainOPT(b []byte) bool {
	if len(b) < optBytes || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != dns.TypeOPT || b[5] != 0 || b[6] != 0 {
		return false
	}
	options := b[optBytes:]
	if int(binary.BigEndian.Uint16(b[9:])) != len(options) {
		return false
	}
	for len(options) > 0 {
		if len(options) < 4 || binary.BigEndian.Uint16(options) == dns.EDNS0SUBNET {
			return false
		}
		length := int(binary.BigEndian.Uint16(options[2:]))
		if len(options) < 4+length {
			return false
		}
		options = options[4+length:]
	}
	return true
}
