package kernel

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/raftstore"
)

// Options say which server a Kernel is of, and what surrounds it.
type Options struct {
	Name, ID   string // node name and ID
	Datacenter string
	// Primary is the datacenter that keeps access rules, the authority of the mesh and
	// config entries for all; "" for this one.
	Primary string
	// ReplicationToken is the secret that a secondary datacenter shows to the primary; nil
	// for none.
	ReplicationToken func() string
	LAN              Pool
	WAN              Pool // nil where the WAN pool is off
	ACL              acl.Resolver

	DefaultQueryTime time.Duration // of blocking reads that name none
	MaxQueryTime     time.Duration
	Metrics          *telemetry.Metrics // nil measures nothing
	Logger           hclog.Logger
}

// Kernel is what the handlers of one server stand on. There are three ways to the
// state: Access says what a token may do, Read answers, Apply changes.
type Kernel struct {
	Options
	Store  *catalog.Store
	Raft   *raftstore.Store // set once, before anything is asked
	Router *rpc.Router      // to other servers; set as Raft is
	Views  *Views

	// ready is the Raft term in which this server, leading, had applied all that
	// earlier leaders committed: only in that term may it answer default reads. A
	// term cannot come back, so an old one can do no harm.
	ready   atomic.Uint64
	retired atomic.Bool // no more requests: this server is about to go

	blocking atomic.Int64 // reads that wait for a change
	follower *follower
	confirm  *telemetry.Timer
}

// New returns a Kernel with an empty state.
func New(o Options) *Kernel {
	if o.Primary == "" {
		o.Primary = o.Datacenter
	}
	if o.ReplicationToken == nil {
		o.ReplicationToken = func() string { return "" }
	}
	k := &Kernel{Options: o, Store: catalog.New(), Views: NewViews(), confirm: o.Metrics.Timer("rpc.consistentRead")}
	k.follower = k.newFollower()
	return k
}

// Secondary reports whether another datacenter is the primary.
func (k *Kernel) Secondary() bool { return k.Datacenter != k.Primary }

// FromPrimary are the options of what a secondary datacenter reads there to copy it.
func (k *Kernel) FromPrimary() rpc.ReadOptions {
	return rpc.ReadOptions{Datacenter: k.Primary, Token: k.ReplicationToken()}
}

// Access says what a token may do. Handlers get it for their request's token from
// the mux; this is for the tokens of others, such as those kept with a query.
func (k *Kernel) Access(ctx context.Context, token string) (*acl.Authorizer, error) {
	return k.ACL.Resolve(ctx, token)
}

// MakeReady lets this server answer as the leader of a term.
func (k *Kernel) MakeReady(term uint64) { k.ready.Store(term) }

// Retire makes this server refuse requests from now on.
func (k *Kernel) Retire() { k.retired.Store(true) }

// Retired reports whether it does.
func (k *Kernel) Retired() bool { return k.retired.Load() }

// MustLead refuses what the leader alone can do, on others and on one that stops.
func (k *Kernel) MustLead() error {
	if k.Retired() || !k.IsLeader() {
		return fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	return nil
}

// Blocking is how many reads wait for a change.
func (k *Kernel) Blocking() int64 { return k.blocking.Load() }

// IsLeader reports whether this server leads and has taken up its duties.
func (k *Kernel) IsLeader() bool {
	return k.Raft.IsLeader() && k.Raft.Raft().CurrentTerm() == k.ready.Load()
}

// Leader is the leader, the zero value if none is known or it is this server and
// not ready yet.
func (k *Kernel) Leader() rpc.Server {
	id, address := k.Raft.Leader()
	if id == k.ID && !k.IsLeader() {
		return rpc.Server{}
	}
	return rpc.Server{ID: id, Datacenter: k.Datacenter, Address: address}
}
