package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// maxPackets bounds the packets waiting for one transport, like a socket's
	// receive buffer; more are dropped.
	maxPackets = 512
	// maxPacketBytes is the largest UDP payload over IPv4.
	maxPacketBytes = 65507
)

// transport carries memberlist's packets and streams. It takes both the TCP
// and the UDP side of its port.
type transport struct {
	host    *Host
	local   netip.AddrPort
	streams *listener
	packets chan *memberlist.Packet
	conns   chan net.Conn
	accepts sync.WaitGroup // the one goroutine in accept

	stop    sync.Once
	stopped chan struct{}
}

// Gossip returns a memberlist transport bound to a port; port 0 picks a free
// one. It is a memberlist.NodeAwareTransport.
func (h *Host) Gossip(port int) (memberlist.Transport, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	l, err := h.listenLocked(port)
	if err != nil {
		return nil, err
	}
	t := &transport{
		host:    h,
		local:   l.local,
		streams: l,
		packets: make(chan *memberlist.Packet, maxPackets),
		conns:   make(chan net.Conn),
		stopped: make(chan struct{}),
	}
	h.gossips[l.local.Port()] = t
	t.accepts.Go(t.accept) // Shutdown waits for it
	return t, nil
}

func (t *transport) accept() {
	for {
		c, err := t.streams.Accept()
		if err != nil {
			return
		}
		select {
		case t.conns <- c:
		case <-t.stopped:
			_ = c.Close() // nobody is left to read an error
			return
		}
	}
}

// FinalAdvertiseAddr returns what is configured, else where it is bound.
func (t *transport) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	if port == 0 {
		port = int(t.local.Port())
	}
	if ip == "" {
		return net.IP(t.local.Addr().AsSlice()), port, nil
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, 0, err
	}
	return net.IP(addr.Unmap().AsSlice()), port, nil
}

// WriteTo sends a packet. A packet that cannot arrive is no error.
func (t *transport) WriteTo(b []byte, address string) (time.Time, error) {
	remote, err := netip.ParseAddrPort(address)
	if err != nil {
		return time.Time{}, badAddress(address)
	}
	if len(b) > maxPacketBytes {
		return time.Time{}, os.NewSyscallError("sendto", syscall.EMSGSIZE)
	}
	now := time.Now()
	p := &memberlist.Packet{
		Buf:       append([]byte(nil), b...),
		From:      net.UDPAddrFromAddrPort(t.local),
		Timestamp: now,
	}
	return now, t.send(p, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()))
}

func (t *transport) send(p *memberlist.Packet, remote netip.AddrPort) error {
	n := t.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if t.host.gossips[t.local.Port()] != t {
		return net.ErrClosed
	}
	w := n.ways[direction{t.local.Addr(), remote.Addr()}]
	_, cut := n.cuts[cableOf(t.local.Addr(), remote.Addr())]
	if cut || w.Blocked {
		n.dropped.Add(1)
		return nil
	}
	switch wait, whole := w.takes(n.rand); {
	case !whole:
		n.dropped.Add(1)
	case wait > 0:
		time.AfterFunc(wait, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.deliverLocked(p, remote)
		})
	default:
		n.deliverLocked(p, remote)
	}
	return nil
}

func (n *Network) deliverLocked(p *memberlist.Packet, remote netip.AddrPort) {
	var peer *transport
	if h := n.hosts[remote.Addr()]; h != nil {
		peer = h.gossips[remote.Port()]
	}
	if peer == nil {
		n.dropped.Add(1)
		return
	}
	p.Timestamp = time.Now()
	select {
	case peer.packets <- p:
	default:
		n.dropped.Add(1)
	}
}

// WriteToAddress is WriteTo; names are not needed here.
func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

// PacketCh gives incoming packets.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// DialTimeout connects to a peer's transport; timeout 0 means none.
func (t *transport) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	// memberlist's interface has no context: the timeout is all there is.
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	return t.host.Dial(ctx, address)
}

// DialAddressTimeout is DialTimeout; names are not needed here.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// StreamCh gives incoming streams.
func (t *transport) StreamCh() <-chan net.Conn { return t.conns }

// Shutdown frees the port and waits until nothing of the transport runs.
func (t *transport) Shutdown() error {
	t.host.net.mu.Lock()
	t.dieLocked()
	t.host.net.mu.Unlock()
	t.accepts.Wait()
	return nil
}

// dieLocked stops receiving at once; the accept goroutine ends soon after.
func (t *transport) dieLocked() {
	if t.host.gossips[t.local.Port()] == t {
		delete(t.host.gossips, t.local.Port())
	}
	t.host.net.closeListenerLocked(t.streams)
	t.stop.Do(func() { close(t.stopped) })
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)
