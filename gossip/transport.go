package gossip

import (
	"fmt"
	"log"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/memberlist"

	"praetor/internal/fault"
)

// autoPortTries is how often a free port is sought that is free for TCP and UDP.
const autoPortTries = 10

// bind gives the transport and the port it listens on.
func bind(opts *Options, logger *log.Logger) (memberlist.Transport, int, error) {
	if opts.Transport != nil {
		_, port, err := opts.Transport.FinalAdvertiseAddr("", opts.BindPort)
		if err != nil {
			return nil, 0, fmt.Errorf("gossip address: %w", err)
		}
		return opts.Transport, port, nil
	}
	config := &memberlist.NetTransportConfig{
		BindAddrs:    []string{opts.BindAddr},
		BindPort:     opts.BindPort,
		Logger:       logger,
		MetricLabels: nil,
	}
	tries := 1
	if opts.BindPort == 0 {
		tries = autoPortTries
	}
	var err error
	for range tries {
		var t *memberlist.NetTransport
		if t, err = memberlist.NewNetTransport(config); err == nil {
			return t, t.GetAutoBindPort(), nil
		}
	}
	return nil, 0, bindFault(opts, err)
}

// bindFault says which address, why, and what to do. memberlist hands errors
// over as text only.
func bindFault(opts *Options, err error) error {
	address := net.JoinHostPort(opts.BindAddr, strconv.Itoa(opts.BindPort))
	protocol := "TCP"
	if strings.Contains(err.Error(), "UDP") {
		protocol = "UDP"
	}
	f := &fault.Error{Kind: fault.Internal, Err: err}
	because := func(why, hint string) error {
		f.Text = fmt.Sprintf("gossip cannot listen on %s %s: %s.", protocol, address, why)
		f.Hint = hint
		return f
	}
	setting := "serf_" + opts.network()
	for _, errno := range []syscall.Errno{syscall.EADDRINUSE, syscall.EADDRNOTAVAIL, syscall.EACCES} {
		if !strings.Contains(err.Error(), errno.Error()) {
			continue
		}
		switch errno {
		case syscall.EADDRINUSE:
			return because("another program uses this port", "Stop it, or set another port in ports."+setting)
		case syscall.EADDRNOTAVAIL:
			return because("no interface of this machine has this address", "Set bind_addr or "+setting+" to one that `ip addr` lists")
		default:
			return because("permission denied", "Choose a port above 1023 in ports."+setting)
		}
	}
	return because(err.Error(), "Check bind_addr, "+setting+" and ports."+setting)
}

// advertise checks that others can be told where this member is.
func advertise(t memberlist.Transport, opts *Options, port int) (net.IP, int, error) {
	if opts.AdvertisePort != 0 {
		port = opts.AdvertisePort
	}
	ip, port, err := t.FinalAdvertiseAddr(opts.AdvertiseAddr, port)
	hint := "Set advertise_addr to the address others shall use"
	if err != nil {
		return nil, 0, &fault.Error{Kind: fault.Invalid, Text: "gossip address to advertise: " + err.Error() + ".", Hint: hint, Err: err}
	}
	if ip.IsUnspecified() {
		return nil, 0, &fault.Error{Kind: fault.Invalid, Text: "gossip is bound to " + opts.BindAddr + ", which others cannot reach.", Hint: hint}
	}
	return ip, port, nil
}
