package agent

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/agent/token"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/tlsconf"
	"praetor/internal/userevent"
	"praetor/raftstore"
)

// CarryOut does what an order of the leader says.
func (a *Agent) CarryOut(ctx context.Context, order *ops.EvictOrderReply) *ops.EvictReportRequest {
	return a.carryOut(ctx, order)
}

// Hear takes what gossip tells of an eviction.
func (a *Agent) Hear(ctx context.Context, id string) { a.evict(ctx, id) }

// CoordinatePause is the time between two reports of a coordinate.
var CoordinatePause = coordinatePause

// DNSMaxStale is how old an answer over DNS may be.
var DNSMaxStale = dnsMaxStale

// ShutUnused shuts a transport that no pool has taken over.
var ShutUnused = shutUnused

// NewWatcher is an agent of which only the watches run.
func NewWatcher(watch func(ctx context.Context, self Self, conf config.Watch)) *Agent {
	a := &Agent{duties: Duties{Watch: watch}, rewatch: make(chan struct{}, 1)}
	a.secrets = token.Open("", config.ACL{}, nil, nil)
	a.runtime.Store(&config.Runtime{})
	return a
}

// RunWatches runs them.
func (a *Agent) RunWatches(ctx context.Context) error { return a.runWatches(ctx) }

// ReloadWatches is what a reload does to them.
func (a *Agent) ReloadWatches(watches ...config.Watch) {
	a.runtime.Store(&config.Runtime{Watches: watches})
	wake(a.rewatch)
}

// DefinitionsOf is what files define for an agent with that local state.
func DefinitionsOf(state *local.State, rt *config.Runtime) local.Definitions {
	return (&Agent{local: state}).definitions(rt)
}

// What of the configuration each part is given.
var (
	Browsers  = browsers
	DNSConfig = dnsConfig
	XDS       = xds
	Networks  = networks
)

// TLSConfigs are the settings of each source: peers, https, dns, grpc.
func TLSConfigs(rt *config.Runtime) (list []tlsconf.Options) {
	_ = new(secured).each(rt, func(_ **tlsconf.Source, o tlsconf.Options) error { list = append(list, o); return nil })
	return list
}

// RaftOptions are those of an agent with that data folder.
func RaftOptions(folder string, rt *config.Runtime) raftstore.Options {
	return raftOptions(&dataDir{path: folder}, rt)
}

// Tags are what an agent of that ID says of itself.
func Tags(id string, rt *config.Runtime, lan bool) map[string]string {
	return (&Agent{id: id}).tags(rt, lan)
}

// LANOptions and WANOptions are how an agent with the data folder /d opens its pools, but
// for what admits others.
func LANOptions(rt *config.Runtime, key []byte) gossip.Options {
	return plain(unopened().lanOptions(rt, key))
}
func WANOptions(rt *config.Runtime, key []byte) gossip.Options {
	return plain(unopened().wanOptions(rt, key))
}

func unopened() *Agent {
	return &Agent{dir: &dataDir{path: "/d"}, logger: hclog.NewNullLogger()}
}

func plain(o gossip.Options) gossip.Options {
	o.Admit, o.Logger = nil, nil
	return o
}

// RetryJoin runs one pool's attempts to join.
func RetryJoin(ctx context.Context, addrs []string, interval time.Duration, max int, join func([]string) (int, error), joined func()) error {
	return retryJoin{pool: "LAN", addrs: addrs, interval: interval, max: max, join: join, joined: joined, failed: func(string) {}, logger: hclog.NewNullLogger()}.run(ctx)
}

// BindFault is what is said of an address that cannot be listened on.
var BindFault = bindFault

// ListenUnix listens on a Unix socket.
func ListenUnix(path string, want config.UnixSockets) (net.Listener, error) {
	return listenUnix(path, want, hclog.NewNullLogger())
}

// OpenDataDir takes a data folder; join names something in it.
func OpenDataDir(path string) (close func() error, join func(...string) string, err error) {
	dir, err := openDataDir(path)
	if err != nil {
		return nil, nil, err
	}
	return dir.Close, dir.join, nil
}

// Fingerprint is a digest of files and folders.
var Fingerprint = fingerprint

// Notify tells a service manager of a state.
var Notify, StateReloading = notify, stateReloading

// NewListener is an agent that only hears events: Fired is what reaches it.
func NewListener(rt *config.Runtime, state *local.State, job func(ctx context.Context, self Self, e *userevent.Event)) *Agent {
	a := &Agent{duties: Duties{Job: job}, events: userevent.NewRing(), jobs: make(chan *userevent.Event, rexecMax), local: state, logger: hclog.NewNullLogger()}
	a.secrets = token.Open("", rt.ACL, nil, nil)
	a.runtime.Store(rt)
	return a
}

// Fired takes an event as gossip brings it.
func (a *Agent) Fired(name string, payload []byte) {
	a.onUserEvent(&gossip.UserEvent{Name: name, Payload: payload, LTime: 1})
}

// Heard are the names of the events that were kept.
func (a *Agent) Heard() (names []string) {
	kept, _ := a.events.Events()
	for _, e := range kept {
		names = append(names, e.Name)
	}
	return names
}

// RunJobs runs the jobs of remote execution.
func (a *Agent) RunJobs(ctx context.Context) error { return a.runJobs(ctx) }

// KnownServers are the servers that events told of.
type KnownServers struct{ k knownServers }

// NoteLAN takes an event of the LAN pool.
func (s *KnownServers) NoteLAN(e gossip.Event) bool { return s.k.noteLAN(e) }

// NoteWAN takes an event of the WAN pool.
func (s *KnownServers) NoteWAN(e gossip.Event) bool { return s.k.noteWAN(e) }

// Departures are those that left, with the time.
func (s *KnownServers) Departures() string { return s.k.departures() }

// Names lists the servers to ask, and the datacenters.
func (s *KnownServers) Names(dc string) (names, datacenters []string) {
	s.k.tell(dc, func(servers []rpc.Server, dcs []string) {
		for _, srv := range servers {
			names = append(names, srv.Name)
		}
		datacenters = dcs
	})
	return names, datacenters
}

// SharedKeys are the keys that an agent with those pools shares with a datacenter.
func SharedKeys(lan, wan *gossip.Pool, own, datacenter string) [][]byte {
	return (&Agent{lan: lan, wan: wan}).sharedKeys(own)(datacenter)
}

// Signers are the addresses of the servers that an agent asks for its certificate.
func Signers(a *Agent, rt *config.Runtime) (addresses []string) {
	for _, s := range a.signers(rt) {
		addresses = append(addresses, s.Address)
	}
	return addresses
}

// ListServers lists the servers that proxies are told of, as ADDRESS VERSION.
func ListServers(ctx context.Context, a *Agent, after uint64) (list []string, index uint64, err error) {
	servers, index, err := a.listServers(ctx, after)
	for _, s := range servers {
		list = append(list, s.Address+" "+s.WAN+" "+s.Version)
	}
	return list, index, err
}

// BindClients binds what clients connect to, and gives it back.
func BindClients(rt *config.Runtime, network Network, logger hclog.Logger) error {
	a := &Agent{network: network, logger: logger}
	if err := a.tls.open(rt); err != nil {
		return err
	}
	return errors.Join(a.bindClients(rt), a.Close())
}

// AccessorOf is how log lines name a token that r resolves.
func AccessorOf(r acl.Resolver, token string) string {
	return (&Agent{acl: r}).accessor(context.Background(), token)
}

// DefaultPolicy is what holds where no rule decides.
var DefaultPolicy = defaultPolicy

// Flat is an error on one line.
var Flat = flat
