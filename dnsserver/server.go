package dnsserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/miekg/dns"

	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
)

// udpReadBytes is the largest question read over UDP.
const udpReadBytes = 65535

// maxTCPQueries bounds the questions answered over one TCP connection, so that
// a connection cannot live for ever.
const maxTCPQueries = 4096

// Options says how to build a Server. Fields other than Config are fixed for
// its life.
type Options struct {
	Addresses  []string // "ip:port"; each gets a UDP and a TCP listener
	Caller     rpc.Caller
	Datacenter string
	NodeName   string // of the agent that answers
	Domain     string // with or without final dot, any case; "" = "consul."
	AltDomain  string // "" = none
	// TranslateWAN answers with WAN addresses for other datacenters' instances.
	TranslateWAN bool
	Config       Config
	Metrics      *telemetry.Metrics // nil counts nothing
	Logger       hclog.Logger
}

// Config is what a reload may change (reference/config.md §5).
type Config struct {
	AllowStale         bool
	MaxStale           time.Duration
	NodeTTL            time.Duration
	ServiceTTL         map[string]time.Duration // exact names, or prefixes that end in *
	OnlyPassing        bool
	EnableTruncate     bool
	UDPAnswerLimit     int
	ARecordLimit       int // 0 = no limit
	DisableCompression bool
	NodeMetaTXT        bool // additional TXT records of node metadata
	SOA                SOA
	Recursors          []string // "host:port"
	RandomRecursor     bool
	RecursorTimeout    time.Duration // 0 = 2 s
	Token              string        // secret; used for every lookup
}

// SOA holds the timers of the SOA record, in seconds.
type SOA struct{ Refresh, Retry, Expire, MinTTL uint32 }

// Server is a DNS front door.
type Server struct {
	opts      Options
	domain    string // lower case, final dot
	altDomain string // same, or ""
	config    atomic.Pointer[Config]
	sets      sets
	servers   []*dns.Server
	measured  *measured
	logger    hclog.Logger

	closeOnce sync.Once
}

// Open binds every address. It fails with one line naming the address that
// could not be bound.
func Open(opts Options) (*Server, error) {
	s := New(opts)
	for _, addr := range opts.Addresses {
		if err := s.bind(addr); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// New returns a Server that is bound to no address: only Handler works.
func New(opts Options) *Server {
	if opts.Domain == "" {
		opts.Domain = "consul."
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	s := &Server{opts: opts, domain: canonical(opts.Domain), measured: newMeasured(opts.Metrics, opts.NodeName), logger: opts.Logger}
	s.opts.Caller = countingStale{opts.Caller, s.measured.stale}
	if opts.AltDomain != "" {
		s.altDomain = canonical(opts.AltDomain)
	}
	s.Configure(opts.Config)
	return s
}

func canonical(domain string) string { return strings.ToLower(dns.Fqdn(domain)) }

func (s *Server) bind(addr string) error {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return bindFault("TCP", addr, err)
	}
	s.servers = append(s.servers, &dns.Server{Listener: tcp, Net: "tcp", MaxTCPQueries: maxTCPQueries})
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return bindFault("UDP", addr, err)
	}
	s.servers = append(s.servers, &dns.Server{PacketConn: udp, Net: "udp", UDPSize: udpReadBytes})
	return nil
}

func bindFault(network, addr string, err error) error {
	return &fault.Error{Kind: fault.Rejected, Err: err,
		Text: fmt.Sprintf("cannot answer DNS on %s (%s): %v;", addr, network, errors.Unwrap(err)),
		Hint: "another process may use it: choose another -dns-port or -client address, or -dns-port=-1 for no DNS"}
}

// Configure replaces the configuration; questions asked from now on see it.
func (s *Server) Configure(c Config) {
	if c.RecursorTimeout == 0 {
		c.RecursorTimeout = 2 * time.Second
	}
	s.config.Store(&c)
	s.sets.clear()
}

// Run answers questions until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, len(s.servers))
	handler := s.Handler(ctx)
	for _, srv := range s.servers {
		srv.Handler = handler
		s.logger.Info("Started DNS server", "address", address(srv), "network", srv.Net)
		go func() { ended <- srv.ActivateAndServe() }() // waited for below
	}
	var err error
	running := len(s.servers)
	select {
	case <-ctx.Done():
	case err = <-ended:
		running--
	}
	s.Close()
	for range running {
		<-ended
	}
	return err
}

func address(srv *dns.Server) string {
	if srv.Listener != nil {
		return srv.Listener.Addr().String()
	}
	return srv.PacketConn.LocalAddr().String()
}

// Close releases every address; Run then returns.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		for _, srv := range s.servers {
			if srv.Shutdown() == nil {
				continue
			}
			// Never started: the library leaves the socket open.
			if srv.Listener != nil {
				srv.Listener.Close()
			}
			if srv.PacketConn != nil {
				srv.PacketConn.Close()
			}
		}
	})
	return nil
}

// Handler answers questions one by one; lookups end with ctx.
func (s *Server) Handler(ctx context.Context) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, req *dns.Msg) {
		if len(req.Question) != 1 {
			// The library reads a header that ends the message as a message
			// without questions, whatever the header counts.
			w.WriteMsg(new(dns.Msg).SetRcodeFormatError(req))
			return
		}
		start := time.Now()
		reply := s.answer(ctx, req, w.RemoteAddr())
		s.measured.answered(&req.Question[0], start)
		if err := w.WriteMsg(reply); err != nil {
			s.logger.Debug("write DNS reply", "name", req.Question[0].Name, "error", err)
		}
	})
}
