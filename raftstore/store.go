package raftstore

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Machine is the state that the log drives. Apply and Restore are called by
// one goroutine; Snapshot's result is written out while Apply goes on.
type Machine interface {
	// Apply runs committed commands in order; results[i] belongs to entries[i].
	Apply(entries []Entry) (results []any)
	// Snapshot captures the state as it is; it must be quick.
	Snapshot() (Snapshot, error)
	// Restore replaces the state, all or nothing.
	Restore(r io.Reader) error
}

// Snapshot is a captured state. Write may be slow; it does not hold up Apply.
type Snapshot interface {
	Write(w io.Writer) error
}

// Entry is one committed command.
type Entry struct {
	Index uint64
	Data  []byte
}

// Peer is a server in the Raft configuration.
type Peer struct {
	ID      string
	Address string // host:port of its RPC listener
	Voter   bool
}

// Options says how to build a Store.
type Options struct {
	ID      string // this server's node ID
	Address string // advertised host:port
	// Dir is the raft folder below the data folder. "" keeps everything in memory.
	Dir string
	// Backend is the log's: "wal" (also ""), or "boltdb".
	Backend string
	// Listener accepts Raft connections (already told apart from RPC ones);
	// Dial opens one to another server. Close does not close Listener's parent.
	Listener net.Listener
	Dial     func(ctx context.Context, address string) (net.Conn, error)

	Machine Machine
	Logger  hclog.Logger

	// HeartbeatTimeout, ElectionTimeout and LeaderLease default to 400, 400 and
	// 200 ms; Multiplier (1 to 10, default 1) scales them.
	HeartbeatTimeout, ElectionTimeout, LeaderLease time.Duration
	Multiplier                                     int

	SnapshotThreshold uint64        // entries since the last snapshot; default 16384
	SnapshotInterval  time.Duration // default 30 s
	TrailingLogs      uint64        // entries kept behind a snapshot; default 10240
}

// Store is this server's copy of the replicated log.
type Store struct{}

// Open takes the folder (locking it), reads what is there, performs peers.json
// recovery, and starts Raft.
func Open(opts Options) (*Store, error) { panic("skeleton") }

// Close stops Raft and gives back what Open took.
func (s *Store) Close() error { panic("skeleton") }

// Apply appends a command and returns its result once it is committed and
// applied here. fault.NoLeader if this server does not lead.
func (s *Store) Apply(ctx context.Context, cmd []byte) (result any, index uint64, err error) {
	panic("skeleton")
}

// Barrier returns when everything committed before it is applied here.
func (s *Store) Barrier(ctx context.Context) error { panic("skeleton") }

// VerifyLeader returns when a quorum confirmed that this server leads. Callers
// that wait at the same time share one confirmation.
func (s *Store) VerifyLeader(ctx context.Context) error { panic("skeleton") }

// IsLeader tells whether this server leads, as far as it knows.
func (s *Store) IsLeader() bool { panic("skeleton") }

// Leader returns the leader's ID and address, "" if none is known.
func (s *Store) Leader() (id, address string) { panic("skeleton") }

// LeaderChanged returns a channel that closes when Leader's answer changes next.
func (s *Store) LeaderChanged() <-chan struct{} { panic("skeleton") }

// Leadership delivers true when this server starts to lead and false when it
// stops, strictly alternating. One reader.
func (s *Store) Leadership() <-chan bool { panic("skeleton") }

// HasState tells whether this server ever had a log entry, a vote or a snapshot.
func (s *Store) HasState() bool { panic("skeleton") }

// Bootstrap makes peers the first configuration. Only for a Store without
// state. When this server is the only voter it elects itself at once.
func (s *Store) Bootstrap(peers []Peer) error { panic("skeleton") }

// Peers returns the latest configuration.
func (s *Store) Peers() ([]Peer, error) { panic("skeleton") }

// RemovePeer takes a server out of the configuration. Leader only.
func (s *Store) RemovePeer(id string) error { panic("skeleton") }

// AddNonvoter adds or re-addresses a server without a vote. Leader only.
func (s *Store) AddNonvoter(id, address string) error { panic("skeleton") }

// TransferLeadership hands leadership to the most current other voter.
func (s *Store) TransferLeadership() error { panic("skeleton") }

// LastContact is the time since the leader was heard: 0 on the leader, -1 if never.
func (s *Store) LastContact() time.Duration { panic("skeleton") }

// LastIndex and LastTerm describe the end of the log; AppliedIndex the state.
func (s *Store) LastIndex() uint64    { panic("skeleton") }
func (s *Store) LastTerm() uint64     { panic("skeleton") }
func (s *Store) AppliedIndex() uint64 { panic("skeleton") }

// Stats gives Consul's raft section of `info` (reference/cli.md).
func (s *Store) Stats() map[string]string { panic("skeleton") }

// Raft is for autopilot, which asks for it.
func (s *Store) Raft() *raft.Raft { panic("skeleton") }
