package memnet

import (
	"context"
	"net"

	"github.com/hashicorp/memberlist"
)

// Network is a pretend network inside one process.
type Network struct{}

// New returns an empty network.
func New() *Network { panic("skeleton") }

// Host returns the host with an IP address, making it on first use.
func (n *Network) Host(ip string) *Host { panic("skeleton") }

// Cut separates two hosts: what they send each other is lost and their
// connections break. Heal ends it.
func (n *Network) Cut(a, b string)  { panic("skeleton") }
func (n *Network) Heal(a, b string) { panic("skeleton") }

// Host is one machine on a Network.
type Host struct{}

// Listen accepts connections at this host's address and a port.
func (h *Host) Listen(port int) (net.Listener, error) { panic("skeleton") }

// Dial connects to "ip:port".
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) { panic("skeleton") }

// Gossip returns a memberlist transport bound to a port.
func (h *Host) Gossip(port int) (memberlist.Transport, error) { panic("skeleton") }
