package dnsserver_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
)

// raw asks and returns the reply's bytes too.
func raw(t *testing.T, s *dnsserver.Server, name string, qtype uint16, edns uint16, tcp bool) (*dns.Msg, int) {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, qtype)
	if edns > 0 {
		q.SetEdns0(edns, false)
	}
	query, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	packed := s.Answer(context.Background(), nil, query, client, tcp)
	got := new(dns.Msg)
	if err := got.Unpack(packed); err != nil {
		t.Fatalf("%s %s, EDNS %d: %d bytes: %v", name, dns.TypeToString[qtype], edns, len(packed), err)
	}
	return got, len(packed)
}

// heavy is a node with so many metadata values of so many bytes.
func heavy(name, address string, values, bytes int) *catalog.Node {
	n := &catalog.Node{Node: name, Address: address, Datacenter: "dc1", Meta: map[string]string{}}
	for i := range values {
		n.Meta[fmt.Sprintf("key%05d", i)] = strings.Repeat("x", bytes)
	}
	return n
}

// heavyCatalog has what makes long replies in each section.
func heavyCatalog() *fakeCatalog {
	long := instance("fat", "10.0.0.1", "fat", 80, nil)
	long.Node = heavy("fat", "10.0.0.1", 60, 500)
	var servers []*catalog.InstanceHealth
	for i := range 3 {
		servers = append(servers, instance(strings.Repeat(fmt.Sprint(i), 60), "10.0.0.1", "consul", 8300, nil))
	}
	named := instance("named", strings.Repeat("abcdefghij.", 20)+"consul", "named", 80, nil)
	return &fakeCatalog{
		services: map[string][]*catalog.InstanceHealth{"web": many(800), "fat": {long}, "consul": servers, "named": {named}},
		queries:  map[string][]*catalog.InstanceHealth{"many": many(800)},
		nodes:    []*catalog.Node{long.Node, heavy("one", "10.0.0.2", 1, 3000), heavy("huge", "10.0.0.3", 2000, 500), heavy("text", "10.0.0.4", 1, 100_000)},
		live:     always,
	}
}

func TestNoReplyOverUDPIsLongerThanItsClientOrTheCeilingAllows(t *testing.T) {
	for _, ceiling := range []int{0, 1232, 4096} {
		c := defaults()
		c.UDPMaxBytes = ceiling
		s := newServer(heavyCatalog(), c)
		if ceiling == 0 {
			ceiling = dnsserver.DefaultUDPMaxBytes
		}
		for _, name := range []string{
			"fat.node.consul.", "one.node.consul.", "huge.node.consul.", "text.node.consul.", "fat.service.consul.", "web.service.consul.",
			"many.query.consul.", "consul.", "named.service.consul.", "none.service.alt.test.", "1.0.0.10.in-addr.arpa.",
			"0a000001.addr." + strings.Repeat(strings.Repeat("y", 60)+".", 3) + "consul.",
		} {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeTXT, dns.TypeSRV, dns.TypeNS, dns.TypeSOA, dns.TypePTR} {
				for _, edns := range []uint16{0, 100, 512, 513, 600, 1232, 4096, 8192, 20000, 65535} {
					for range 3 { // kept replies too
						_, bytes := raw(t, s, name, qtype, edns, false)
						if limit := min(max(int(edns), 512), ceiling); bytes > limit {
							t.Fatalf("%s %s, EDNS %d, ceiling %d: %d bytes", name, dns.TypeToString[qtype], edns, ceiling, bytes)
						}
					}
				}
			}
		}
	}
}

func TestAdditionalRecordsGoBeforeAnswers(t *testing.T) {
	s := newServer(heavyCatalog(), defaults())
	for _, edns := range []uint16{0, 1232, 65535} {
		got, bytes := raw(t, s, "fat.node.consul.", dns.TypeA, edns, false)
		if show(got.Answer) != "fat.node.consul. 0 IN A 10.0.0.1" || got.Truncated {
			t.Errorf("EDNS %d: answer %q, truncated %v; want the address, whole", edns, show(got.Answer), got.Truncated)
		}
		if hasOPT := got.IsEdns0() != nil; hasOPT != (edns > 0) {
			t.Errorf("EDNS %d: OPT in the reply: %v", edns, hasOPT)
		}
		if edns == 1232 && (bytes < 1232-600 || len(got.Extra) != 3) {
			t.Errorf("%d bytes, %d additional records: not as many as fit", bytes, len(got.Extra))
		}
	}
}

func TestAnswerTooLongForAnyPartIsSentToTCP(t *testing.T) {
	s := newServer(heavyCatalog(), defaults())
	got, _ := raw(t, s, "one.node.consul.", dns.TypeTXT, 0, false)
	if len(got.Answer) != 0 || !got.Truncated {
		t.Errorf("%d answers, truncated %v; want none and TC, since an empty answer means that there is no such record", len(got.Answer), got.Truncated)
	}
	if got, _ := raw(t, s, "one.node.consul.", dns.TypeTXT, 0, true); len(got.Answer) != 1 || got.Truncated {
		t.Errorf("over TCP: %v", got)
	}
}

func TestReplyAboveTheCeilingIsShortAndSaysSo(t *testing.T) {
	s := newServer(heavyCatalog(), defaults()) // enable_truncate is off
	for _, name := range []string{"web.service.consul.", "many.query.consul."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeSRV} {
			got, bytes := raw(t, s, name, qtype, 65535, false)
			if bytes > 1232 || !got.Truncated || len(got.Answer) == 0 {
				t.Errorf("%s %s: %d bytes, %d answers, truncated %v", name, dns.TypeToString[qtype], bytes, len(got.Answer), got.Truncated)
			}
			if got, _ := raw(t, s, name, qtype, 0, true); len(got.Answer) != 800 || got.Truncated {
				t.Errorf("%s %s over TCP: %d answers", name, dns.TypeToString[qtype], len(got.Answer))
			}
		}
		// Who takes no more than the ceiling gets a part, as ever.
		if got, bytes := raw(t, s, name, dns.TypeSRV, 8192, false); got.Truncated || bytes < 8100 {
			t.Errorf("%s: EDNS 8192: %d bytes, truncated %v", name, bytes, got.Truncated)
		}
	}
}

func TestMessagesOverTCPAreAtMost65535Bytes(t *testing.T) {
	s := newServer(heavyCatalog(), defaults())
	for _, name := range []string{"huge.node.consul.", "text.node.consul.", "fat.node.consul.", "web.service.consul."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeANY, dns.TypeSRV} {
			if _, bytes := raw(t, s, name, qtype, 0, true); bytes > 65535 {
				t.Errorf("%s %s: %d bytes", name, dns.TypeToString[qtype], bytes)
			}
		}
	}
}

// TestAnswersAreAsManyAsFit tries all sizes from the smallest on: eight bytes stay
// free (reference/dns.md §9).
func TestAnswersAreAsManyAsFit(t *testing.T) {
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(200)}, live: always}, defaults())
	const slack, record = 8, 16 // of a pointer and an A record
	for size := uint16(513); size <= 1500; size++ {
		got, bytes := raw(t, s, "web.service.consul.", dns.TypeA, size, false)
		if bytes > int(size)-slack || bytes+record <= int(size)-slack {
			t.Fatalf("EDNS %d: %d bytes, %d answers; one more makes %d", size, bytes, len(got.Answer), bytes+record)
		}
		srv, bytes := raw(t, s, "web.service.consul.", dns.TypeSRV, size, false)
		if pair := 80; bytes > int(size)-slack || bytes+pair <= int(size)-slack || len(srv.Answer) != len(srv.Extra) {
			t.Fatalf("EDNS %d: %d bytes, %d SRV records, %d addresses", size, bytes, len(srv.Answer), len(srv.Extra))
		}
	}
	for size := uint16(513); size <= 520; size++ {
		if got, _ := raw(t, s, "web.service.consul.", dns.TypeA, size, false); len(got.Answer) != 29 {
			t.Errorf("EDNS %d: %d answers, want 29", size, len(got.Answer))
		}
	}
	if got, _ := raw(t, s, "web.service.consul.", dns.TypeA, 512, false); len(got.Answer) != 3 {
		t.Errorf("EDNS 512: %d answers, want 3", len(got.Answer))
	}
}

func TestOneNameThatCannotBeWrittenDoesNotSilenceTheOthers(t *testing.T) {
	list := append(many(2), instance(strings.Repeat("n", 70), "10.9.9.9", "web", 80, nil))
	s := newServer(&fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": list}}, defaults())
	if got := ask(s, "web.service.consul.", dns.TypeSRV, nil, true); got.Rcode != dns.RcodeSuccess || len(got.Answer) != 2 {
		t.Errorf("got %v", got)
	}
}

// TestRelayedRepliesFitToo has a recursor that does not care what its client takes.
func TestRelayedRepliesFitToo(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	upstream := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Compress = true
		for i := range 1000 {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(10, 0, byte(i>>8), byte(i))})
		}
		if opt := q.IsEdns0(); opt != nil {
			m.SetEdns0(1232, false)
		}
		w.WriteMsg(m)
	})}
	go func() { defer close(ended); upstream.ActivateAndServe() }() // waited for below
	<-ready
	t.Cleanup(func() { upstream.Shutdown(); <-ended })
	c := defaults()
	c.Recursors = []string{conn.LocalAddr().String()}
	s := newServer(&fakeCatalog{}, c)
	got, bytes := raw(t, s, "example.com.", dns.TypeA, 65535, false)
	if bytes > 1232 || !got.Truncated || len(got.Answer) == 0 || got.IsEdns0() == nil {
		t.Errorf("%d bytes, %d answers, truncated %v", bytes, len(got.Answer), got.Truncated)
	}
}
