package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	autopilot "github.com/hashicorp/raft-autopilot"
	"github.com/hashicorp/serf/coordinate"

	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/life"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/raftstore"
)

// Pool is what the server asks of a gossip pool.
type Pool interface {
	Members() []gossip.Member
	ForceLeave(name string, prune bool) error
	Fire(name string, payload []byte) error
	Ask(ctx context.Context, member, name string, payload []byte) ([]byte, error)
	// Identify asks who is at a member's address; an error means nobody.
	Identify(ctx context.Context, m gossip.Member) (gossip.Identity, error)
	// Coordinate is where this server is, CachedCoordinate where a member is; nil
	// if that is not known.
	Coordinate() *coordinate.Coordinate
	CachedCoordinate(name string) *coordinate.Coordinate
}

// Options says how to build a Server.
type Options struct {
	Name, ID   string // node name and ID
	Datacenter string
	Address    string // advertised host:port of the RPC listener

	// Bootstrap elects this server at once if it has no state; BootstrapExpect
	// waits for so many servers first (reference/internals.md §9).
	Bootstrap       bool
	BootstrapExpect int
	Dev             bool // as Bootstrap, without saying so to others

	// Raft carries folder, backend and timing; the rest is filled in here.
	Raft     raftstore.Options
	Listener net.Listener // the RPC port, not yet told apart
	Dial     func(ctx context.Context, address string) (net.Conn, error)
	// Keys, AcceptUnproven and AskUnproven are as in rpc.Identity.
	Keys                        func(datacenter string) [][]byte
	AcceptUnproven, AskUnproven bool

	LAN     Pool
	WAN     Pool // nil where the WAN pool is off
	LANKeys Keys // the keys of both pools; the WAN's may be nil
	WANKeys Keys
	ACL     acl.Resolver

	DefaultQueryTime time.Duration       // of blocking reads that name none; default 5 min
	MaxQueryTime     time.Duration       // default 10 min
	HoldTimeout      time.Duration       // for a leader; default 7 s
	LeaveDrainTime   time.Duration       // default 5 s
	SessionTTLMin    time.Duration       // the shortest TTL of a session; default 10 s
	ClientTimeout    time.Duration       // default 60 s
	Autopilot        catalog.Autopilot   // what the first leader writes; zero means Consul's defaults
	KVMaxValueSize   uint64              // bytes of a key's value; default 512 KiB
	Entries          []configentry.Entry // a new leader writes those that are not there
	Metrics          *telemetry.Metrics  // nil measures nothing
	Logger           hclog.Logger
}

func (o *Options) fillDefaults() error {
	if o.DefaultQueryTime == 0 {
		o.DefaultQueryTime = 5 * time.Minute
	}
	if o.MaxQueryTime == 0 {
		o.MaxQueryTime = 10 * time.Minute
	}
	if o.HoldTimeout == 0 {
		o.HoldTimeout = 7 * time.Second
	}
	if o.LeaveDrainTime == 0 {
		o.LeaveDrainTime = 5 * time.Second
	}
	if o.KVMaxValueSize == 0 {
		o.KVMaxValueSize = defaultKVMaxValue
	}
	if o.SessionTTLMin == 0 {
		o.SessionTTLMin = minSessionTTL
	}
	if o.Autopilot == (catalog.Autopilot{}) {
		o.Autopilot = defaultAutopilot
	}
	if o.ACL == nil {
		o.ACL = acl.AllowAll{}
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	var errs []error
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"a name", o.Name == ""},
		{"an ID", o.ID == ""},
		{"a datacenter", o.Datacenter == ""},
		{"an address", o.Address == ""},
		{"a listener", o.Listener == nil},
		{"a LAN pool", o.LAN == nil},
	} {
		if part.missing {
			errs = append(errs, fmt.Errorf("server: needs %s", part.name))
		}
	}
	return errors.Join(errs...)
}

// Server is the server half of an agent.
type Server struct {
	opts     Options
	orders   orders
	logger   hclog.Logger
	store    *catalog.Store
	raft     *raftstore.Store
	listener *rpc.Listener
	router   *rpc.Router
	dialer   rpc.Dialer
	vetting  *vetting
	views    views
	overview overview
	measured *measured
	evidence *evidence // of the reconcile loop

	coordinates coordinates // reported, not stored yet
	timers      sessionTimers
	delays      lockDelays

	// readyTerm is the Raft term in which this server, leading, had applied all
	// that earlier leaders committed: only in that term may it answer default
	// reads. A term cannot come back, so an old one can do no harm.
	readyTerm atomic.Uint64
	leaving   atomic.Bool // no more requests: this server is about to go

	restoring   sync.Mutex    // held by the one restore under way
	restored    chan struct{} // makes the leader take up its duties anew
	established atomic.Uint64 // how often it has

	pilot atomic.Pointer[autopilot.Autopilot] // nil while this server does not lead

	memberEvents chan gossip.Event // to the leader loop; bounded, see HandleLAN
	missed       atomic.Bool       // an event did not fit: a full pass is due
	bootstrapped chan struct{}     // wakes the bootstrap loop

	entries  atomic.Pointer[[]configentry.Entry] // Options.Entries, as last loaded
	reloaded chan struct{}                       // one token: they may have changed
}

// Open takes the log and the port. A server that bootstraps alone leads as
// soon as Run runs.
func Open(opts Options) (*Server, error) {
	if err := opts.fillDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, logger: opts.Logger, store: catalog.New(),
		overview:     overview{made: time.Now()},
		measured:     newMeasured(opts.Metrics),
		memberEvents: make(chan gossip.Event, maxMemberEvents),
		bootstrapped: make(chan struct{}, 1), restored: make(chan struct{}),
		reloaded: make(chan struct{}, 1), vetting: newVetting(),
	}
	s.entries.Store(&opts.Entries)
	s.dialer = rpc.Dialer{Network: opts.Dial, Identity: rpc.Identity{
		ID: opts.ID, Datacenter: opts.Datacenter, Keys: opts.Keys,
		AcceptUnproven: opts.AcceptUnproven, AskUnproven: opts.AskUnproven,
	}}
	s.listener = rpc.NewListener(counted{opts.Listener, s.measured.conns}, rpc.ListenerOptions{
		Identity: s.dialer.Identity, Knows: s.knows, Logger: s.logger.Named("rpc"),
	})
	raftOpts := opts.Raft
	raftOpts.ID, raftOpts.Address = opts.ID, opts.Address
	raftOpts.Listener, raftOpts.Dial = s.listener.Raft(), s.dialRaft
	raftOpts.Machine = machine{s.store, &s.delays, s.measured.applied}
	raftOpts.Logger, raftOpts.Metrics = s.logger.Named("raft"), opts.Metrics
	var err error
	if s.raft, err = raftstore.Open(raftOpts); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	s.router = rpc.NewRouter(rpc.Options{
		Datacenter: opts.Datacenter, Local: s.mux(),
		IsLeader: s.IsLeader, Leader: s.leader,
		Dialer: s.dialer, HoldTimeout: opts.HoldTimeout, ClientTimeout: opts.ClientTimeout,
		Metrics: opts.Metrics, Logger: s.logger.Named("rpc"),
	})
	if err := s.bootstrapAlone(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Run answers requests and does a leader's duties until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	parts := life.NewGroup()
	parts.Add("rpc listener", s.listener.Run)
	parts.Add("rpc", func(ctx context.Context) error {
		return rpc.Serve(ctx, s.listener.RPC(), s.router, s.logger.Named("rpc"))
	})
	parts.Add("bootstrap", s.runBootstrap)
	parts.Add("leader", s.runLeadership)
	parts.Add("raft log", s.raft.Watch)
	return parts.Run(ctx)
}

// Close gives back what Open took.
func (s *Server) Close() error {
	return errors.Join(s.router.Close(), s.raft.Close(), s.listener.Close())
}

// LimitConnections bounds what one address may hold of the RPC port, 0 for no bound, and
// the time that a connection gets to say what it is for.
func (s *Server) LimitConnections(perIP int, handshake time.Duration) {
	s.listener.Limit(perIP, handshake)
}

// Reload puts in force what of opts may change while a server runs: how Raft is
// timed and when it snapshots (raftstore.Store.Reload), and Entries, of which a
// leader writes those that are not there. If Raft refuses its part nothing changes.
func (s *Server) Reload(opts Options) error {
	if err := s.raft.Reload(opts.Raft); err != nil {
		return fmt.Errorf("reload raft: %w", err)
	}
	s.entries.Store(&opts.Entries)
	select {
	case s.reloaded <- struct{}{}:
	default: // one is due already
	}
	return nil
}

// Router carries requests, local ones and those from other nodes.
func (s *Server) Router() *rpc.Router { return s.router }

// Store is the replicated state.
func (s *Server) Store() *catalog.Store { return s.store }

// IsLeader tells whether this server leads and has taken up its duties.
func (s *Server) IsLeader() bool {
	return s.raft.IsLeader() && s.raft.Raft().CurrentTerm() == s.readyTerm.Load()
}

// Leader is where the leader answers, "" if none is known or it is this server
// and not ready yet.
func (s *Server) Leader() string { return s.leader().Address }

func (s *Server) leader() rpc.Server {
	id, address := s.raft.Leader()
	if id == s.opts.ID && !s.IsLeader() {
		return rpc.Server{}
	}
	return rpc.Server{ID: id, Datacenter: s.opts.Datacenter, Address: address}
}

// machine lets the log drive the catalog.
type machine struct {
	store   *catalog.Store
	delays  *lockDelays
	applied func(batch []catalog.Entry, took time.Duration)
}

func (m machine) Apply(entries []raftstore.Entry) []any {
	batch := make([]catalog.Entry, len(entries))
	for i, e := range entries {
		batch[i] = catalog.Entry{Index: e.Index, Data: e.Data}
	}
	start := time.Now()
	results := m.store.ApplyTelling(batch, func(freed []catalog.FreedLock) { m.delays.begin(freed, entries, start) })
	m.applied(batch, time.Since(start))
	return results
}

func (m machine) Snapshot() (raftstore.Snapshot, error) { return snapshot{m.store.Read()}, nil }
func (m machine) Restore(r io.Reader) error             { return m.store.Restore(r) }

// Check tries a state out on a catalog of its own.
func (m machine) Check(r io.Reader) error { return catalog.New().Restore(r) }

type snapshot struct{ tx *catalog.Tx }

func (s snapshot) Write(w io.Writer) error { return s.tx.WriteSnapshot(w) }

var (
	_ raftstore.Machine = machine{}
	_ raftstore.Checker = machine{}
)
