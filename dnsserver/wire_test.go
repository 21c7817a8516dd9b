package dnsserver_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/dnsserver"
)

// running serves f on a free port and returns its address.
func running(t *testing.T, f *fakeCatalog) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
