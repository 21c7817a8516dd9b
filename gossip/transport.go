package gossip

import (
	"fmt"
	"log"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/internal/fault"
)

// autoPortTries is how often a free port is sought that is free for TCP and UDP.
const autoPortTries = 10

// Listen binds the real sockets that Open would, for callers that must hold the
// port before they open the pool; hand the result over in Options.Transport.
// Only BindAddr, BindPort, WAN and Logger matter.
func Listen(opts Options) (memberlist.Transport, error) {
	opts, err := opts.withListenDefaults()
	if err != nil {
		return nil, err
	}
	t, err := listen(&opts, opts.Logger.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true}))
	if err != nil {
		return nil, err // not a nil *NetTransport in an interface
	}
	return t, nil
}

// bind gives the transport and the port it listens on.
func bind(opts *Options, logger *log.Logger) (memberlist.Transport, int, error) {
	if opts.Transport != nil {
		port, err := givenPort(opts)
		return opts.Transport, port, err
	}
	t, err := listen(opts, logger)
	if err != nil {
		return nil, 0, err
	}
	return t, t.GetAutoBindPort(), nil
}

func listen(opts *Options, logger *log.Logger) (*memberlist.NetTransport, error) {
	config := &memberlist.NetTransportConfig{
		BindAddrs:    []string{opts.BindAddr},
		BindPort:     opts.BindPort,
		Logger:       logger,
		MetricLabels: metricLabels(opts),
	}
	tries := 1
	if opts.BindPort == 0 {
		tries = autoPortTries
	}
	var err error
	for range tries {
		var t *memberlist.NetTransport
		if t, err = memberlist.NewNetTransport(config); err == nil {
			return t, nil
		}
	}
	return nil, bindFault(opts, err)
}

// givenPort is where a transport made by the caller listens.
func givenPort(opts *Options) (int, error) {
	if opts.BindPort != 0 {
		return opts.BindPort, nil
	}
	if t, ok := opts.Transport.(interface{ GetAutoBindPort() int }); ok {
		return t.GetAutoBindPort(), nil
	}
	_, port, err := opts.Transport.FinalAdvertiseAddr(opts.AdvertiseAddr, opts.AdvertisePort)
	if err != nil {
		return 0, fmt.Errorf("find the port of the gossip transport: %w", err)
	}
	return port, nil
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
