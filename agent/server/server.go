package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/acls"
	"praetor/agent/server/ca"
	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/agent/server/operator"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/tlsconf"
	"praetor/raftstore"
)

// Options says how to build a Server.
type Options struct {
	Name, ID   string // node name and ID
	Datacenter string
	// Primary and ReplicationToken are as in kernel.Options.
	Primary          string
	ReplicationToken func() string
	Address          string // advertised host:port of the RPC listener

	// Bootstrap elects this server at once if it has no state; BootstrapExpect
	// waits for so many servers first (reference/internals.md §9).
	Bootstrap       bool
	BootstrapExpect int
	ReadReplica     bool // this server never votes, so it founds no cluster
	Dev             bool // as Bootstrap, without saying so to others

	// Raft carries folder, backend and timing; the rest is filled in here.
	Raft     raftstore.Options
	Listener net.Listener // the RPC port, not yet told apart
	Dial     func(ctx context.Context, address string) (net.Conn, error)
	// Keys, AcceptUnproven and AskUnproven are as in rpc.Identity.
	Keys                        func(datacenter string) [][]byte
	AcceptUnproven, AskUnproven bool
	// TLS secures the RPC port and the connections to others'; nil for none.
	TLS *tlsconf.Source

	// Store is what the log drives, nil for an empty one of this version.
	Store *catalog.Store

	LAN     kernel.Pool
	WAN     kernel.Pool   // nil where the WAN pool is off
	LANKeys operator.Keys // the keys of both pools; the WAN's may be nil
	WANKeys operator.Keys
	ACL     acl.Resolver // of tokens, where ACLs are not enabled; nil allows everything
	ACLs    acls.Options // Logger is filled in
	CA      ca.Options   // the same

	KeyListPolicy bool // lists of keys ask for key:list too

	DefaultQueryTime time.Duration          // of blocking reads that name none; default 5 min
	MaxQueryTime     time.Duration          // default 10 min
	HoldTimeout      time.Duration          // for a leader; default 7 s
	LeaveDrainTime   time.Duration          // default 5 s
	SessionTTLMin    time.Duration          // the shortest TTL of a session; default 10 s
	ClientTimeout    time.Duration          // default 60 s
	Autopilot        catalog.Autopilot      // what the first leader writes; zero means Consul's defaults
	History          catalog.HistoryOptions // what is remembered of changes
	KVMaxValueSize   uint64                 // bytes of a key's value; default 512 KiB
	Entries          []configentry.Entry    // a new leader writes those that are not there
	Backups          *BackupOptions         // nil takes none
	Metrics          *telemetry.Metrics     // nil measures nothing
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
		o.Autopilot = duty.DefaultAutopilot
	}
	if o.ACL == nil {
		o.ACL = acl.AllowAll{}
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Store == nil {
		o.Store = catalog.New()
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
	kernel   *kernel.Kernel
	duties   *duty.Set
	acls     *acls.Service
	ca       *ca.Service
	listener *rpc.Listener
	overview overview
	measured *measured
	backups  *backups // nil where none are taken

	restoring sync.Mutex // held by the one restore under way
	binding   sync.Mutex // held by who binds routes to gateways
}

// Open takes the log and the port. A server that bootstraps alone leads as
// soon as Run runs.
func Open(opts Options) (*Server, error) {
	if err := opts.fillDefaults(); err != nil {
		return nil, err
	}
	s := &Server{opts: opts, overview: overview{made: time.Now()}, measured: newMeasured(opts.Metrics)}
	s.kernel = kernel.New(kernel.Options{
		Name: opts.Name, ID: opts.ID, Datacenter: opts.Datacenter, Primary: opts.Primary, ReplicationToken: opts.ReplicationToken, LAN: opts.LAN, WAN: opts.WAN, ACL: opts.ACL,
		DefaultQueryTime: opts.DefaultQueryTime, MaxQueryTime: opts.MaxQueryTime, Metrics: opts.Metrics, Logger: opts.Logger,
	})
	s.kernel.Store = opts.Store
	s.kernel.Store.KeepHistory(opts.History)
	opts.ACLs.Logger = opts.Logger.Named("acl")
	s.acls = acls.New(s.kernel, opts.ACLs)
	if opts.ACLs.Enabled {
		s.kernel.ACL = s.acls
	}
	opts.CA.Logger = opts.Logger.Named("connect.ca")
	s.ca = ca.New(s.kernel, opts.CA)
	witness := raftstore.NewWitness()
	dialer := rpc.Dialer{Network: opts.Dial, TLS: rpc.Outgoing(opts.TLS), Refused: s.kernel.Doubt, Identity: rpc.Identity{
		ID: opts.ID, Datacenter: opts.Datacenter, Keys: opts.Keys,
		AcceptUnproven: opts.AcceptUnproven, AskUnproven: opts.AskUnproven,
		Instance: witness.Instance, Seen: witness.Seen, Told: witness.Told,
	}}
	s.backups = s.newBackups()
	s.duties = duty.New(s.kernel, duty.Options{
		Address: opts.Address, Dialer: dialer, Witness: witness, Bootstrap: opts.Bootstrap, BootstrapExpect: opts.BootstrapExpect, ReadReplica: opts.ReadReplica, Dev: opts.Dev,
		LeaveDrainTime: opts.LeaveDrainTime, Autopilot: opts.Autopilot, Entries: opts.Entries,
		Establish: []func(context.Context) error{s.acls.Establish, s.ca.Establish}, Others: []func(context.Context){s.acls.ExpireTokens, s.acls.Replicate, s.ca.Run, s.followGateways, s.backups.run},
	})
	s.listener = rpc.NewListener(counted{opts.Listener, s.measured.conns}, rpc.ListenerOptions{
		Identity: dialer.Identity, Knows: s.duties.Knows, IsTwin: s.duties.IsTwin, Gone: s.kernel.Doubt, TLS: opts.TLS, Uncertified: opts.CA.AutoEncrypt && opts.TLS != nil, Logger: opts.Logger.Named("rpc"),
	})
	if err := s.openRaft(witness); err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	s.kernel.Router = rpc.NewRouter(rpc.Options{
		Name: opts.Name, Datacenter: opts.Datacenter, Local: s.mux(),
		IsLeader: s.kernel.IsLeader, Leader: s.kernel.Leader, CatchUp: s.kernel.CatchUp, InRaft: s.duties.InRaft, IsServer: opts.TLS.IsServer,
		Abroad: s.acls.Abroad, Dialer: dialer, HoldTimeout: opts.HoldTimeout, ClientTimeout: opts.ClientTimeout,
		Metrics: opts.Metrics, Logger: opts.Logger.Named("rpc"),
	})
	if err := s.duties.BootstrapAlone(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) openRaft(witness *raftstore.Witness) (err error) {
	o := s.opts.Raft
	o.ID, o.Address = s.opts.ID, s.opts.Address
	o.Listener, o.Dial = s.listener.Raft(), s.duties.DialRaft
	o.Witness = witness
	o.Machine = machine{s.kernel.Store, &s.duties.Delays, s.measured.applied}
	o.Logger, o.Metrics = s.opts.Logger.Named("raft"), s.opts.Metrics
	s.kernel.Raft, err = raftstore.Open(o)
	return err
}

// Run answers requests and does a leader's duties until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	parts := life.NewGroup()
	parts.Add("rpc listener", s.listener.Run)
	parts.Add("rpc", func(ctx context.Context) error {
		return rpc.Serve(ctx, s.listener.RPC(), s.kernel.Router, s.opts.Logger.Named("rpc"))
	})
	if l := s.listener.Uncertified(); l != nil {
		parts.Add("auto-encrypt", func(ctx context.Context) error {
			return rpc.ServeOnly(ctx, l, s.kernel.Router, ops.AutoEncryptSign, s.opts.Logger.Named("rpc"))
		})
	}
	parts.Add("rate limit", s.followRateLimit)
	parts.Add("bootstrap", s.duties.RunBootstrap)
	parts.Add("leader", s.duties.RunLeadership)
	parts.Add("raft log", s.kernel.Raft.Watch)
	return parts.Run(ctx)
}

// Close gives back what Open took.
func (s *Server) Close() error {
	return errors.Join(s.kernel.Router.Close(), s.kernel.Raft.Close(), s.listener.Close())
}

// LimitConnections bounds what one address may hold of the RPC port, 0 for no bound, and
// the time that a connection gets to say what it is for.
func (s *Server) LimitConnections(perIP int, handshake time.Duration) {
	s.listener.Limit(perIP, handshake)
}

// Reload puts in force what of opts may change while a server runs: how Raft is
// timed and when it snapshots (raftstore.Store.Reload), History, and Entries, of which a
// leader writes those that are not there. If Raft refuses its part nothing changes.
func (s *Server) Reload(opts Options) error {
	if err := s.kernel.Raft.Reload(opts.Raft); err != nil {
		return fmt.Errorf("reload raft: %w", err)
	}
	s.duties.Reload(opts.Entries)
	s.kernel.Store.KeepHistory(opts.History)
	return nil
}

// Redial has what this server asks of others travel over new connections: TLS changed.
func (s *Server) Redial() {
	s.kernel.Router.Redial()
	s.kernel.Raft.Redial()
}

// Router carries requests, local ones and those from other nodes.
func (s *Server) Router() *rpc.Router { return s.kernel.Router }

// ACL resolves tokens as this server's handlers see them.
func (s *Server) ACL() acl.Resolver { return s.kernel.ACL }

// Store is the replicated state.
func (s *Server) Store() *catalog.Store { return s.kernel.Store }

// IsLeader reports whether this server leads and has taken up its duties.
func (s *Server) IsLeader() bool { return s.kernel.IsLeader() }

// Leader is where the leader answers, "" if none is known or it is this server
// and not ready yet.
func (s *Server) Leader() string { return s.kernel.Leader().Address }

// HandleLAN takes an event of the LAN pool. It does not block.
func (s *Server) HandleLAN(e gossip.Event) { s.duties.HandleLAN(e) }

// PrepareLeave is the first step of a graceful leave, before the pools are told.
func (s *Server) PrepareLeave(ctx context.Context) error { return s.duties.PrepareLeave(ctx) }

// FinishLeave is the last step, after the pools know.
func (s *Server) FinishLeave(ctx context.Context) error { return s.duties.FinishLeave(ctx) }

// machine lets the log drive the catalog.
type machine struct {
	store   *catalog.Store
	delays  *duty.LockDelays
	applied func(batch []catalog.Entry, took time.Duration)
}

// Apply stops at a command that only a newer version can have written.
func (m machine) Apply(entries []raftstore.Entry) ([]any, error) {
	batch := make([]catalog.Entry, len(entries))
	for i, e := range entries {
		batch[i] = catalog.Entry{Index: e.Index, Data: e.Data, Note: e.Note}
		if !e.Time.IsZero() {
			batch[i].Time = e.Time.UnixNano()
		}
	}
	start := time.Now()
	results := m.store.ApplyFreed(batch, func(freed []catalog.FreedLock) { m.delays.Begin(freed, entries, start) })
	known := len(results)
	for known > 0 && catalog.Unknown(results[known-1]) != nil {
		known--
	}
	m.applied(batch[:known], time.Since(start))
	if known < len(results) {
		return results[:known], catalog.Unknown(results[known])
	}
	return results, nil
}

// Snapshot captures the catalog.
func (m machine) Snapshot() (raftstore.Snapshot, error) { return snapshot{m.store.Read()}, nil }
func (m machine) Restore(r io.Reader) error             { return m.store.Restore(r) }

// Check tries a state out on a catalog of its own.
func (m machine) Check(r io.Reader) error { return catalog.New().Restore(r) }

type snapshot struct{ tx *catalog.Tx }

func (s snapshot) Write(w io.Writer) error { return s.tx.WriteWithHistory(w) }

var (
	_ raftstore.Machine = machine{}
	_ raftstore.Checker = machine{}
)
