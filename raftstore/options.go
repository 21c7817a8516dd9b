package raftstore

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/internal/telemetry"
)

// Options says how to build a Store.
type Options struct {
	ID      string // this server's node ID
	Address string // advertised host:port
	// Dir is the raft folder below the data folder. "" keeps everything in memory.
	Dir string
	// Backend is the log's: "wal", "boltdb", or "" (also "default"): the one
	// whose entries are there, "wal" in a new folder.
	Backend string
	// Listener accepts Raft connections (already told apart from RPC ones);
	// Dial opens one to another server of the Raft configuration, wherever it is
	// now: peer.Address is where it was when the configuration was written. It
	// must have made sure that it reached the server of this ID. The Store closes
	// Listener, but nothing behind it.
	Listener net.Listener
	Dial     func(ctx context.Context, peer Peer) (net.Conn, error)

	Machine Machine
	Metrics *telemetry.Metrics // nil: none
	Logger  hclog.Logger       // nil: none

	// HeartbeatTimeout, ElectionTimeout and LeaderLease default to 400, 400 and
	// 200 ms; Multiplier (1 to 10, default 1) scales them.
	HeartbeatTimeout, ElectionTimeout, LeaderLease time.Duration
	Multiplier                                     int

	SnapshotThreshold uint64        // entries since the last snapshot; default 16384
	SnapshotInterval  time.Duration // default 30 s
	TrailingLogs      uint64        // entries kept behind a snapshot; default 10240

	// NoLogCache reads entries for followers from disk instead of from memory.
	NoLogCache bool
	// VerifyInterval is how often a leader has all servers compare their logs with its
	// own; 0: never.
	VerifyInterval time.Duration
	// NoFreelistSync leaves the list of free pages of a bbolt log out of what is
	// synced: faster writes, slower opening.
	NoFreelistSync bool
	// PreVoteDisabled lets a server that was away force an election.
	PreVoteDisabled bool
	// SegmentBytes is the size of a WAL segment; default 64 MiB.
	SegmentBytes int

	// Clock is the time since some moment, by a clock that never goes back and also
	// runs while the process or the machine sleeps; a leader's lease is measured by
	// it. Nil is the system's. A test can make a leader oversleep with it.
	Clock func() time.Duration

	// Witness carries what servers say of each other when they open Raft connections,
	// which are Listener's and Dial's; nil says nothing and is told nothing.
	Witness *Witness

	// FileOp, when set, is called with a label before each file operation that
	// must last; its error stands in for the operation's. For tests. In a synctest bubble
	// it may sleep before wal:write, wal:sync and what begins with snapshot: alone, where
	// nobody waits for a mutex.
	FileOp func(label string) error
}

const (
	maxPool    = 3 // idle connections kept per server, as raft's users do
	rpcTimeout = 10 * time.Second

	// commitTimeout is how long a leader without new entries waits, once or twice,
	// until it tells followers what is committed. They know it by then (announce), but
	// for entries that are no commands.
	commitTimeout = 300 * time.Millisecond

	// maxBatch is how many entries one sync, one message to a follower and one
	// Machine.Apply may hold: a few times the writers a busy cluster has, few
	// enough that a batch of the largest values (512 KiB) fits rpcTimeout.
	maxBatch = 128

	defaultSegmentBytes = 64 << 20
	maxMultiplier       = 10
)

// check fills in defaults and reports what cannot work.
func (o *Options) check() error {
	switch {
	case o.ID == "":
		return fault.New(fault.Invalid, "raftstore: ID is missing")
	case o.Address == "":
		return fault.New(fault.Invalid, "raftstore: Address is missing")
	case o.Listener == nil || o.Dial == nil || o.Machine == nil:
		return fault.New(fault.Invalid, "raftstore: Listener, Dial and Machine are needed")
	}
	switch o.Backend {
	case "", "default", "wal", "boltdb":
	default:
		return fault.New(fault.Invalid, "raft_logstore.backend must be one of 'wal' or 'boltdb', not %q", o.Backend)
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Clock == nil {
		o.Clock = boot
	}
	if o.Witness == nil {
		o.Witness = NewWitness()
	}
	setDefault(&o.SegmentBytes, defaultSegmentBytes)
	return o.setDefaults()
}

// tryOut is how to try out a state, nil if the machine cannot tell.
func (o *Options) tryOut() func(io.Reader) error {
	if c, ok := o.Machine.(Checker); ok {
		return c.Check
	}
	return nil
}

// setDefaults does check's work for what Reload may change.
func (o *Options) setDefaults() error {
	if o.Multiplier < 0 || o.Multiplier > maxMultiplier {
		return fault.New(fault.Invalid, "performance.raft_multiplier cannot be %d. Must be between 1 and %d", o.Multiplier, maxMultiplier)
	}
	setDefault(&o.Multiplier, 1)
	setDefault(&o.HeartbeatTimeout, 400*time.Millisecond)
	setDefault(&o.ElectionTimeout, 400*time.Millisecond)
	setDefault(&o.LeaderLease, 200*time.Millisecond)
	setDefault(&o.SnapshotThreshold, 16384)
	setDefault(&o.SnapshotInterval, 30*time.Second)
	setDefault(&o.TrailingLogs, 10240)
	for _, d := range []*time.Duration{&o.HeartbeatTimeout, &o.ElectionTimeout, &o.LeaderLease} {
		*d *= time.Duration(o.Multiplier)
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// stepDown is how long a leader goes on that hears no quorum. It is not the lease by
// which it answers reads, which is proved by itself (HoldsLease) and shorter: on a busy
// machine answers come late, and who steps down then has the cluster without a leader
// for longer than they took. It is shorter than a follower waits, so that the old leader
// has ended before there is a new one; the rest is room for nudge.
func (o *Options) stepDown() time.Duration { return o.HeartbeatTimeout * 7 / 8 }

func (o *Options) raftConfig() *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(o.ID)
	conf.Logger = o.Logger
	conf.HeartbeatTimeout = o.HeartbeatTimeout
	conf.ElectionTimeout = o.ElectionTimeout
	conf.LeaderLeaseTimeout = o.stepDown()
	conf.CommitTimeout = commitTimeout
	conf.SnapshotThreshold = o.SnapshotThreshold
	conf.SnapshotInterval = o.SnapshotInterval
	conf.TrailingLogs = o.TrailingLogs
	conf.PreVoteDisabled = o.PreVoteDisabled
	conf.MaxAppendEntries = maxBatch
	conf.BatchApplyCh = true // group commit: writers queue up while the disk syncs
	conf.ShutdownOnRemove = false
	conf.NoLegacyTelemetry = true
	return conf
}
