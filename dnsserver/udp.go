package dnsserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
	net4 "golang.org/x/net/ipv4"
	net6 "golang.org/x/net/ipv6"

	"praetor/internal/life"
)

const (
	// udpReadBytes is the largest question read over UDP.
	udpReadBytes = 65535
	// mostPending bounds the questions of one socket that wait for lookups; what
	// comes while there are as many is dropped, and asked again by its client.
	mostPending = 4096
	// readPause is the rest after a failure to read.
	readPause = time.Millisecond
)

// udpSocket answers what comes to one UDP address.
type udpSocket struct {
	conn net.PacketConn
	io   packets
}

// packets reads and writes datagrams. sender says where a reply goes.
type packets interface {
	read(buf []byte) (n int, sender any, from netip.AddrPort, err error)
	write(reply []byte, sender any, to netip.AddrPort) error
}

func newUDPSocket(conn *net.UDPConn) (*udpSocket, error) {
	if local, ok := conn.LocalAddr().(*net.UDPAddr); !ok || !local.IP.IsUnspecified() {
		return &udpSocket{conn, onePlace{conn}}, nil
	}
	// One of the two families fails where the socket has not both.
	err6 := net6.NewPacketConn(conn).SetControlMessage(net6.FlagDst|net6.FlagInterface, true)
	err4 := net4.NewPacketConn(conn).SetControlMessage(net4.FlagDst|net4.FlagInterface, true)
	if err6 != nil && err4 != nil {
		return nil, errors.Join(err4, err6)
	}
	return &udpSocket{conn, anyPlace{conn}}, nil
}

// onePlace is a socket of one address.
type onePlace struct{ conn *net.UDPConn }

func (p onePlace) read(buf []byte) (int, any, netip.AddrPort, error) {
	n, from, err := p.conn.ReadFromUDPAddrPort(buf)
	return n, nil, from, err
}

func (p onePlace) write(reply []byte, _ any, to netip.AddrPort) error {
	_, err := p.conn.WriteToUDPAddrPort(reply, to)
	return err
}

// anyPlace is a socket of all of a machine's addresses: a reply must leave from
// the address that was asked.
type anyPlace struct{ conn *net.UDPConn }

func (p anyPlace) read(buf []byte) (int, any, netip.AddrPort, error) {
	n, session, err := dns.ReadFromSessionUDP(p.conn, buf)
	if err != nil {
		return n, nil, netip.AddrPort{}, err
	}
	return n, session, session.RemoteAddr().(*net.UDPAddr).AddrPort(), nil
}

func (p anyPlace) write(reply []byte, sender any, _ netip.AddrPort) error {
	_, err := dns.WriteToSessionUDP(p.conn, reply, sender.(*dns.SessionUDP))
	return err
}

// serveUDP answers until the socket is closed. A question whose reply is ready is
// answered before the next is read, others in a goroutine each.
func (s *Server) serveUDP(ctx context.Context, u *udpSocket) {
	var pending sync.WaitGroup
	defer pending.Wait()
	room := make(chan struct{}, mostPending)
	query, out := make([]byte, udpReadBytes), make([]byte, 0, udpReadBytes)
	for {
		n, sender, from, err := u.io.read(query)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// Of one datagram: one that is too long, or news of a client that
			// went away.
			s.logger.Debug("read DNS question", "error", err)
			life.Pause(ctx, readPause)
			continue
		}
		if reply := s.cachedReply(ctx, out, query[:n], false); reply != nil {
			s.reply(u, reply, sender, from)
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			s.logger.Debug("DNS question dropped: too many wait for lookups", "limit", mostPending)
			continue
		}
		question := append([]byte(nil), query[:min(n, maxQuestion+1)]...)
		pending.Go(func() {
			s.reply(u, s.makeReply(ctx, nil, question, from, false), sender, from)
			<-room
		})
	}
}

func (s *Server) reply(u *udpSocket, reply []byte, sender any, to netip.AddrPort) {
	if len(reply) == 0 {
		return
	}
	if err := u.io.write(reply, sender, to); err != nil {
		s.logger.Debug("write DNS reply", "to", to, "error", err)
	}
}
