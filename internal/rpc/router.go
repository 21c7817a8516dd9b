package rpc

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/budget"
	"praetor/internal/fault"
	"praetor/internal/logging"
	"praetor/internal/telemetry"
)

// Server is a server that connections are opened to.
type Server struct {
	ID         string // node ID; "" takes whoever answers at the address
	Name       string // node name
	Datacenter string // "" takes one of any
	Address    string // host:port of its RPC listener
}

// Options says how to build a Router.
type Options struct {
	Name       string // of this agent's node, which writes are said to come from
	Datacenter string
	// Local answers operations on this server; nil on client agents.
	Local *Mux
	// IsLeader and Leader tell who leads this datacenter; nil on client agents.
	// Leader returns one without an address when none is known. Both are polled
	// and must not block.
	IsLeader func() bool
	Leader   func() Server
	// CatchUp waits until this server, which does not lead, may answer a read as the leader
	// would, and returns the context to answer it under; false if it may not. nil never may.
	CatchUp func(context.Context, *ReadOptions) (context.Context, bool)
	// InRaft reports whether a server is in this datacenter's Raft configuration,
	// by its ID: such a one is believed how a request came to it, as those that
	// gossip knows are. nil knows nobody.
	InRaft func(id string) bool
	// Abroad is what other datacenters are told instead of a token: those that hold
	// here alone are none there. nil tells every token.
	Abroad func(token string) string
	// IsServer reports whether a certificate, nil for none, proves its holder to be a
	// server of a datacenter: others are not believed how a request came to them. nil
	// asks nobody to prove it.
	IsServer func(cert *x509.Certificate, datacenter string) bool
	// Dialer opens the connections.
	Dialer Dialer
	// HoldTimeout is how long a request waits for a leader; default 7 s.
	HoldTimeout time.Duration
	// ClientTimeout bounds a request that does not block; default 60 s. It
	// does not bound a handler that runs right here.
	ClientTimeout time.Duration
	// Metrics counts the requests that leave this agent; nil counts nothing.
	Metrics *telemetry.Metrics
	Logger  hclog.Logger
}

func (o *Options) fillDefaults() {
	if o.HoldTimeout <= 0 {
		o.HoldTimeout = 7 * time.Second
	}
	if o.ClientTimeout <= 0 {
		o.ClientTimeout = 60 * time.Second
	}
	if o.IsLeader == nil {
		o.IsLeader = func() bool { return false }
	}
	if o.Leader == nil {
		o.Leader = func() Server { return Server{} }
	}
	if o.CatchUp == nil {
		o.CatchUp = func(ctx context.Context, _ *ReadOptions) (context.Context, bool) { return ctx, false }
	}
	if o.Abroad == nil {
		o.Abroad = func(token string) string { return token }
	}
	if o.InRaft == nil {
		o.InRaft = func(string) bool { return false }
	}
	if o.IsServer == nil {
		o.IsServer = func(*x509.Certificate, string) bool { return true }
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
}

// Router carries requests to the server that may answer them: here, the
// leader, any server of this datacenter, or any server of another one. It is
// the Caller of the whole house.
type Router struct {
	opts  Options
	fleet fleet
	pool  pool

	asked, failed *telemetry.Counter  // requests of a client agent
	abroad        *telemetry.Counters // requests to other datacenters

	served struct{ requests, streams, conns *telemetry.Counter } // what comes in over gRPC

	underWay *budget.Budget // of replies
	inWork   *budget.Budget // of requests
	partial  partial        // of requests that are not whole

	warnedServer logging.Seldom // of servers that a client agent did not reach

	limits
}

// NewRouter returns a router that knows no servers yet.
func NewRouter(opts Options) *Router {
	opts.fillDefaults()
	r := &Router{
		opts:     opts,
		underWay: newUnderWay(),
		inWork:   newInWork(),
		partial:  partial{most: maxPartial, perConn: maxPartialPerConn},
		fleet:    fleet{own: opts.Datacenter, servers: map[string][]Server{}},
		pool:     pool{dial: opts.Dialer.dialRPC},
		asked:    opts.Metrics.Counter("client.rpc"), failed: opts.Metrics.Counter("client.rpc.failed"),
		abroad: opts.Metrics.Counters("rpc.cross-dc", "datacenter"),
		limits: limits{
			exceeded: opts.Metrics.Counter("client.rpc.exceeded"), tooFast: tooFast{metrics: opts.Metrics},
		},
	}
	r.served.requests, r.served.streams = opts.Metrics.Counter("grpc.server.request.count"), opts.Metrics.Counter("grpc.server.stream.count")
	r.served.conns = opts.Metrics.Counter("grpc.server.connection.count")
	r.partial.refused = r.refusePartial
	r.fleet.isUp = r.pool.isUp
	r.clientTimeout.Store(int64(opts.ClientTimeout))
	return r
}

// SetServers replaces the list of servers known through gossip, of all
// datacenters. Datacenters names those that exist, whether or not a server of
// theirs lives. Connections to servers no longer listed close within 2 s.
func (r *Router) SetServers(servers []Server, datacenters []string) {
	r.fleet.set(servers, datacenters)
	r.pool.keep(servers)
}

// Redial has requests from now on travel over new connections. Those that are open
// close within 2 s.
func (r *Router) Redial() { r.pool.keep(nil) }

// Do implements Caller.
func (r *Router) Do(ctx context.Context, op *Desc, req Message) (Message, error) {
	return r.route(ctx, op, req, hopNone)
}

// DoAt sends req to one given server, which answers it itself, whoever leads
// (autopilot, bootstrap). It neither retries nor waits for a leader.
func (r *Router) DoAt(ctx context.Context, srv Server, op *Desc, req Message) (Message, error) {
	if r.opts.Local != nil && r.opts.IsLeader() && r.opts.Leader().Address == srv.Address {
		return r.handle(ctx, op, req)
	}
	bounded, cancel := context.WithTimeout(ctx, r.patience(req))
	defer cancel()
	rep, _, err := r.send(bounded, r.fleet.complete(srv), op, req, hopHere)
	if err != nil {
		return nil, r.ended(ctx, op, req, err)
	}
	return rep, nil
}

// Close closes all connections; requests under way fail. The Router must not
// be used afterwards. Calling it twice is fine.
func (r *Router) Close() error {
	r.pool.close()
	return nil
}

// route brings a request, made here or arrived over the wire, to its answer.
func (r *Router) route(ctx context.Context, op *Desc, req Message, h hop) (Message, error) {
	if err := r.admitIn(ctx, op, h); err != nil {
		return nil, err
	}
	datacenter, stale := target(req)
	rep, settled, err := r.routeHere(ctx, op, req, h, datacenter, stale)
	if !settled {
		rep, err = r.message(ctx, op, req, h)
	}
	if err != nil || !stale || h.final() {
		return rep, err
	}
	if fresh := freshen(op, req, rep); fresh != nil {
		return r.route(ctx, op, fresh, h)
	}
	return rep, nil
}

// routeHere is the short way: a request that this server may answer, answered
// without a copy. It is not settled if it must travel or wait for a leader.
func (r *Router) routeHere(ctx context.Context, op *Desc, req Message, h hop, datacenter string, stale bool) (rep Message, settled bool, err error) {
	here := r.isOwn(datacenter) && r.answersHere(op, stale, h)
	if !here && r.isOwn(datacenter) && op.Replicated && !h.final() && !blocks(req) {
		ctx, here = r.opts.CatchUp(ctx, ReadOptionsOf(req))
	}
	if !here {
		return nil, false, nil
	}
	rep, err = r.handle(ctx, op, req)
	return rep, err == nil || h.final() || fault.KindOf(err) != fault.NoLeader, err
}

// message carries a request that nothing follows.
func (r *Router) message(ctx context.Context, op *Desc, req Message, h hop) (Message, error) {
	bounded, cancel := context.WithTimeout(ctx, r.patience(req))
	defer cancel()
	w := call{r: r}
	if err := r.carry(ctx, bounded, op, req, &w, h); err != nil {
		return nil, err
	}
	return w.rep, nil
}

// carry tries until the request is answered, refused, or was held too long. ctx is
// the sender's, bounded what the attempts get of it.
func (r *Router) carry(ctx, bounded context.Context, op *Desc, req Message, w way, h hop) error {
	start := time.Now()
	wait := hold{limit: r.opts.HoldTimeout}
	for ask := req; ; ask = shorten(op, req, time.Since(start)) {
		began := time.Now()
		v, err := r.try(bounded, op, ask, w, h)
		if err == nil {
			return nil
		}
		if v == final || h.final() || w.spent() || !wait.next(bounded, v, began) {
			return r.ended(ctx, op, req, err)
		}
	}
}

// try makes one attempt at the request: the routing rules.
func (r *Router) try(ctx context.Context, op *Desc, req Message, w way, h hop) (verdict, error) {
	datacenter, stale := target(req)
	switch {
	case r.opts.Local == nil:
		return r.tryServers(ctx, op, req, w)
	case !r.isOwn(datacenter) && h != hopNone:
		return final, errNoPath()
	case !r.isOwn(datacenter):
		return r.tryDatacenter(ctx, datacenter, op, req, w)
	case r.answersHere(op, stale, h):
		err := w.handle(ctx, op, req)
		return verdictOf(err), err
	case h == hopLeader:
		return final, errNoLeader()
	}
	leader := r.opts.Leader()
	if leader.Address == "" {
		return retry, errNoLeader()
	}
	return w.send(ctx, r.fleet.complete(leader), op, req, hopLeader)
}

func (r *Router) isOwn(datacenter string) bool {
	return datacenter == "" || datacenter == r.opts.Datacenter
}

// answersHere reports whether this server may run the handler itself.
func (r *Router) answersHere(op *Desc, stale bool, h hop) bool {
	if r.opts.Local == nil {
		return false
	}
	return h == hopHere || op.Place == AnyServer || (op.Place == ByOptions && stale) || r.opts.IsLeader()
}

// handle runs the handler with the request as it is.
func (r *Router) handle(ctx context.Context, op *Desc, req Message) (rep Message, err error) {
	defer fault.Survive(&err, op.Name, r.opts.Logger.Error)
	reg, ok := r.opts.Local.handlers[op.Name]
	if !ok {
		return nil, fault.New(fault.Internal, "no handler for operation %s", op.Name)
	}
	return reg.handle(ctx, req)
}

var _ Caller = (*Router)(nil)
