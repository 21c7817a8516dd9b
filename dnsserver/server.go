package dnsserver

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/miekg/dns"

	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/view"
)

// Options says how to build a Server. Fields other than Config are fixed for
// its life.
type Options struct {
	Addresses []string // "ip:port"; each gets UDP sockets and a TCP listener
	// TLSAddresses are where DNS over TLS is spoken (RFC 7858), which Secure puts on what
	// a listener accepts.
	TLSAddresses []string
	Secure       func(net.Listener) net.Listener
	Caller       rpc.Caller
	Views        *view.Views // of Caller; nil = lookups are not followed
	Datacenter   string
	NodeName     string // of the agent that answers
	Domain       string // with or without final dot, any case; "" = "consul."
	AltDomain    string // "" = none
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
	UDPMaxBytes        int // of a reply over UDP, whatever the client takes; 0 = DefaultUDPMaxBytes
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
	answers   *answerCache
	udp       []*udpSocket
	tcp       []stream
	measured  *measured
	logger    hclog.Logger
}

// Open binds every address. It fails with one line naming the address that
// could not be bound.
func Open(opts Options) (*Server, error) {
	s := New(opts)
	if err := s.bind(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// New returns a Server that is bound to no address: only Answer works.
func New(opts Options) *Server {
	if opts.Domain == "" {
		opts.Domain = "consul."
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	if opts.Views == nil {
		opts.Views = view.New(view.Options{Caller: opts.Caller, Here: true})
	}
	s := &Server{opts: opts, domain: canonical(opts.Domain), measured: newMeasured(opts.Metrics, opts.NodeName), logger: opts.Logger}
	s.answers = newAnswerCache()
	s.sets.byKey.MaxBytes = setsBytes
	if opts.AltDomain != "" {
		s.altDomain = canonical(opts.AltDomain)
	}
	s.Configure(opts.Config)
	return s
}

func canonical(domain string) string { return strings.ToLower(dns.Fqdn(domain)) }

// Configure replaces the configuration; questions asked from now on see it.
func (s *Server) Configure(c Config) {
	if c.RecursorTimeout == 0 {
		c.RecursorTimeout = 2 * time.Second
	}
	if c.UDPMaxBytes == 0 {
		c.UDPMaxBytes = DefaultUDPMaxBytes
	}
	c.UDPMaxBytes = min(max(c.UDPMaxBytes, plainUDPBytes), MaxUDPBytes)
	s.config.Store(&c)
	s.sets.clear()
}

// Run answers questions until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	var listeners sync.WaitGroup
	for _, l := range s.tcp {
		s.logger.Info("Started DNS server", "address", l.Addr(), "network", l.network)
		listeners.Go(func() { s.serveTCP(ctx, l) })
	}
	said := ""
	for _, u := range s.udp {
		if addr := u.conn.LocalAddr().String(); addr != said {
			s.logger.Info("Started DNS server", "address", addr, "network", "udp")
			said = addr
		}
		listeners.Go(func() { s.serveUDP(ctx, u) })
	}
	<-ctx.Done()
	s.Close()
	listeners.Wait()
	return nil
}

// Close releases every address; listeners then end. Calling it twice is fine.
func (s *Server) Close() error {
	for _, l := range s.tcp {
		l.Close()
	}
	for _, u := range s.udp {
		u.conn.Close()
	}
	return nil
}
