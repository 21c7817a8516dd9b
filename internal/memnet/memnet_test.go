package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"
	"praetor/internal/memnet"
)

const a, b = "10.0.0.1", "10.0.0.2"

// pair connects host b to a listener on host a.
func pair(t testing.TB, n *memnet.Network) (dialed, accepted net.Conn) {
	t.Helper()
	l, err := n.Host(a).Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	dialed, err = n.Host(b).Dial(t.Context(), a+":80")
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed, accepted
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func TestConnectionsCarryBytesBothWaysWithAddresses(t *testing.T) {
	d, s := pair(t, memnet.New())
	if got := d.RemoteAddr().String(); got != "10.0.0.1:80" {
		t.Errorf("remote address %s, want 10.0.0.1:80", got)
	}
	if got, want := s.RemoteAddr().String(), d.LocalAddr().String(); got != want {
		t.Errorf("accepted from %s, dialed from %s", got, want)
	}
	if _, ok := s.LocalAddr().(*net.TCPAddr); !ok {
		t.Errorf("local address is a %T, want *net.TCPAddr", s.LocalAddr())
	}
	for _, way := range [][2]net.Conn{{d, s}, {s, d}} {
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // 256 KiB, four times the buffer
		var wg sync.WaitGroup
		wg.Go(func() { way[0].Write(sent); way[0].(interface{ CloseWrite() error }).CloseWrite() })
		got, err := io.ReadAll(way[1])
		wg.Wait()
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, error %v; want the %d sent", len(got), err, len(sent))
		}
	}
}

func TestPeerReadsTheRestThenEOFAfterClose(t *testing.T) {
	d, s := pair(t, memnet.New())
	d.Write([]byte("bye"))
	d.Close()
	if got, err := io.ReadAll(s); string(got) != "bye" || err != nil {
		t.Errorf("read %q, %v; want bye and EOF", got, err)
	}
	_, err := s.Write([]byte("x"))
	wantErr(t, "write to a closed peer", err, syscall.EPIPE)
	_, err = d.Read(make([]byte, 1))
	wantErr(t, "read after own close", err, net.ErrClosed)
}

func TestDialToNobodyIsRefused(t *testing.T) {
	_, err := memnet.New().Host(a).Dial(t.Context(), "10.0.0.9:8301")
	wantErr(t, "dial", err, syscall.ECONNREFUSED)
	if want := "dial tcp 10.0.0.9:8301: connect: connection refused"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestSecondListenerOnAPortFails(t *testing.T) {
	h := memnet.New().Host(a)
	l, err := h.Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Listen(80)
	wantErr(t, "second listen", err, syscall.EADDRINUSE)
	_, err = h.Gossip(80)
	wantErr(t, "gossip on it", err, syscall.EADDRINUSE)
	l.Close()
	_, err = l.Accept()
	wantErr(t, "accept after close", err, net.ErrClosed)
	if _, err = h.Listen(80); err != nil {
		t.Errorf("listen after close: %v", err)
	}
}

func TestDeadlinesEndReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := pair(t, memnet.New())
		start := time.Now()
		d.SetDeadline(start.Add(time.Second))
		_, err := d.Read(make([]byte, 1))
		wantErr(t, "read", err, os.ErrDeadlineExceeded)
		n, err := d.Write(make([]byte, 1<<20))
		wantErr(t, "write", err, os.ErrDeadlineExceeded)
		if n != 0 || time.Since(start) != time.Second {
			t.Errorf("wrote %d after %v, want 0 after 1s", n, time.Since(start))
		}
		d.SetDeadline(time.Time{})
		n, _ = d.Write([]byte("x"))
		if n != 1 {
			t.Error("no write after the deadline was taken away")
		}
		go func() { time.Sleep(time.Minute); d.Close() }() // ends with the bubble
		_, err = d.Read(make([]byte, 1))
		wantErr(t, "read while closed", err, net.ErrClosed)
	})
}

func TestSlowReaderHoldsWriterAt64KiB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := pair(t, memnet.New())
		d.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := d.Write(make([]byte, 1<<20))
		wantErr(t, "write", err, os.ErrDeadlineExceeded)
		if n != 64<<10 {
			t.Errorf("buffered %d bytes, want 64 KiB", n)
		}
		if n, _ := io.ReadFull(s, make([]byte, n)); n != 64<<10 {
			t.Errorf("read %d bytes of 64 KiB", n)
		}
	})
}

func TestCutResetsConnectionsAndHoldsDialsUntilHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		n.Cut(b, a)
		_, err := d.Read(make([]byte, 1))
		wantErr(t, "read", err, syscall.ECONNRESET)
		_, err = s.Write(make([]byte, 1))
		wantErr(t, "write", err, syscall.ECONNRESET)

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err = n.Host(b).Dial(ctx, a+":80")
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 3*time.Second {
			t.Errorf("dial over a cut: %v after %v, want a timeout after 3s", err, time.Since(start))
		}
		_, err = n.Host(b).Dial(t.Context(), a+":80")
		wantErr(t, "dial without a deadline", err, syscall.ETIMEDOUT)

		go func() { time.Sleep(time.Second); n.Heal(a, b) }() // over before the dial below returns
		if _, err = n.Host(b).Dial(t.Context(), a+":80"); err != nil {
			t.Errorf("dial while healed: %v", err)
		}
	})
}

func TestFullBacklogHoldsDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l, _ := n.Host(a).Listen(80)
		for range 128 {
			if _, err := n.Host(b).Dial(t.Context(), a+":80"); err != nil {
				t.Fatal(err)
			}
		}
		go func() { time.Sleep(time.Second); l.Accept() }() // over before the dial below returns
		start := time.Now()
		if _, err := n.Host(b).Dial(t.Context(), a+":80"); err != nil || time.Since(start) != time.Second {
			t.Errorf("dial 129: %v after %v, want success after 1s", err, time.Since(start))
		}
	})
}

func TestCrashEndsEverythingOfAHostAndItsSuccessorWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		old := n.Host(a)
		g, _ := old.Gossip(8301)
		n.Crash(a)
		for name, c := range map[string]net.Conn{"survivor": d, "dead": s} {
			_, err := c.Read(make([]byte, 1))
			wantErr(t, name, err, syscall.ECONNRESET)
		}
		_, err := n.Host(b).Dial(t.Context(), a+":80")
		wantErr(t, "dial to the dead", err, syscall.ECONNREFUSED)
		_, err = old.Dial(t.Context(), b+":80")
		wantErr(t, "dial from the dead", err, syscall.ENETDOWN)
		_, err = g.WriteTo([]byte("x"), b+":8301")
		wantErr(t, "packet from the dead", err, net.ErrClosed)

		g2, err := n.Host(a).Gossip(8301)
		if err != nil {
			t.Fatalf("successor: %v", err)
		}
		g.Shutdown() // the dead one's cleanup must not take the successor's port
		g2.WriteTo([]byte("x"), a+":8301")
		if len(g2.PacketCh()) != 1 {
			t.Error("successor does not get packets")
		}
		g2.Shutdown()
	})
}

func TestGossipCarriesPacketsAndStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		g1, _ := n.Host(a).Gossip(8301)
		g2, _ := n.Host(b).Gossip(8301)
		defer g1.Shutdown()
		defer g2.Shutdown()
		buf := []byte("ping")
		g1.WriteTo(buf, b+":8301")
		buf[0] = 'x' // the packet must be a copy
		p := <-g2.PacketCh()
		if string(p.Buf) != "ping" || p.From.String() != a+":8301" {
			t.Errorf("got %q from %v", p.Buf, p.From)
		}
		c, err := g1.(memberlist.NodeAwareTransport).DialAddressTimeout(memberlist.Address{Addr: b + ":8301"}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("hi"))
		c.Close()
		if got, _ := io.ReadAll(<-g2.StreamCh()); string(got) != "hi" {
			t.Errorf("stream carried %q", got)
		}
	})
}

func TestPacketsAreDroppedAndCountedWhenFullOrCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		g1, _ := n.Host(a).Gossip(8301)
		g2, _ := n.Host(b).Gossip(8301)
		defer g1.Shutdown()
		defer g2.Shutdown()
		for range 515 {
			g1.WriteTo([]byte("x"), b+":8301")
		}
		n.Cut(a, b)
		g1.WriteTo([]byte("x"), b+":8301")
		g1.WriteTo([]byte("x"), "10.9.9.9:8301")
		if got := n.Dropped(); got != 3+1+1 {
			t.Errorf("dropped %d packets, want 5", got)
		}
		_, err := g1.WriteTo(make([]byte, 65508), b+":8301")
		wantErr(t, "oversized packet", err, syscall.EMSGSIZE)
	})
}

func TestIPv6HostsWork(t *testing.T) {
	n := memnet.New()
	l, _ := n.Host("fd00::1").Listen(80)
	c, err := n.Host("fd00::2").Dial(t.Context(), "[fd00::1]:80")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.RemoteAddr().String(); got != l.Addr().String() {
		t.Errorf("remote %s, want %s", got, l.Addr())
	}
}
