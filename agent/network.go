package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/gossip"
	"praetor/internal/fault"
)

// Network is the world outside: real sockets, or a pretend network in tests.
type Network interface {
	// Listen accepts TCP connections at "ip:port".
	Listen(address string) (net.Listener, error)
	// Dial opens a TCP connection to "ip:port".
	Dial(ctx context.Context, address string) (net.Conn, error)
	// Gossip binds UDP and TCP for one gossip pool.
	Gossip(ip string, port int, logger hclog.Logger) (memberlist.Transport, error)
}

// dialTimeout bounds the connection attempt to another server.
const dialTimeout = 5 * time.Second

// sockets is the real network.
type sockets struct{}

func (sockets) Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, bindFault(address, err)
	}
	return l, nil
}

func (sockets) Dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", address)
}

func (sockets) Gossip(ip string, port int, logger hclog.Logger) (memberlist.Transport, error) {
	return gossip.Listen(gossip.Options{BindAddr: ip, BindPort: port, Logger: logger})
}

// bindFault says in one line which address could not be bound and what to do.
func bindFault(address string, err error) error {
	reason, hint := err.Error(), "check the address and the ports setting"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		reason, hint = "address already in use", "another process listens there: stop it, or choose another port or address (-http-port, -dns-port, -server-port, -serf-lan-port, -bind, -client)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		reason, hint = "this machine has no such address", "give one of this machine's own addresses with -bind or -client"
	case errors.Is(err, syscall.EACCES):
		reason, hint = "permission denied", "ports below 1024 need privileges: choose a higher port"
	}
	return &fault.Error{Kind: fault.Rejected, Text: fmt.Sprintf("cannot listen on %s: %s;", address, reason), Hint: hint, Err: err}
}

var _ Network = sockets{}
