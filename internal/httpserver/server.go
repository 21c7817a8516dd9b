package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/budget"
	"praetor/internal/rpc"
)

// Options say how to build a Server. Handler is required.
type Options struct {
	Handler http.Handler
	// MaxConnsPerClient bounds the connections of one IP address, over all
	// listeners; 0 means no bound. Unix sockets are not counted.
	MaxConnsPerClient int
	// MaxConns bounds the connections of all other machines together, over all
	// listeners; 0 means no bound. Those of this machine always come in: its
	// operator needs them most when it is full.
	MaxConns       int
	MaxHeaderBytes int // of a request; 0 means 64 KiB
	// HeaderTimeout is how long a client may take to send a request's header; 0
	// means 10 s.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection without a request is kept; 0 means 120 s.
	IdleTimeout time.Duration
	// HandshakeTimeout bounds a TLS handshake; 0 means 5 s.
	HandshakeTimeout time.Duration
	// WriteTimeout is how long a client may take nothing of what is being sent to
	// it; 0 means 30 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long a client may take to send a body; 0 means 15 min. One of
	// which nothing comes for BodyStall is given up before.
	BodyTimeout time.Duration
	Logger      hclog.Logger // nil means none
	// Browsers say which web pages may use the API.
	Browsers BrowserOptions
	// Verbose reports whether a line for each request has a reader; nil asks Logger.
	Verbose func() bool
}

// BodyStall is how long a client may send nothing of a body.
const BodyStall = 60 * time.Second

// TextStopping is what a client gets whose request comes too late, or ends with
// the server.
const TextStopping = "agent is shutting down"

const (
	// bodyTimeout is how long a client may take to send a body (reference/security.md §13).
	bodyTimeout = 15 * time.Minute
	// headerTimeout is how long a client may take to send a request's header.
	headerTimeout = 10 * time.Second
	// maxHeaderBytes has room for the longest filter ten times over. Parsed, a header of
	// many short lines is twenty times as large.
	maxHeaderBytes = 64 << 10
	// maxStreams bounds the requests under way on one HTTP/2 connection.
	maxStreams = 100
	// handshakeTimeout is how long a TLS handshake may take.
	handshakeTimeout = 5 * time.Second
	// idleTimeout is longer than clients keep their connections (Go's: 90 s), so
	// that they close first and never write into a closing one.
	idleTimeout = 120 * time.Second
	// stopTimeout is how long answers under way may take once Serve ends.
	stopTimeout = 3 * time.Second
)

// Server serves HTTP on any number of listeners. There is no timeout for answers,
// as blocking queries take minutes, but one for clients that take nothing of them.
type Server struct {
	opts    Options
	conns   conns
	headers budget.Budget
	rates   rates
	hosts   atomic.Pointer[[]string] // BrowserOptions.Hosts in force
}

// New returns a server that does not serve yet.
func New(opts Options) *Server {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	opts.WriteTimeout = cmp.Or(opts.WriteTimeout, writeTimeout)
	opts.BodyTimeout = cmp.Or(opts.BodyTimeout, bodyTimeout)
	opts.HeaderTimeout = cmp.Or(opts.HeaderTimeout, headerTimeout)
	opts.IdleTimeout = cmp.Or(opts.IdleTimeout, idleTimeout)
	opts.MaxHeaderBytes = cmp.Or(opts.MaxHeaderBytes, maxHeaderBytes)
	if opts.Verbose == nil {
		opts.Verbose = opts.Logger.IsDebug
	}
	s := &Server{opts: opts, headers: budget.Budget{Most: maxHeldHeaders, MostPerClient: maxHeldHeadersPerClient}}
	s.conns.logger, s.rates.logger = opts.Logger, opts.Logger
	s.AllowHosts(opts.Browsers.Hosts)
	s.Limit(opts.MaxConnsPerClient, opts.MaxConns)
	return s
}

// Limit bounds the connections of one IP address, and those of all others than this
// machine; 0 means no bound. Those that are open stay.
func (s *Server) Limit(perClient, all int) {
	s.conns.most.Store(int64(perClient))
	s.conns.mostRemote.Store(int64(all))
}

// LimitRequests bounds the requests of one IP address a second, with as many at once; 0
// means no bound.
func (s *Server) LimitRequests(perSecond int) { s.rates.limit(perSecond) }

// AllowHosts replaces BrowserOptions.Hosts, from the next request on.
func (s *Server) AllowHosts(hosts []string) { s.hosts.Store(&hosts) }

// Serve answers on l until ctx ends (nil) or l breaks (why), and closes l. When
// ctx ends so do the contexts of all requests; Serve returns when their handlers
// have. It may be called for many listeners at once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, s.Bounded(l))
}

// Bounded is l as another protocol may serve it: its connections count with those of this
// server, and are bounded with them.
func (s *Server) Bounded(l net.Listener) net.Listener {
	return forgiving{&limited{Listener: l, conns: &s.conns, writeTimeout: s.opts.WriteTimeout}}
}

// ServeTLS is Serve over TLS. A client that has too many connections is told so
// in plain text: it has not shaken hands yet. secure puts TLS on what a listener accepts.
func (s *Server) ServeTLS(ctx context.Context, l net.Listener, secure func(net.Listener) net.Listener) error {
	patient := &handshaking{Listener: s.Bounded(l), timeout: cmp.Or(s.opts.HandshakeTimeout, handshakeTimeout)}
	return s.serve(ctx, secure(patient))
}

// fromClient notes whom the requests of a connection are made for.
func fromClient(ctx context.Context, conn net.Conn) context.Context {
	return rpc.From(ctx, conn.RemoteAddr())
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	handlers, fresh := inflight{next: s.door(l), body: s.opts.BodyTimeout, write: s.opts.WriteTimeout}, freshConns{}
	srv := &http.Server{
		Handler:           &handlers,
		ReadHeaderTimeout: s.opts.HeaderTimeout,
		IdleTimeout:       s.opts.IdleTimeout,
		MaxHeaderBytes:    s.opts.MaxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		BaseContext:       func(net.Listener) context.Context { return withServing(ctx) },
		ConnContext:       func(ctx context.Context, conn net.Conn) context.Context { return withConn(fromClient(ctx, conn), conn) },
		ConnState:         fresh.note,
		ErrorLog:          s.opts.Logger.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true}),
	}
	broken := make(chan error, 1)
	go func() { broken <- srv.Serve(l) }() // waited for below
	var err error
	select {
	case err = <-broken:
		cancel()
		err = errors.Join(fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err), srv.Close())
	case <-ctx.Done():
		err = stop(ctx, srv, &fresh)
		<-broken
	}
	handlers.wait()
	return err
}

// door is what a request passes on its way to the handler.
func (s *Server) door(l net.Listener) http.Handler {
	refused := func(r *http.Request, reason string) { LogFailure(s.opts.Logger, r, reason) }
	return logged{
		next:    pacing{&browsers{next: weighing{lasting{s.opts.Handler}, &s.headers}, origins: s.opts.Browsers.Origins, hosts: s.hosts.Load, loopback: isLoopback(l), log: refused}, &s.rates},
		logger:  s.opts.Logger,
		verbose: s.opts.Verbose,
	}
}

// stop lets answers under way out, for a while.
func stop(ctx context.Context, srv *http.Server, fresh *freshConns) error {
	fresh.closeAll()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if srv.Shutdown(grace) == nil {
		return nil
	}
	return srv.Close() // some did not make it
}

// inflight calls the handler and can wait for all its calls.
type inflight struct {
	next        http.Handler
	body, write time.Duration // what clients get to send a body, and to take something
	calls       sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// ServeHTTP implements http.Handler.
func (f *inflight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.enter() {
		Plain(w, http.StatusServiceUnavailable, TextStopping)
		return
	}
	defer f.calls.Done()
	w, r = steady(w, r, f.body, f.write)
	f.next.ServeHTTP(w, r)
}

func (f *inflight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.calls.Add(1)
	return true
}

// wait returns when no call runs; later ones are refused.
func (f *inflight) wait() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.calls.Wait()
}

// freshConns are the connections that have not sent a request yet. Shutdown
// would wait some seconds for them.
type freshConns struct {
	mu      sync.Mutex
	stopped bool
	open    map[net.Conn]struct{}
}

func (f *freshConns) note(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(f.open, c)
	case f.stopped:
		c.Close()
	default:
		if f.open == nil {
			f.open = map[net.Conn]struct{}{}
		}
		f.open[c] = struct{}{}
	}
}

func (f *freshConns) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	for c := range f.open {
		c.Close()
	}
	clear(f.open)
}

// Plain answers with a line of text.
func Plain(w http.ResponseWriter, status int, text string) {
	w.Header()["Content-Type"] = typeText
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that has left is not an error
}

var typeText = []string{"text/plain; charset=utf-8"} // shared: nobody changes it
