package dnsserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"

	"praetor/internal/fault"
)

// mostSockets bounds the UDP sockets of one address. The kernel spreads clients over
// them; one reads a core full.
const mostSockets = 8

// bind opens the sockets of every address.
func (s *Server) bind() error {
	for _, addr := range s.opts.Addresses {
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			return bindFault("TCP", addr, "-dns-port", err)
		}
		s.tcp = append(s.tcp, stream{tcp, "tcp"})
		if err := s.bindUDP(tcp.Addr().String()); err != nil {
			return bindFault("UDP", addr, "-dns-port", err)
		}
	}
	for _, addr := range s.opts.TLSAddresses {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return bindFault("TLS", addr, "ports.dns_tls", err)
		}
		s.tcp = append(s.tcp, stream{s.opts.Secure(l), "tls"})
	}
	return nil
}

// bindUDP opens as many sockets as there are cores, where they can share an
// address. That another process has it shows in the TCP listener, which shares
// with nobody.
func (s *Server) bindUDP(addr string) error {
	sockets := 1
	if canSharePort {
		sockets = min(runtime.GOMAXPROCS(0), mostSockets)
	}
	listen := net.ListenConfig{Control: sharePort}
	for range sockets {
		// The context would end the search for a name; addr has none.
		conn, err := listen.ListenPacket(context.Background(), "udp", addr)
		if err != nil {
			return err
		}
		u, err := newUDPSocket(conn.(*net.UDPConn))
		if err != nil {
			return errors.Join(err, conn.Close())
		}
		s.udp = append(s.udp, u)
	}
	return nil
}

func bindFault(network, addr, setting string, err error) error {
	hint := fmt.Sprintf("another process may use it: choose another %s, or -1 for none, or another address (client_addr, addresses.dns)", setting)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		hint = "give one of this machine's own addresses (client_addr, addresses.dns)"
	}
	return &fault.Error{Kind: fault.Rejected, Err: err, Text: fmt.Sprintf("cannot answer DNS on %s (%s): %v;", addr, network, errors.Unwrap(err)), Hint: hint}
}
