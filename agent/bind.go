package agent

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/hashicorp/memberlist"

	"praetor/agent/config"
	"praetor/internal/fault"
)

// bound is every address that the agent answers at, bound before anything is
// written to disk.
type bound struct {
	http    []net.Listener
	https   []net.Listener
	grpc    []net.Listener
	grpcTLS []net.Listener
	rpc     net.Listener         // nil on clients
	lan     memberlist.Transport // nil once the pool owns it
	wan     memberlist.Transport
}

// bindClients binds what clients connect to, but for DNS. Without a certificate there is
// nothing at the TLS addresses of gRPC: servers have one by default, which nobody may want.
func (a *Agent) bindClients(rt *config.Runtime) error {
	grpcTLS := rt.GRPCTLSAddrs
	if !a.tls.grpc.Serves() {
		grpcTLS = nil
	}
	for _, door := range []struct {
		bound   *[]net.Listener
		addrs   []config.Addr
		service string
	}{
		{&a.bound.http, rt.HTTPAddrs, "http"}, {&a.bound.https, a.httpsAddrs(rt), "https"},
		{&a.bound.grpc, rt.GRPCAddrs, "grpc"}, {&a.bound.grpcTLS, grpcTLS, "grpc_tls"},
	} {
		for _, addr := range door.addrs {
			l, err := a.listenClients(rt, addr, door.service)
			if err != nil {
				return err
			}
			a.own(l)
			*door.bound = append(*door.bound, l)
			if twin, ok := twinOf(addr, door.addrs); ok && strings.HasPrefix(door.service, "http") {
				a.bindTwin(door.bound, twin)
			}
		}
	}
	return nil
}

// twinOf is the IPv6 address at which a program looks that was told "localhost" when addr
// is the IPv4 one, unless it is listed itself.
func twinOf(addr config.Addr, listed []config.Addr) (netip.AddrPort, bool) {
	if addr.Path != "" || addr.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		return netip.AddrPort{}, false
	}
	twin := netip.AddrPortFrom(netip.IPv6Loopback(), addr.Port())
	return twin, !slices.ContainsFunc(listed, func(a config.Addr) bool { return a.AddrPort == twin })
}

// bindTwin listens at a twin where that can be: nobody asked for it, and a machine may
// be without IPv6.
func (a *Agent) bindTwin(listeners *[]net.Listener, twin netip.AddrPort) {
	l, err := a.network.Listen(twin.String())
	switch {
	case err == nil:
		a.own(l)
		*listeners = append(*listeners, l)
	case errors.Is(err, syscall.EADDRINUSE):
		a.logger.Warn("another program listens at this port of localhost over IPv6: programs told localhost may reach it instead of this agent", "address", twin)
	default:
		a.logger.Debug("not listening at localhost over IPv6", "address", twin, "error", err)
	}
}

func (a *Agent) bind(rt *config.Runtime) error {
	if rt.Server {
		l, err := a.network.Listen(rt.RPCBind.String())
		if err != nil {
			return inSettings(err, "bind_addr, ports.server")
		}
		a.own(l)
		a.bound.rpc = l
	}
	var err error
	logger := a.logger.Named("memberlist")
	if a.bound.lan, err = a.network.Gossip(rt.SerfBindLAN.Addr().String(), int(rt.SerfBindLAN.Port()), logger); err != nil {
		return err
	}
	a.own(transportCloser{&a.bound.lan})
	if !rt.Server || rt.SerfBindWAN.Port() == 0 {
		return nil
	}
	if a.bound.wan, err = a.network.Gossip(rt.SerfBindWAN.Addr().String(), int(rt.SerfBindWAN.Port()), logger); err != nil {
		return err
	}
	a.own(transportCloser{&a.bound.wan})
	return nil
}

func (a *Agent) listenClients(rt *config.Runtime, addr config.Addr, service string) (net.Listener, error) {
	if addr.Path != "" {
		l, err := listenUnix(addr.Path, rt.UnixSockets, a.logger)
		return l, inSettings(err, "addresses."+service)
	}
	l, err := a.network.Listen(addr.String())
	return l, inSettings(err, fmt.Sprintf("client_addr, addresses.%[1]s, ports.%[1]s", service))
}

// inSettings adds to an error, nil for none, which settings an address comes from.
func inSettings(err error, settings string) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return fmt.Errorf("%s: %w", settings, err)
	}
	named := *f
	named.Hint = strings.TrimSpace(named.Hint + " (" + settings + ")")
	return &named
}

// transportCloser shuts a gossip transport that no pool has taken over.
type transportCloser struct{ transport *memberlist.Transport }

func (c transportCloser) Close() error {
	if *c.transport == nil {
		return nil
	}
	return shutUnused(*c.transport)
}

// shutUnused shuts a transport from which nobody reads: others may be sending to it,
// and its Shutdown waits until what they sent is taken.
func shutUnused(transport memberlist.Transport) error {
	down := make(chan error, 1)
	go func() { down <- transport.Shutdown() }() // waited for below
	for {
		select {
		case <-transport.PacketCh():
		case conn := <-transport.StreamCh():
			_ = conn.Close()
		case err := <-down:
			return err
		}
	}
}
