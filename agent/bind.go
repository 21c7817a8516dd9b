package agent

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/hashicorp/memberlist"

	"praetor/agent/config"
	"praetor/internal/fault"
)

// bound is every address that the agent answers at, bound before anything is
// written to disk.
type bound struct {
	http  []net.Listener
	https []net.Listener
	rpc   net.Listener         // nil on clients
	lan   memberlist.Transport // nil once the pool owns it
	wan   memberlist.Transport
}

func (a *Agent) bind(rt *config.Runtime) error {
	for _, addr := range rt.HTTPAddrs {
		l, err := a.listenHTTP(rt, addr, "http")
		if err != nil {
			return err
		}
		a.own(l)
		a.bound.http = append(a.bound.http, l)
	}
	for _, addr := range a.httpsAddrs(rt) {
		l, err := a.listenHTTP(rt, addr, "https")
		if err != nil {
			return err
		}
		a.own(l)
		a.bound.https = append(a.bound.https, l)
	}
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

func (a *Agent) listenHTTP(rt *config.Runtime, addr config.Addr, service string) (net.Listener, error) {
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
