package dnsserver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
	"praetor/internal/rpc"
)

// shout spells a name with capitals at random, as resolvers do to be harder to
// deceive.
func shout(name string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' && rand.IntN(2) == 0 {
			return r - 'a' + 'A'
		}
		return r
	}, name)
}

func TestLetterCaseDoesNotMultiplyWhatIsCached(t *testing.T) {
	s, counted, _ := following(web(1000), defaults())
	for range 500 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeSRV} {
			name := shout("web.service.consul.")
			got := ask(s, name, qtype, func(q *dns.Msg) { q.SetEdns0(1232, false) }, false)
			if got.Question[0].Name != name || len(got.Answer) == 0 {
				t.Fatalf("asked for %s: %v", name, got)
			}
			for _, rr := range got.Answer {
				if rr.Header().Name != name {
					t.Fatalf("asked for %s: owner %s", name, rr.Header().Name)
				}
				if target, ok := rr.(*dns.SRV); ok && !strings.HasSuffix(target.Target, name[len("web.service"):]) {
					t.Fatalf("asked for %s: target %s", name, target.Target)
				}
			}
			for _, rr := range got.Extra {
				if h := rr.Header(); h.Rrtype == dns.TypeA && !strings.HasSuffix(h.Name, name[len("web.service"):]) {
					t.Fatalf("asked for %s: additional %s", name, h.Name)
				}
			}
		}
	}
	if sets, _, _, _ := s.Cached(); sets > 2 {
		t.Errorf("%d record sets for two questions in any letter case", sets)
	}
	if counted.lookups > 505 { // those for SRV, whose targets repeat the spelling
		t.Errorf("%d lookups for 500 questions for addresses and 500 for SRV", counted.lookups)
	}
}

// TestCachedReplyInAnyCaseIsThatToItsQuestion compares replies of a server that keeps
// none.
func TestCachedReplyInAnyCaseIsThatToItsQuestion(t *testing.T) {
	f := web(1)
	f.nodes = []*catalog.Node{{Node: "n0", Address: "10.0.0.1", Datacenter: "dc1", Meta: map[string]string{"a": "b"}}}
	f.services["named"] = []*catalog.InstanceHealth{instance("x", "db.example.com", "named", 1, nil)}
	keeps, _, _ := following(f, defaults())
	fresh := *f
	fresh.live = nil
	other := dnsserver.New(dnsserver.Options{Caller: &fresh, Datacenter: "dc1", Config: defaults()})
	for range 20 {
		for _, name := range []string{
			"web.service.consul.", "n0.node.consul.", "web.virtual.consul.", "0a0000ff.addr.consul.", "none.service.consul.", "consul.",
			"1.0.0.10.in-addr.arpa.", "named.service.consul.",
		} {
			name := shout(name)
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeANY, dns.TypeSRV} {
				got, want := ask(keeps, name, qtype, nil, true), ask(other, name, qtype, nil, true)
				if got.Question[0].Name != name || show(got.Answer) != show(want.Answer) || show(got.Extra) != show(want.Extra) || len(got.Ns) != len(want.Ns) {
					t.Fatalf("%s %s: got\n%v\nwant\n%v", name, dns.TypeToString[qtype], got, want)
				}
			}
		}
	}
}

func TestRecordSetsAreBoundedInBytes(t *testing.T) {
	f := web(0)
	s := newServer(f, defaults())
	list := many(1000)
	for i := range 200 {
		name := fmt.Sprintf("s%d", i)
		f.services[name] = append([]*catalog.InstanceHealth(nil), list...) // a reply of its own
		ask(s, name+".service.consul.", dns.TypeSRV, nil, false)
	}
	if n, bytes, _, _ := s.Cached(); bytes > dnsserver.SetsBytes || bytes < dnsserver.SetsBytes/2 || n == 200 {
		t.Errorf("%d record sets of %d bytes, want at most %d", n, bytes, dnsserver.SetsBytes)
	}
}

// TestSourcesOfCachedAnswersAreBoundedInBytes changes a service again and
// again, while other questions for it are asked each time.
func TestSourcesOfCachedAnswersAreBoundedInBytes(t *testing.T) {
	f := web(2000)
	s := newServer(f, defaults())
	for size := range uint16(300) {
		f.services["web"] = slices.Clone(f.services["web"]) // another reply
		f.live = &rpc.Live{Age: always.Age}
		for range 3 {
			ask(s, "web.service.consul.", dns.TypeA, func(q *dns.Msg) { q.SetEdns0(1000+size, false) }, false)
		}
	}
	if _, _, _, bytes := s.Cached(); bytes > dnsserver.SourceBytes || bytes < dnsserver.SourceBytes/2 {
		t.Errorf("cached answers hold replies of %d bytes, want at most %d", bytes, dnsserver.SourceBytes)
	}
}

// TestAnswersOfOneReplyHoldItOnce asks for one service in many ways.
func TestAnswersOfOneReplyHoldItOnce(t *testing.T) {
	f := web(1000)
	f.live = always
	s := newServer(f, defaults())
	var first int
	for size := range uint16(500) {
		for range 3 {
			ask(s, "web.service.consul.", dns.TypeA, func(q *dns.Msg) { q.SetEdns0(1000+size, false) }, false)
		}
		_, _, _, bytes := s.Cached()
		if size == 0 {
			first = bytes
		}
		if bytes != first || bytes == 0 {
			t.Fatalf("after %d questions their answers hold replies of %d bytes, want %d", size+1, bytes, first)
		}
	}
	if _, _, bytes, _ := s.Cached(); bytes > dnsserver.AnswerBytes {
		t.Errorf("answers of %d bytes, want at most %d", bytes, dnsserver.AnswerBytes)
	}
}
