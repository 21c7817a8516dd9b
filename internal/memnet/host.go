package memnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// firstEphemeral starts the ports given to dialers and to Listen(0), as on Linux.
	firstEphemeral = 32768
	// connectTimeout is how long Linux sends SYNs before it gives up.
	connectTimeout = 127 * time.Second
)

// Host is one machine on a Network, running one process.
type Host struct {
	net  *Network
	addr netip.Addr

	// All below is guarded by net.mu.
	dead      bool
	listeners map[uint16]*listener
	gossips   map[uint16]*transport
	nextPort  uint16
}

// IP is the host's address.
func (h *Host) IP() string { return h.addr.String() }

// Listen accepts connections at this host's address and a port; port 0 picks
// a free one. It fails if the port is taken.
func (h *Host) Listen(port int) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.listenLocked(port)
}

func (h *Host) listenLocked(port int) (*listener, error) {
	local := netip.AddrPortFrom(h.addr, uint16(port))
	fail := func(err error) (*listener, error) {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(local), Err: err}
	}
	switch {
	case h.dead:
		return fail(syscall.ENETDOWN)
	case port < 0 || port > 65535:
		return fail(syscall.EINVAL)
	case port == 0:
		local = h.freePortLocked()
	case h.listeners[uint16(port)] != nil:
		return fail(os.NewSyscallError("bind", syscall.EADDRINUSE))
	}
	l := &listener{host: h, local: local}
	l.ready.L = &h.net.mu
	h.listeners[local.Port()] = l
	return l, nil
}

func (h *Host) freePortLocked() netip.AddrPort {
	for {
		p := h.nextPort
		h.nextPort++
		if h.nextPort == 0 {
			h.nextPort = firstEphemeral
		}
		if h.listeners[p] == nil && h.gossips[p] == nil {
			return netip.AddrPortFrom(h.addr, p)
		}
	}
}

// Dial connects to "ip:port". It is refused if nobody listens there, and hangs
// while the cable is cut or the listener's backlog is full.
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) {
	remote, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: badAddress(address)}
	}
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	conn, err := h.dial(ctx, remote)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
	}
	return conn, nil
}

func (h *Host) dial(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
	giveUp := time.NewTimer(connectTimeout)
	defer giveUp.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, dialError(err)
		}
		conn, again, err := h.tryDial(remote)
		if conn != nil || err != nil {
			return conn, err
		}
		select {
		case <-again:
		case <-ctx.Done():
		case <-giveUp.C:
			return nil, os.NewSyscallError("connect", syscall.ETIMEDOUT)
		}
	}
}

// tryDial gives a connection, an error, or a channel to wait on before trying again.
func (h *Host) tryDial(remote netip.AddrPort) (net.Conn, <-chan struct{}, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.dead {
		return nil, nil, os.NewSyscallError("connect", syscall.ENETDOWN)
	}
	if n.isCutLocked(h.addr, remote.Addr()) {
		return nil, n.changed, nil
	}
	peer := n.hosts[remote.Addr()]
	if peer == nil || peer.listeners[remote.Port()] == nil {
		return nil, nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	l := peer.listeners[remote.Port()]
	if len(l.backlog) >= maxBacklog {
		return nil, n.changed, nil
	}
	near, far := newLink(n, h.freePortLocked(), remote)
	near.setWay(0, n.ways[direction{h.addr, remote.Addr()}])
	near.setWay(1, n.ways[direction{remote.Addr(), h.addr}])
	n.links[near.link] = struct{}{}
	l.backlog = append(l.backlog, far)
	l.ready.Signal()
	return near, nil, nil
}

// dialError says it as package net does.
func dialError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return timeoutError{}
	}
	return canceledError{}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }
func (timeoutError) Is(err error) bool {
	return err == context.DeadlineExceeded || err == os.ErrDeadlineExceeded
}

type canceledError struct{}

func (canceledError) Error() string     { return "operation was canceled" }
func (canceledError) Is(err error) bool { return err == context.Canceled }

func badAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return &net.AddrError{Err: "invalid port", Addr: strconv.Quote(port)}
}

// maxBacklog is Linux's old somaxconn: enough for any test cluster.
const maxBacklog = 128

type listener struct {
	host  *Host
	local netip.AddrPort

	// All below is guarded by host.net.mu.
	ready   sync.Cond
	backlog []*conn
	closed  bool
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	n := l.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(l.backlog) == 0 && !l.closed {
		l.ready.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	if len(l.backlog) == maxBacklog {
		n.wakeDialsLocked()
	}
	c := l.backlog[0]
	l.backlog[0] = nil
	l.backlog = l.backlog[1:]
	return c, nil
}

// Close frees the port and resets connections nobody accepted.
func (l *listener) Close() error {
	n := l.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	n.closeListenerLocked(l)
	return nil
}

// Addr is the *net.TCPAddr listened on.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

func (n *Network) closeListenerLocked(l *listener) {
	if l.closed {
		return
	}
	l.closed = true
	delete(l.host.listeners, l.local.Port())
	for _, c := range l.backlog {
		n.resetLocked(c.link)
	}
	l.backlog = nil
	l.ready.Broadcast()
	n.wakeDialsLocked()
}

var _ net.Listener = (*listener)(nil)
