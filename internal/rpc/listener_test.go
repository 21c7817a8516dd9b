package rpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/memnet"
	"praetor/internal/rpc"
)

// port is a running Listener at 10.0.0.1:8300.
type port struct {
	*rpc.Listener
	t   *testing.T
	net *memnet.Network
}

// us is the server whose port it is.
var us = rpc.Identity{ID: "s1", Datacenter: "dc1"}

func withPort(t *testing.T, f func(t *testing.T, p *port)) {
	t.Helper()
	withPortOf(t, rpc.ListenerOptions{Identity: us}, f)
}

func withPortOf(t *testing.T, opts rpc.ListenerOptions, f func(t *testing.T, p *port)) {
	t.Helper()
	withPortMade(t, func() rpc.ListenerOptions { return opts }, f)
}

// withPortMade is withPortOf with options that are made in virtual time.
func withPortMade(t *testing.T, makeOptions func() rpc.ListenerOptions, f func(t *testing.T, p *port)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts := makeOptions()
		n := memnet.New()
		l, err := n.Host("10.0.0.1").Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		p := &port{rpc.NewListener(l, opts), t, n}
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- p.Run(ctx) }() // received below
		f(t, p)
		cancel()
		if err := <-ran; err != nil {
			t.Error("run:", err)
		}
		if err := p.Close(); err != nil {
			t.Error("second close:", err)
		}
	})
}

func (p *port) dial(ip string, first ...byte) net.Conn {
	p.t.Helper()
	c, err := p.net.Host(ip).Dial(context.Background(), "10.0.0.1:8300")
	if err != nil {
		p.t.Fatal(err)
	}
	if len(first) > 0 {
		if _, err := c.Write(first); err != nil {
			p.t.Fatal(err)
		}
	}
	return c
}

func wantText(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Errorf("read %q, %v; want %q", b, err, want)
	}
}

// wantClosed checks that the other side has closed c after a time.
func wantClosed(t *testing.T, c net.Conn, after time.Duration) {
	t.Helper()
	start := time.Now()
	_, err := c.Read(make([]byte, 1))
	if err == nil || time.Since(start) != after {
		t.Errorf("read ended with %v after %s, want closed after %s", err, time.Since(start), after)
	}
	c.Close()
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestListenerSortsByFirstByte(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		rpcSide := p.dial("10.0.0.2", append([]byte{rpc.RPCByte}, "for rpc"...)...)
		defer rpcSide.Close()
		dialer := rpc.Dialer{Identity: rpc.Identity{ID: "s3", Datacenter: "dc1"}, Network: p.net.Host("10.0.0.3").Dial}
		raftSide, err := dialer.DialRaft(context.Background(), rpc.Server{Address: "10.0.0.1:8300"})
		if err != nil {
			t.Fatal(err)
		}
		defer raftSide.Close()
		if _, err := raftSide.Write([]byte("for raft")); err != nil {
			t.Fatal(err)
		}
		raft, other := accept(t, p.Raft()), accept(t, p.RPC())
		defer raft.Close()
		defer other.Close()
		time.Sleep(time.Minute) // the handshake's deadline is gone
		wantText(t, raft, "for raft")
		wantText(t, other, "for rpc")
		if p.Raft().Addr().String() != "10.0.0.1:8300" || p.RPC().Addr().String() != "10.0.0.1:8300" {
			t.Error("the halves must show the port's address")
		}
	})
}

func TestGarbageFirstByteIsClosedAtOnce(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		for b := range 256 {
			if b == rpc.RaftByte || b == rpc.RPCByte || b == rpc.HelloByte {
				continue
			}
			wantClosed(t, p.dial("10.0.0.2", byte(b), 'x'), 0)
		}
	})
}

func TestSilentConnectionIsClosedAfterFiveSeconds(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		silent := p.dial("10.0.0.2")
		other := p.dial("10.0.0.3", rpc.RPCByte) // is not kept waiting
		defer other.Close()
		start := time.Now()
		accept(t, p.RPC()).Close()
		if time.Since(start) != 0 {
			t.Error("a silent connection kept another one waiting")
		}
		wantClosed(t, silent, 5*time.Second)
	})
}

func TestOneAddressHoldsAtMostAHundredConnections(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		var ours, theirs []net.Conn
		open := func() {
			ours = append(ours, p.dial("10.0.0.2", rpc.RPCByte))
			theirs = append(theirs, accept(t, p.RPC()))
		}
		for range rpc.MaxPerIP {
			open()
		}
		wantClosed(t, p.dial("10.0.0.2"), 0)
		other := p.dial("10.0.0.3", rpc.RPCByte)
		accept(t, p.RPC()).Close()
		other.Close()

		theirs[0].Close()
		theirs[0].Close() // counts once
		open()
		wantClosed(t, p.dial("10.0.0.2"), 0)
		for i := range ours {
			ours[i].Close()
			theirs[i].Close()
		}
	})
}

func TestConnectionsNobodyAcceptsAreBounded(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		var queued []net.Conn
		for i := range rpc.AcceptQueue {
			queued = append(queued, p.dial([]string{"10.0.0.2", "10.0.0.3"}[i%2], rpc.RaftByte, 0))
		}
		synctest.Wait()
		wantClosed(t, p.dial("10.0.0.4", rpc.RaftByte, 0), 5*time.Second)
		for range queued {
			accept(t, p.Raft()).Close()
		}
		for _, c := range queued {
			c.Close()
		}
	})
}

func TestClosedListenerClosesWhatNobodyAccepted(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		silent, queued, accepted := p.dial("10.0.0.2"), p.dial("10.0.0.2", rpc.RPCByte), p.dial("10.0.0.2", rpc.RaftByte, 0)
		kept := accept(t, p.Raft())
		synctest.Wait()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, silent, 0)
		wantClosed(t, queued, 0)
		if _, err := p.RPC().Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept on the closed half: %v", err)
		}
		if _, err := kept.Write([]byte("still there")); err != nil {
			t.Fatal(err)
		}
		wantText(t, accepted, "still there")
		kept.Close()
		accepted.Close()
	})
}

// shortage is a port that runs out of files twice, then breaks.
type shortage struct {
	net.Listener
	errs []error
}

func (s *shortage) Accept() (net.Conn, error) {
	err := s.errs[0]
	s.errs = s.errs[1:]
	return nil, err
}

type temporary struct{ error }

func (temporary) Temporary() bool { return true }

func TestListenerSurvivesAShortageButNotABrokenPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := memnet.New().Host("10.0.0.1").Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		full := temporary{errors.New("too many open files")}
		start := time.Now()
		err = rpc.NewListener(&shortage{l, []error{full, full, broken}}, rpc.ListenerOptions{}).Run(context.Background())
		if !errors.Is(err, broken) {
			t.Errorf("ended with %v, want broken", err)
		}
		if took := time.Since(start); took != 15*time.Millisecond {
			t.Errorf("paused %s, want 5ms and 10ms", took)
		}
	})
}

func TestLimitsOfConnectionsMayChange(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		p.Limit(1, time.Second)
		first := p.dial("10.0.0.2", rpc.RPCByte)
		accepted := accept(t, p.RPC())
		wantClosed(t, p.dial("10.0.0.2"), 0)
		wantClosed(t, p.dial("10.0.0.3"), time.Second)
		p.Limit(0, time.Second)
		for range rpc.MaxPerIP + 5 {
			conn := p.dial("10.0.0.2", rpc.RPCByte)
			theirs := accept(t, p.RPC())
			defer conn.Close()
			defer theirs.Close()
		}
		first.Close()
		accepted.Close()
	})
}
