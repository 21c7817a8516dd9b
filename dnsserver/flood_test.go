package dnsserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"praetor/dnsserver"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func packedQuestion(t *testing.T, bytes int) []byte {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion("nowhere.service.consul.", dns.TypeA)
	q.SetEdns0(4096, false)
	packed, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if bytes > 0 {
		q.IsEdns0().Option = append(q.IsEdns0().Option, &dns.EDNS0_PADDING{Padding: make([]byte, bytes-len(packed)-4)})
		if packed, err = q.Pack(); err != nil {
			t.Fatal(err)
		}
	}
	return packed
}

// A question of twice the length that any has is a format error, and the next one on
// the connection is answered.
func TestQuestionsThatAreTooLongAreFormatErrors(t *testing.T) {
	address := running(t, &fakeCatalog{})
	for _, network := range []string{"tcp", "udp"} {
		conn, err := dns.DialTimeout(network, address, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		for _, tt := range []struct{ bytes, rcode int }{
			{2 * dnsserver.MaxQuestion, dns.RcodeFormatError}, {60000, dns.RcodeFormatError}, {dnsserver.MaxQuestion, dns.RcodeNameError}, {0, dns.RcodeNameError},
		} {
			if _, err := conn.Write(packedQuestion(t, tt.bytes)); err != nil {
				t.Fatal(err)
			}
			got, err := conn.ReadMsg()
			if err != nil || got.Rcode != tt.rcode {
				t.Errorf("%s, %d bytes: %v, %v, want rcode %d", network, tt.bytes, got, err, tt.rcode)
			}
		}
	}
}

// One client opens twice as many connections as it may have, and stops each in the
// middle of the longest question.
func TestMemoryOfConnectionsOfOneClientIsBounded(t *testing.T) {
	address := running(t, &fakeCatalog{})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	long := packedQuestion(t, 60000)
	half := append(binary.BigEndian.AppendUint16(nil, uint16(len(long))), long[:len(long)-1]...)
	before := heap()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	conns := make([]net.Conn, dnsserver.MostConnsPerClient)
	for i := range conns {
		conns[i] = dial()
	}
	for range 10 { // they are closed at once
		conn := dial()
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("one too many is let in: %v", err)
		}
	}
	for _, conn := range conns {
		_, _ = conn.Write(half) // on a slow machine its time is over
	}
	grown := heap() - before
	const most = 64 << 20
	t.Logf("half questions of %d connections: %.1f MB held, at most %d MB may be", len(conns), float64(grown)/(1<<20), most>>20)
	if grown > most {
		t.Errorf("half questions hold %d bytes, at most %d may be held", grown, most)
	}
}

// slowCatalog answers nothing until it is released, and counts those who wait.
type slowCatalog struct {
	waiting, most atomic.Int64
	release       chan struct{}
}

func (c *slowCatalog) Do(ctx context.Context, _ *rpc.Desc, _ rpc.Message) (rpc.Message, error) {
	now := c.waiting.Add(1)
	defer c.waiting.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	select {
	case <-c.release:
	case <-ctx.Done():
	}
	return &ops.HealthServiceReply{}, nil
}

// Of the questions that wait for slow servers a socket holds a number; what comes beyond
// is dropped, as resolvers ask again, and once servers answer so does it.
func TestQuestionsThatWaitAreBounded(t *testing.T) {
	slow := &slowCatalog{release: make(chan struct{})}
	address := running(t, slow)
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func(i int) {
		q := new(dns.Msg)
		q.SetQuestion(fmt.Sprintf("s%d.service.consul.", i), dns.TypeA)
		packed, err := q.Pack()
		if err == nil {
			_, err = conn.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// One client has one of the sockets that share a port. Its buffer is short: what comes
	// faster than it is read is lost.
	asked := 0
	waitUntil(t, "as many wait as may", func() bool {
		for range 64 {
			ask(asked)
			asked++
		}
		return slow.waiting.Load() == dnsserver.MostPending
	})
	for i := range 100 {
		ask(-1 - i)
	}
	if most := slow.most.Load(); most != dnsserver.MostPending {
		t.Errorf("%d questions waited at once, at most %d may", most, dnsserver.MostPending)
	}
	close(slow.release)
	waitUntil(t, "nobody waits", func() bool { return slow.waiting.Load() == 0 })
	c := &dns.Client{Timeout: 5 * time.Second}
	q := new(dns.Msg)
	q.SetQuestion("again.service.consul.", dns.TypeA)
	if reply, _, err := c.Exchange(q, address); err != nil || reply.Rcode != dns.RcodeNameError {
		t.Errorf("afterwards: %v %v", reply, err)
	}
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(10 * time.Second); !done(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not after 10 s: %s", what)
		}
	}
}
