package rpc

import (
	"context"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Server is a server a Router may send requests to.
type Server struct {
	ID         string // node ID
	Name       string // node name
	Datacenter string
	Address    string // host:port of its RPC listener
}

// Options says how to build a Router.
type Options struct {
	Datacenter string
	// Local answers operations on this server; nil on client agents.
	Local *Mux
	// IsLeader and Leader tell who leads this datacenter; nil on client agents.
	// Leader returns "" when none is known.
	IsLeader func() bool
	Leader   func() (address string)
	// Dial opens a connection to a server's RPC listener.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// HoldTimeout is how long a request waits for a leader; default 7 s.
	HoldTimeout time.Duration
	// ClientTimeout bounds a request that does not block; default 60 s.
	ClientTimeout time.Duration
	Logger        hclog.Logger
}

// Router carries requests to the server that may answer them: here, the
// leader, any server of this datacenter, or any server of another one. It is
// the Caller of the whole house.
type Router struct{}

// NewRouter returns a router that knows no servers yet.
func NewRouter(opts Options) *Router { panic("skeleton") }

// SetServers replaces the list of servers known through gossip, of all
// datacenters. Reachable tells, for datacenters that are known but have no
// living server, that they exist: they are listed with no servers.
func (r *Router) SetServers(servers []Server, datacenters []string) { panic("skeleton") }

// Do implements Caller.
func (r *Router) Do(ctx context.Context, op *Desc, req Message) (Message, error) { panic("skeleton") }

// DoAt sends req to one given server, whoever leads (autopilot, bootstrap).
func (r *Router) DoAt(ctx context.Context, address string, op *Desc, req Message) (Message, error) {
	panic("skeleton")
}

// Close closes all connections.
func (r *Router) Close() error { panic("skeleton") }

// Listener shares one port between RPC and Raft connections, told apart by
// their first byte.
type Listener struct{}

// NewListener takes over l.
func NewListener(l net.Listener, logger hclog.Logger) *Listener { panic("skeleton") }

// Run sorts connections until ctx ends.
func (l *Listener) Run(ctx context.Context) error { panic("skeleton") }

// Close closes the port.
func (l *Listener) Close() error { panic("skeleton") }

// Raft gives the Raft connections.
func (l *Listener) Raft() net.Listener { panic("skeleton") }

// RPC gives the RPC connections.
func (l *Listener) RPC() net.Listener { panic("skeleton") }

// DialRaft wraps dial so that the other side's Listener sees a Raft connection.
func DialRaft(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	panic("skeleton")
}

// Serve answers RPC connections from l until ctx ends: each request is routed
// by router as if it had been made here, and never forwarded twice.
func Serve(ctx context.Context, l net.Listener, router *Router, logger hclog.Logger) error {
	panic("skeleton")
}
