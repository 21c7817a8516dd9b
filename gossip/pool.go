package gossip

import (
	"context"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/coordinate"
)

// Status is a member's state; the numbers are Consul's.
type Status int

// The states.
const (
	None Status = iota
	Alive
	Leaving
	Left
	Failed
)

// Member is one agent as the pool knows it. Tags is shared: do not change it.
type Member struct {
	Name   string
	Addr   net.IP
	Port   uint16
	Tags   map[string]string
	Status Status

	ProtocolMin, ProtocolMax, ProtocolCur uint8
	DelegateMin, DelegateMax, DelegateCur uint8
}

// Event tells that members changed, or that a user event came.
type Event struct {
	Type    EventType
	Members []Member   // for member events
	User    *UserEvent // for User
}

// EventType is the kind of an Event.
type EventType int

// The kinds. Joined, Updated: now alive. Reaped: forgotten after Failed or Left.
const (
	Joined EventType = iota
	HasLeft
	HasFailed
	Updated
	Reaped
	User
)

// UserEvent is a message to all members, at most 512 bytes with its name.
type UserEvent struct {
	LTime   uint64
	Name    string
	Payload []byte
}

// Options says how to build a Pool.
type Options struct {
	Name string // unique in the pool: node name, on the WAN node.dc
	Tags map[string]string
	WAN  bool // WAN timing instead of LAN

	BindAddr      string
	BindPort      int
	AdvertiseAddr string // "" = BindAddr
	AdvertisePort int    // 0 = BindPort
	// Transport replaces the UDP and TCP sockets; nil makes real ones.
	Transport memberlist.Transport

	// SnapshotPath is serf's file of known members; "" keeps none.
	SnapshotPath     string
	RejoinAfterLeave bool

	// EncryptKey is the raw key given by configuration, nil for none.
	// KeyringPath is the keyring file; "" keeps keys in memory. Rules: reference/internals.md §14.
	EncryptKey                                   []byte
	KeyringPath                                  string
	EncryptVerifyIncoming, EncryptVerifyOutgoing bool

	ReconnectTimeout time.Duration // 0 = 72 h
	// Timing overrides; zero keeps the LAN or WAN default (reference/config.md §2.6).
	GossipInterval, ProbeInterval, ProbeTimeout time.Duration
	SuspicionMult                               int
	DisableCoordinates                          bool

	// Admit refuses members (join admission, reference/internals.md §1.1); nil admits all.
	Admit func(members []Member) error

	Logger hclog.Logger
}

// Pool is this agent's view of one gossip pool.
type Pool struct{}

// Open starts gossiping. It fails if the address cannot be bound.
func Open(opts Options) (*Pool, error) { panic("skeleton") }

// Run delivers events until ctx ends; it calls handle from one goroutine, in order.
func (p *Pool) Run(ctx context.Context, handle func(Event)) error { panic("skeleton") }

// Close stops gossiping without saying goodbye: others will see this member fail.
func (p *Pool) Close() error { panic("skeleton") }

// Leave says goodbye and waits for the word to spread (about 3 s).
func (p *Pool) Leave() error { panic("skeleton") }

// Join contacts addresses (host or host:port) and returns how many answered.
func (p *Pool) Join(addrs []string) (int, error) { panic("skeleton") }

// ForceLeave declares a failed member left; prune forgets it at once. NotFound
// with Consul's text if no member has that name.
func (p *Pool) ForceLeave(name string, prune bool) error { panic("skeleton") }

// Members lists all members known, by name.
func (p *Pool) Members() []Member { panic("skeleton") }

// NumMembers counts the members that are alive; it is cheap.
func (p *Pool) NumMembers() int { panic("skeleton") }

// Local is this agent's own entry.
func (p *Pool) Local() Member { panic("skeleton") }

// SetTags changes this agent's tags and tells the others.
func (p *Pool) SetTags(tags map[string]string) error { panic("skeleton") }

// Fire sends a user event to all members, this one included.
func (p *Pool) Fire(name string, payload []byte) error { panic("skeleton") }

// Coordinate is where this agent is in the network's latency space; nil if off.
func (p *Pool) Coordinate() *coordinate.Coordinate { panic("skeleton") }

// Encrypted tells whether traffic is encrypted.
func (p *Pool) Encrypted() bool { panic("skeleton") }

// Stats gives the serf_lan or serf_wan section of `info`.
func (p *Pool) Stats() map[string]string { panic("skeleton") }
