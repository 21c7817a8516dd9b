package rpc

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"

	"praetor/internal/fault"
)

const (
	// methodPrefix and an operation's name make its gRPC method.
	serviceName  = "praetor.ops"
	methodPrefix = "/" + serviceName + "/"

	// maxRequestBytes: a transaction's body may be set far above its default
	// of 512 KiB; nobody sets it to 64 MiB, and Raft would choke before.
	maxRequestBytes = 64 << 20
	// maxReplyBytes: listing a whole KV tree answers with all of it. Beyond
	// this the JSON made of it would be a problem first.
	maxReplyBytes = 256 << 20

	// connectTimeout is for TCP and TLS; three round trips around the world
	// take one second. Below half the hold timeout, so that a request that ran
	// into a dead server tries another.
	connectTimeout = 3 * time.Second
	// A server that cannot be reached is tried again in the background after
	// reconnectMin, growing to reconnectMax: a restarted one is back fast.
	reconnectMin = 50 * time.Millisecond
	reconnectMax = time.Second
	// A connection with requests on it that is silent for pingAfter is probed
	// and given up pingTimeout later. 10 s is gRPC's least.
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
	// idleTimeout closes connections nobody used, such as to servers that a
	// client agent was moved away from.
	idleTimeout = 10 * time.Minute
	// retireAfter lets short requests to a server that left finish.
	retireAfter = 2 * time.Second
)

const (
	// messageWindow is how much of a message may be under way, messagesWindow of all
	// on a connection: 40 MB/s for one over a WAN of 100 ms, 160 MB/s for many. That they
	// are fixed spares two pings for each request: gRPC sends them with what it
	// receives, to measure what the windows should be.
	messageWindow  = 4 << 20
	messagesWindow = 16 << 20
	// bodyWindow is how much of a body may arrive before it is read: 2.5 MB/s over a
	// round trip of 100 ms. gRPC would let it grow to 16 MB, for each of all readers
	// who are slow.
	bodyWindow = 256 << 10
	// bodiesWindow is for all bodies on a connection. It is given back when they
	// arrive, not when they are read.
	bodiesWindow = 4 << 20
)

// lane separates requests that take minutes from those that take
// milliseconds, so that many of the former never keep the latter waiting for a
// free stream, and from bodies, whose readers may be slow. Each lane has its own connection.
type lane uint8

const (
	laneShort lane = iota
	laneBlocking
	laneBodies
)

func laneOf(req Message) lane {
	if blocks(req) {
		return laneBlocking
	}
	return laneShort
}

type poolKey struct {
	srv  Server
	lane lane
}

// pool holds the client side of connections, one per server and lane. The zero
// value with dial set is ready.
type pool struct {
	dial    func(context.Context, Server) (net.Conn, error)
	closing sync.WaitGroup // connections being retired

	mu      sync.Mutex
	links   map[poolKey]*link
	retired map[*link]*time.Timer // each counted in closing
	closed  bool
}

// link is a connection to a server.
type link struct {
	conn  *grpc.ClientConn
	batch batcher
}

// ask asks a server once. It reports whether the request may have reached it.
func (l *link) ask(ctx context.Context, op *Desc, req, rep Message, said *origin) (reached bool, err error) {
	if op.Brief && !blocks(req) && req.Msgsize() <= maxBrief {
		if reached, err = l.batch.ask(ctx, op, req, rep, said); err != errAlone {
			return reached, err
		}
	}
	return l.askAlone(ctx, op, req, rep, said)
}

// askAlone is ask with a call of its own.
func (l *link) askAlone(ctx context.Context, op *Desc, req, rep Message, said *origin) (reached bool, err error) {
	var to peer.Peer // gRPC fills it once the request got a stream
	err = l.conn.Invoke(said.outgoing(ctx), op.path(), req, rep, grpc.Peer(&to))
	return to.Addr != nil, err
}

// close closes the connection, and returns when nothing of it runs any more.
func (l *link) close() {
	_ = l.conn.Close() // says only that it was closed before
	l.batch.close()
}

// get returns the connection to a server, making it first if there is none.
// It does not wait for the connection to be up: the request does.
func (p *pool) get(srv Server, way lane) (*link, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := poolKey{srv, way}
	if l := p.links[key]; l != nil {
		return l, nil
	}
	if p.closed {
		return nil, fault.New(fault.Internal, "the router is closed: this agent is shutting down")
	}
	conn, err := p.connect(srv, way)
	if err != nil {
		return nil, fmt.Errorf("prepare connection to server %s: %w", srv.Address, err)
	}
	if p.links == nil {
		p.links = make(map[poolKey]*link)
	}
	l := &link{conn: conn, batch: batcher{conn: conn}}
	p.links[key] = l
	return l, nil
}

func (p *pool) connect(srv Server, l lane) (*grpc.ClientConn, error) {
	opts := []grpc.DialOption{
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.dial(ctx, srv) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("praetor"),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableHealthCheck(),
		grpc.WithDisableRetry(), // retrying is the router's; what gRPC knows to be unsent it still sends again
		grpc.WithIdleTimeout(idleTimeout),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectMin, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectMax},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(codec{}),
			grpc.MaxCallSendMsgSize(maxRequestBytes),
			grpc.MaxCallRecvMsgSize(maxReplyBytes),
		),
	}
	window, windows := int32(messageWindow), int32(messagesWindow)
	if l == laneBodies {
		window, windows = bodyWindow, bodiesWindow
	}
	opts = append(opts, grpc.WithStaticStreamWindowSize(window), grpc.WithStaticConnWindowSize(windows))
	return grpc.NewClient("passthrough:///"+srv.Address, opts...)
}

// isUp reports whether there is a connection to a server; if not, it is being
// opened.
func (p *pool) isUp(srv Server) bool {
	l, err := p.get(srv, laneShort)
	if err != nil {
		return false
	}
	if l.conn.GetState() == connectivity.Ready {
		return true
	}
	l.conn.Connect()
	return false
}

// keep retires connections to servers that are not listed.
func (p *pool) keep(servers []Server) {
	listed := make(map[string]bool, len(servers))
	for _, s := range servers {
		listed[s.Address] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, l := range p.links {
		if !listed[key.srv.Address] {
			delete(p.links, key)
			p.retireLocked(l)
		}
	}
}

func (p *pool) retireLocked(l *link) {
	if p.retired == nil {
		p.retired = make(map[*link]*time.Timer)
	}
	p.closing.Add(1)
	p.retired[l] = time.AfterFunc(retireAfter, func() { // waited for by close
		defer p.closing.Done()
		l.close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.retired, l)
	})
}

// close closes all connections and waits until they are.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	var open []*link
	for _, l := range p.links {
		open = append(open, l)
	}
	for l, t := range p.retired {
		if t.Stop() {
			p.closing.Done()
			delete(p.retired, l)
			open = append(open, l)
		}
	}
	p.links = nil
	p.mu.Unlock()
	for _, l := range open {
		l.close()
	}
	p.closing.Wait()
}

// path is an operation's gRPC method.
func (d *Desc) path() string {
	if d.method == "" {
		return methodPrefix + d.Name
	}
	return d.method
}
