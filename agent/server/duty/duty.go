package duty

import (
	"context"
	"sync/atomic"
	"time"

	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/configentry"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/raftstore"
)

// Options say how a server does its duties.
type Options struct {
	Address string // advertised host:port of the RPC listener
	Dialer  rpc.Dialer
	Witness *raftstore.Witness // whose process this is

	// Bootstrap elects this server at once if it has no state; BootstrapExpect
	// waits for so many servers first (reference/internals.md §9).
	Bootstrap       bool
	BootstrapExpect int
	ReadReplica     bool // this server never votes, so it founds no cluster
	Dev             bool // as Bootstrap, without saying so to others

	LeaveDrainTime time.Duration
	Autopilot      catalog.Autopilot   // what the first leader writes
	Entries        []configentry.Entry // a new leader writes those that are not there

	Establish []func(context.Context) error // what else a new leader does before it answers
	Others    []func(context.Context)       // what else it does until the term ends
}

// Set is the duties of one server: those of a leader, done while it leads, and how
// it comes into a cluster and leaves it.
type Set struct {
	*kernel.Kernel
	opts Options

	Timers SessionTimers // of the sessions with a TTL
	Delays LockDelays

	coordinates coordinates // reported, not stored yet
	orders      orders
	vetting     *vetting
	evidence    *evidence // of the reconcile loop
	instances   instances

	restored    chan struct{} // makes the leader take up its duties again
	established atomic.Uint64 // how often it has

	pilot atomic.Pointer[autopilot.Autopilot] // nil while this server does not lead

	memberEvents chan gossip.Event // to the leader loop; bounded, see HandleLAN
	missed       atomic.Bool       // an event did not fit: a full pass is due
	bootstrapped chan struct{}     // wakes the bootstrap loop

	entries  atomic.Pointer[[]configentry.Entry] // Options.Entries, as last loaded
	reloaded chan struct{}                       // one token: they may have changed

	took durations
}

// durations are how long duties take, under Consul's names (reference/config.md §6).
type durations struct{ barrier, reconcile, reconcileMember, reapTombstones, invalidate *telemetry.Timer }

// New returns the duties of a server.
func New(k *kernel.Kernel, o Options) *Set {
	m := k.Metrics
	s := &Set{
		Kernel: k, opts: o, vetting: newVetting(),
		restored: make(chan struct{}), memberEvents: make(chan gossip.Event, maxMemberEvents),
		bootstrapped: make(chan struct{}, 1), reloaded: make(chan struct{}, 1),
		took: durations{
			barrier: m.Timer("leader.barrier"), reconcile: m.Timer("leader.reconcile"), reconcileMember: m.Timer("leader.reconcileMember"),
			reapTombstones: m.Timer("leader.reapTombstones"), invalidate: m.Timer("session_ttl.invalidate"),
		},
	}
	s.entries.Store(&o.Entries)
	return s
}

// Register registers the operations that are about duties.
func (s *Set) Register(m *kernel.Mux) {
	s.registerEvictions(m)
	s.registerCoordinates(m)
}

// Pilot is the autopilot of this leader, nil while it does not lead.
func (s *Set) Pilot() *autopilot.Autopilot { return s.pilot.Load() }

// Reload takes the entries of the configuration as they are now. A leader writes
// those that are not there.
func (s *Set) Reload(entries []configentry.Entry) {
	s.entries.Store(&entries)
	wake(s.reloaded)
}
