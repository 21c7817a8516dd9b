package dnsserver_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
	"praetor/internal/rpc"
)

// running serves f on a free port and returns its address.
func running(t *testing.T, f rpc.Caller) string { return runningAt(t, f, "127.0.0.1") }

// runningAt serves f on a free port of ip and returns the port's address.
func runningAt(t *testing.T, f rpc.Caller, ip string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s, err := dnsserver.Open(dnsserver.Options{Addresses: []string{addr}, Datacenter: "dc1", Config: defaults(), Caller: f})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // waited for below
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return addr
}

// TestHeaderThatPromisesAQuestionIsAFormatError sends twelve bytes that count
// one question and hold none: the library hands them on as they are.
func TestHeaderThatPromisesAQuestionIsAFormatError(t *testing.T) {
	addr := running(t, &fakeCatalog{services: map[string][]*catalog.InstanceHealth{"web": many(1)}})
	for _, network := range []string{"udp", "tcp"} {
		conn, err := dns.DialTimeout(network, addr, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write([]byte{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		got, err := conn.ReadMsg()
		if err != nil || got.Rcode != dns.RcodeFormatError || got.Id != 0x1234 {
			t.Errorf("%s: %v, %v; want FORMERR", network, got, err)
		}
	}
}

// TestReplyComesFromTheAddressThatWasAsked binds all addresses of the machine: a
// client drops a reply from another address than the one it asked.
func TestReplyComesFromTheAddressThatWasAsked(t *testing.T) {
	for _, wildcard := range []string{"0.0.0.0", "::"} {
		f := web(3)
		f.live = always
		if l, err := net.Listen("tcp", net.JoinHostPort(wildcard, "0")); err != nil {
			t.Skipf("this machine has no addresses of the family of %s: %v", wildcard, err)
		} else {
			l.Close()
		}
		_, port, err := net.SplitHostPort(runningAt(t, f, wildcard))
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range []string{"127.0.0.1", "127.0.0.2", "127.1.2.3"} {
			addr := net.JoinHostPort(asked, port)
			mine, err := net.ListenPacket("udp", net.JoinHostPort(asked, "0"))
			if err != nil {
				continue // only Linux routes all of 127/8 to itself
			}
			mine.Close()
			q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
			for range 3 {
				if got, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(q, addr); err != nil || len(got.Answer) != 3 {
					t.Errorf("%s of %s: %v, %v", asked, wildcard, got, err)
				}
			}
		}
	}
}

// TestManyClientsAreAnswered has each ask from a port of its own, so that the kernel
// spreads them over the sockets.
func TestManyClientsAreAnswered(t *testing.T) {
	f := web(3)
	f.live = always
	addr := running(t, f)
	for range 64 {
		q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
		if got, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(q, addr); err != nil || len(got.Answer) != 3 {
			t.Fatalf("%v, %v", got, err)
		}
	}
}

// TestHostileMessagesGetTheRightCodeOrSilence sends over both networks what no client
// should.
func TestHostileMessagesGetTheRightCodeOrSilence(t *testing.T) {
	f := web(3)
	f.live = always
	addr := running(t, f)
	question := func(change func(*dns.Msg)) []byte {
		t.Helper()
		q := new(dns.Msg).SetQuestion("web.service.consul.", dns.TypeA)
		q.Id = 0x1234
		change(q)
		packed, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	const silence = -1
	for _, row := range []struct {
		name  string
		query []byte
		rcode int
	}{
		{"a reply", question(func(q *dns.Msg) { q.Response = true }), silence},
		{"half a header", []byte{0x12, 0x34, 0, 0, 0}, silence},
		{"an update", question(func(q *dns.Msg) { q.Opcode = dns.OpcodeUpdate }), dns.RcodeNotImplemented},
		{"opcode 15", question(func(q *dns.Msg) { q.Opcode = 15 }), dns.RcodeNotImplemented},
		{"a notification", question(func(q *dns.Msg) { q.Opcode = dns.OpcodeNotify }), dns.RcodeSuccess},
		{"two questions", question(func(q *dns.Msg) { q.Question = append(q.Question, q.Question[0]) }), dns.RcodeFormatError},
		{"no question", question(func(q *dns.Msg) { q.Question = nil }), dns.RcodeFormatError},
		{"a name that points at itself", []byte{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1}, dns.RcodeFormatError},
		{"a name that ends nowhere", []byte{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 'a', 'b'}, dns.RcodeFormatError},
		{"a name of 300 bytes", append([]byte{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, append(bytes.Repeat([]byte{1, 'a'}, 150), 0, 0, 1, 0, 1)...), dns.RcodeFormatError},
		{"class CHAOS", question(func(q *dns.Msg) { q.Question[0].Qclass = dns.ClassCHAOS }), dns.RcodeSuccess},
		{"a zone transfer", question(func(q *dns.Msg) { q.Question[0].Qtype = dns.TypeAXFR }), dns.RcodeNotImplemented},
		{"type 65535", question(func(q *dns.Msg) { q.Question[0].Qtype = 65535 }), dns.RcodeSuccess},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(row.name+" over "+network, func(t *testing.T) {
				conn, err := dns.DialTimeout(network, addr, time.Second)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(5 * time.Second))
				// What comes after it must be answered, in any case.
				for _, query := range [][]byte{row.query, question(func(q *dns.Msg) { q.Id = 0x4321 })} {
					if _, err := conn.Write(query); err != nil {
						t.Fatal(err)
					}
				}
				codes := map[uint16]int{0x1234: silence}
				for {
					got, err := conn.ReadMsg()
					if err != nil {
						t.Fatal(err)
					}
					if codes[got.Id] = got.Rcode; got.Id == 0x4321 {
						break
					}
				}
				if network == "tcp" && codes[0x1234] != row.rcode {
					t.Errorf("got codes %v, want %d", codes, row.rcode)
				}
				if network == "udp" && row.rcode != silence && codes[0x1234] == silence {
					got, err := conn.ReadMsg() // datagrams may overtake each other
					if err != nil || got.Id != 0x1234 || got.Rcode != row.rcode {
						t.Errorf("got %v, %v; want code %d", got, err, row.rcode)
					}
				}
			})
		}
	}
}

// TestAQuestionThatPanicsFailsAlone: a question has a goroutine of its own, and a panic there
// ended the agent.
func TestAQuestionThatPanicsFailsAlone(t *testing.T) {
	broken := &fakeCatalog{services: map[string][]*catalog.InstanceHealth{
		"web": {nil}, "db": {instance("n", "10.0.0.1", "db", 1, nil)},
	}}
	s := newServer(broken, defaults())
	if reply := ask(s, "web.service.consul.", dns.TypeA, nil, false); reply.Rcode != dns.RcodeServerFailure || len(reply.Answer) != 0 {
		t.Errorf("got %v", reply)
	}
	if reply := ask(s, "db.service.consul.", dns.TypeA, nil, false); len(reply.Answer) != 1 {
		t.Errorf("afterwards: %v", reply)
	}
}
