package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/agent/presence"
	"praetor/agent/server"
	"praetor/agent/token"
	"praetor/dnsserver"
	"praetor/gossip"
	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/httpserver"
	"praetor/internal/leaf"
	"praetor/internal/life"
	"praetor/internal/logging"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/userevent"
	"praetor/internal/view"
)

// Options says how to build an Agent.
type Options struct {
	Runtime *config.Runtime
	Logger  *logging.Logger
	// Network is the world outside; nil means real sockets.
	Network Network
	// Clock measures a leader's lease (raftstore.Options.Clock); nil means the system's.
	Clock func() time.Duration
	// FileOp is raftstore.Options.FileOp, of a server: a test's bad disk.
	FileOp func(label string) error
	// Metrics takes what this agent measures; nil means figures of its own.
	Metrics *telemetry.Metrics
	// Duties is what this agent does as a client of itself.
	Duties Duties
}

// Agent is one running node.
type Agent struct {
	id       string
	network  Network
	clock    func() time.Duration
	fileOp   func(label string) error
	logger   hclog.Logger
	root     *logging.Logger
	acl      acl.Resolver
	secrets  *token.Store
	metrics  *telemetry.Metrics
	duties   Duties
	tls      secured
	dir      *dataDir
	bound    bound
	started  time.Time
	presence *presence.File

	lan       *gossip.Pool
	wan       *gossip.Pool // nil on clients and where the WAN pool is off
	servers   knownServers
	server    *server.Server // nil on clients
	router    *rpc.Router
	views     *view.Views
	leaves    *leaf.Leaves // nil where the mesh is off
	local     *local.State
	events    *userevent.Ring
	badEvents logging.Seldom // that could not be read: anybody may send them
	api       *httpapi.API
	ui        atomic.Pointer[httpapi.UI] // as last configured
	front     *httpserver.Server         // what serves api
	dns       *dnsserver.Server
	servesDNS bool // over UDP and TCP, or TLS: then over HTTPS too

	closers []io.Closer           // what Open took, in order
	flood   chan struct{}         // one token: servers of the LAN pool changed
	jobs    chan *userevent.Event // of remote execution
	rewatch chan struct{}         // one token: the configuration's watches may have changed

	examining chan struct{} // one token: held while an examination runs

	joinErr   atomic.Pointer[string] // why retry_join has reached nobody yet
	joinTried atomic.Bool            // whether retry_join has been tried once, if there is one

	// runtime is the configuration in force; a reload replaces it.
	runtime atomic.Pointer[config.Runtime]

	reloading sync.Mutex // held while a reload runs
	leaving   sync.Once
	left      chan struct{} // closed when Leave is done: Run then ends
}

// Open binds every address, then takes the data folder, then builds the parts.
// On an error nothing of the agent is left. An agent that gets its certificate from the
// servers is not open before it has it: it answers nothing until then, and ctx ends that.
func Open(ctx context.Context, opts Options) (*Agent, error) {
	if opts.Network == nil {
		opts.Network = sockets{}
	}
	a := &Agent{
		network: opts.Network, clock: opts.Clock, fileOp: opts.FileOp, root: opts.Logger, logger: opts.Logger, metrics: opts.Metrics, duties: opts.Duties,
		acl: acl.AllowAll{}, events: userevent.NewRing(), started: time.Now(), left: make(chan struct{}), flood: make(chan struct{}, 1), rewatch: make(chan struct{}, 1), examining: make(chan struct{}, 1), jobs: make(chan *userevent.Event, rexecMax),
	}
	a.runtime.Store(opts.Runtime)
	first, late := a.bindClients, func(*config.Runtime) error { return nil }
	if opts.Runtime.AutoEncrypt.TLS {
		first, late = late, func(rt *config.Runtime) error {
			if err := a.enrol(ctx, rt); err != nil {
				return err
			}
			return a.bindClients(rt)
		}
	}
	for _, step := range []func(*config.Runtime) error{
		a.openTLS, first, a.bind, a.openDataDir, a.openTelemetry, a.openTokens, a.openPools, late, a.openServer, a.openViews, a.openLeaves, a.openLocal, a.openDNS, a.openHTTP, a.openLimits, a.writePID,
	} {
		if err := step(opts.Runtime); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// own remembers c to be closed with the agent.
func (a *Agent) own(c io.Closer) { a.closers = append(a.closers, c) }

// Run works until ctx ends, Leave was called, or a part breaks.
func (a *Agent) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := life.NewGroup()
	parts.Add("gossip", a.runGossip)
	if a.server != nil {
		parts.Add("server", a.server.Run)
		parts.Add("presence", func(ctx context.Context) error { return a.presence.Run(ctx, a.id) })
	}
	parts.Add("local", a.local.Run)
	parts.Add("views", a.views.Run)
	if a.leaves != nil {
		parts.Add("leaves", a.leaves.Run)
	}
	if rt := a.runtime.Load(); rt.AutoEncrypt.TLS || rt.AutoEncrypt.AllowTLS {
		parts.Add("auto-encrypt", a.runAutoEncrypt)
	}
	parts.Add("questions", a.runQuestions)
	parts.Add("coordinates", a.runCoordinates)
	parts.Add("dns", a.dns.Run)
	parts.Add("http", a.runHTTP)
	parts.Add("grpc", a.runGRPC)
	parts.Add("telemetry", a.runTelemetry)
	parts.Add("join", a.runJoins)
	parts.Add("watches", a.runWatches)
	parts.Add("auto-reload", a.runAutoReload)
	parts.Add("jobs", a.runJobs)
	parts.Add("leave", func(ctx context.Context) error {
		select {
		case <-a.left:
			cancel()
			<-ctx.Done()
		case <-ctx.Done():
			notify(stateStopping)
		}
		return nil
	})
	a.logger.Info("Consul agent running!")
	return parts.Run(ctx)
}

// Close gives back what Open took. Without a Leave before it, others see this
// agent fail. Calling it twice is fine.
func (a *Agent) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

// ID is the node's UUID.
func (a *Agent) ID() string { return a.id }

// Router carries requests to the servers, as the agent's own front doors send
// them.
func (a *Agent) Router() *rpc.Router { return a.router }

// Server is the server half, nil on client agents.
func (a *Agent) Server() *server.Server { return a.server }

// DNS answers questions as they come to the agent's DNS ports.
func (a *Agent) DNS() *dnsserver.Server { return a.dns }

// Local is what is registered with this agent.
func (a *Agent) Local() *local.State { return a.local }

// leaveWait bounds how long Run goes on after Leave so that the answer to the
// request that asked for it gets out.
const leaveWait = 100 * time.Millisecond

// leaveLimit bounds the whole of a graceful leave.
const leaveLimit = 30 * time.Second

// Leave says goodbye to the cluster and then ends Run (reference/internals.md
// §11). Further calls wait for the first.
func (a *Agent) Leave() error {
	var err error
	a.leaving.Do(func() {
		a.logger.Info("Leaving the cluster")
		notify(stateStopping)
		err = a.leave()
		time.AfterFunc(leaveWait, func() { close(a.left) })
	})
	return err
}

func (a *Agent) leave() error {
	// A leave carries on even if the caller goes away, so it takes no caller's context.
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	a.local.Quiesce()
	if a.server == nil {
		return a.lan.Leave()
	}
	var errs []error
	errs = append(errs, a.server.PrepareLeave(ctx))
	if a.wan != nil {
		errs = append(errs, a.wan.Leave())
	}
	errs = append(errs, a.lan.Leave(), a.server.FinishLeave(ctx))
	return errors.Join(errs...)
}
