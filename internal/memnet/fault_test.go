package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"
	"praetor/internal/memnet"
)

// TestFaultsAreTheNetworksOwn: code that tells errors of package net apart does so here.
func TestFaultsAreTheNetworksOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		here := n.Host(a)
		n.Host(b)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone, leave := context.WithCancel(t.Context())
		leave()
		dial := func(ctx context.Context, address string) error {
			conn, err := here.Dial(ctx, address)
			if err == nil {
				conn.Close()
			}
			return err
		}
		for name, c := range map[string]struct {
			err     error
			is      error
			timeout bool
			text    string
		}{
			"nobody there":   {dial(t.Context(), b+":80"), syscall.ECONNREFUSED, false, "dial tcp 10.0.0.2:80: connect: connection refused"},
			"no such host":   {dial(t.Context(), "10.7.7.7:80"), syscall.ECONNREFUSED, false, "dial tcp 10.7.7.7:80: connect: connection refused"},
			"a name":         {dial(t.Context(), "web:80"), nil, false, "dial tcp: lookup web: no such host"},
			"no port":        {dial(t.Context(), b), nil, false, "dial tcp: address 10.0.0.2: missing port in address"},
			"a port too far": {dial(t.Context(), b+":70000"), nil, false, `dial tcp: address "70000": invalid port`},
			"who has gone":   {dial(gone, b+":80"), context.Canceled, false, "dial tcp 10.0.0.2:80: operation was canceled"},
			"a port below 0": {second(here.Listen(-1)), syscall.EINVAL, false, "listen tcp 10.0.0.1:65535: invalid argument"},
		} {
			if c.err == nil || c.err.Error() != c.text || c.is != nil && !errors.Is(c.err, c.is) {
				t.Errorf("%s: %v, want %s", name, c.err, c.text)
			}
			var asNet net.Error
			if !errors.As(c.err, &asNet) || asNet.Timeout() != c.timeout {
				t.Errorf("%s: a timeout: %v", name, c.err)
			}
		}
		n.Cut(a, b)
		err := dial(short, b+":80")
		var asNet net.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &asNet) || !asNet.Timeout() || err.Error() != "dial tcp 10.0.0.2:80: i/o timeout" {
			t.Errorf("a cable that is cut: %v", err)
		}
		began := time.Now()
		if err := dial(t.Context(), b+":80"); !errors.Is(err, syscall.ETIMEDOUT) || time.Since(began) != 127*time.Second {
			t.Errorf("the same, for ever: %v after %s", err, time.Since(began))
		}
		n.Crash(a)
		wantErr(t, "a host that crashed dials", dial(t.Context(), b+":80"), syscall.ENETDOWN)
		wantErr(t, "a host that crashed listens", second(here.Listen(80)), syscall.ENETDOWN)
	})
}

func second[A any](_ A, err error) error { return err }

func TestClosedThingsSaySo(t *testing.T) {
	n := memnet.New()
	l, err := n.Host(a).Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	if port := l.Addr().(*net.TCPAddr).Port; port != 32768 || n.Host(a).IP() != a {
		t.Errorf("a free port is %d at %s", port, n.Host(a).IP())
	}
	waiting, err := n.Host(b).Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	wantErr(t, "who was not accepted reads", second(waiting.Read(make([]byte, 1))), syscall.ECONNRESET)
	wantErr(t, "closing twice", l.Close(), net.ErrClosed)
	wantErr(t, "accepting of what is closed", second(l.Accept()), net.ErrClosed)
	wantErr(t, "dialing what is closed", second(n.Host(b).Dial(t.Context(), l.Addr().String())), syscall.ECONNREFUSED)

	d, s := pair(t, n)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"reading": second(d.Read(make([]byte, 1))), "writing": second(d.Write([]byte("x"))), "closing again": d.Close(),
		"half closing": d.(interface{ CloseWrite() error }).CloseWrite(), "a deadline": d.SetDeadline(time.Time{}),
		"a deadline to read": d.SetReadDeadline(time.Time{}), "a deadline to write": d.SetWriteDeadline(time.Time{}),
	} {
		wantErr(t, what+" after the end", err, net.ErrClosed)
	}
	wantErr(t, "reading what is over", second(s.Read(make([]byte, 1))), io.EOF)
}

// TestADeadlineIsOfItsDirection: one to read holds up no write, and one that is taken back is none.
func TestADeadlineIsOfItsDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		wantErr(t, "a read", second(s.Read(make([]byte, 1))), os.ErrDeadlineExceeded)
		if time.Since(began) != time.Second {
			t.Errorf("it ended after %s", time.Since(began))
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Errorf("a write behind a deadline to read: %v", err)
		}
		if err := s.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, func() { _, _ = d.Write([]byte("late")) })
		got := make([]byte, 4)
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "late" {
			t.Errorf("%q, %v", got, err)
		}
		if err := s.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "a read whose time is over", second(s.Read(got)), os.ErrDeadlineExceeded)
	})
}

func TestGossipIsBoundLikeASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		g, err := n.Host(a).Gossip(8301)
		if err != nil {
			t.Fatal(err)
		}
		aware := g.(memberlist.NodeAwareTransport)
		for _, c := range []struct {
			ip   string
			port int
			want string
		}{{"", 0, "10.0.0.1:8301"}, {"", 9, "10.0.0.1:9"}, {"1.2.3.4", 0, "1.2.3.4:8301"}, {"::ffff:1.2.3.4", 7, "1.2.3.4:7"}} {
			ip, port, err := g.FinalAdvertiseAddr(c.ip, c.port)
			addr, _ := netip.AddrFromSlice(ip)
			if got := netip.AddrPortFrom(addr, uint16(port)).String(); err != nil || got != c.want {
				t.Errorf("of %q %d: %s, %v, want %s", c.ip, c.port, got, err, c.want)
			}
		}
		if _, _, err := g.FinalAdvertiseAddr("web", 0); err == nil {
			t.Error("a name is an address")
		}
		wantErr(t, "a second one at a port", second(n.Host(a).Gossip(8301)), syscall.EADDRINUSE)
		other, err := n.Host(b).Gossip(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := aware.WriteToAddress([]byte("hi"), memberlist.Address{Addr: b + ":32768", Name: "b"}); err != nil {
			t.Error(err)
		}
		if p := <-other.PacketCh(); string(p.Buf) != "hi" {
			t.Errorf("it carried %q", p.Buf)
		}
		if _, err := g.WriteTo([]byte("hi"), "web:1"); err == nil || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("to a name: %v", err)
		}
		if err := errors.Join(g.Shutdown(), g.Shutdown(), other.Shutdown()); err != nil {
			t.Error(err)
		}
		wantErr(t, "sending after the end", second(g.WriteTo([]byte("hi"), b+":32768")), net.ErrClosed)
		again, err := n.Host(a).Gossip(8301)
		if err != nil {
			t.Fatalf("its port is not free: %v", err)
		}
		defer again.Shutdown()
		if _, err := again.WriteTo([]byte("hi"), b+":32768"); err != nil || n.Dropped() != 1 {
			t.Errorf("to one that ended: %v, %d dropped", err, n.Dropped())
		}
	})
}
