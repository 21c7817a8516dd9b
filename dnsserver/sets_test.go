package dnsserver_test

import (
	"fmt"
	"math/rand/v2"
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

func TestLetterCaseDoesNotMultiplyWhatIsKept(t *testing.T) {
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
	if sets, _, _ := s.Kept(); sets > 2 {
		t.Errorf("%d record sets for two questions in any letter case", sets)
	}
	if counted.lookups > 505 { // those for SRV, whose targets repeat the spelling
		t.Errorf("%d lookups for 500 questions for addresses and 500 for SRV", counted.lookups)
	}
}

// TestKeptReplyInAnyCaseIsThatToItsQuestion compares replies of a server that keeps
// none.
func TestKeptReplyInAnyCaseIsThatToItsQuestion(t *testing.T) {
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
	if _, bytes, _ := s.Kept(); bytes > 2*dnsserver.SetsBytes {
		t.Errorf("%d bytes of record sets, want at most %d in two generations", bytes, 2*dnsserver.SetsBytes)
	}
}

// TestRepliesOfTheCatalogThatAreKeptAreBoundedInBytes changes a service again and
// again, while other questions for it are asked each time.
func TestRepliesOfTheCatalogThatAreKeptAreBoundedInBytes(t *testing.T) {
	f := web(2000)
	s := newServer(f, defaults())
	for size := range uint16(300) {
		f.live = &rpc.Live{Age: always.Age} // another reply
		for range 3 {
			ask(s, "web.service.consul.", dns.TypeA, func(q *dns.Msg) { q.SetEdns0(1000+size, false) }, false)
		}
	}
	if _, _, bytes := s.Kept(); bytes > dnsserver.KeptBytes {
		t.Errorf("%d bytes kept in a generation, want at most %d", bytes, dnsserver.KeptBytes)
	}
}
