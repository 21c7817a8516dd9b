package gossip

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"

	"praetor/internal/fault"
)

// DefaultReconnectTimeout is how long a failed member is remembered.
const DefaultReconnectTimeout = 72 * time.Hour

// Options says how to build a Pool.
type Options struct {
	Name string // unique in the pool: node name, on the WAN node.dc
	Tags map[string]string
	WAN  bool // WAN timing instead of LAN

	BindAddr      string // IP; "" = 0.0.0.0
	BindPort      int    // also the default port of Join; 0 picks a free one
	AdvertiseAddr string // IP that others are to use; "" = BindAddr, or the private address if that is 0.0.0.0
	AdvertisePort int    // 0 = BindPort
	// Transport replaces the UDP and TCP sockets; nil makes real ones. The pool
	// owns it from Open on, even if Open fails.
	Transport memberlist.Transport
	// AllowedCIDRs are the networks members may come from; empty allows all.
	AllowedCIDRs []net.IPNet

	// SnapshotPath is serf's file of known members; "" keeps none.
	SnapshotPath string
	// RejoinAfterLeave rejoins known members at start even after a Leave.
	RejoinAfterLeave bool

	// EncryptKey is the raw key given by configuration, nil for none.
	// KeyringPath is the keyring file; "" keeps keys in memory. Rules: reference/internals.md §14.
	EncryptKey                                   []byte
	KeyringPath                                  string
	EncryptVerifyIncoming, EncryptVerifyOutgoing bool // false lets plaintext in, out

	ReconnectTimeout time.Duration // 0 = 72 h
	// Timing overrides; zero keeps the LAN or WAN default (reference/config.md §2.6).
	GossipInterval, ProbeInterval, ProbeTimeout time.Duration
	GossipNodes, SuspicionMult, RetransmitMult  int
	DisableCoordinates                          bool

	// Admit refuses members (join admission, reference/internals.md §1.1); nil
	// admits all. It sees all members of a join, and one member at a time as
	// news of it arrive. It is called with locks held: it must not call the
	// Pool, nor block.
	Admit func(members []Member) error

	// Logger is named by the caller; nil logs nothing.
	Logger hclog.Logger
}

// withDefaults returns a filled copy, or all faults at once.
func (o Options) withDefaults() (Options, error) {
	nameErr := checkName(o.Name)
	o, listenErr := o.withListenDefaults()
	if o.ReconnectTimeout == 0 {
		o.ReconnectTimeout = DefaultReconnectTimeout
	}
	return o, errors.Join(
		nameErr,
		listenErr,
		checkAdvertise(o.AdvertiseAddr),
		checkPort("advertise port", o.AdvertisePort),
	)
}

// withListenDefaults does it for what binding needs.
func (o Options) withListenDefaults() (Options, error) {
	if o.BindAddr == "" {
		o.BindAddr = "0.0.0.0"
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return o, errors.Join(checkIP("bind address", o.BindAddr), checkPort("bind port", o.BindPort))
}

// checkName keeps out names that would break the lines of the snapshot file.
func checkName(name string) error {
	switch {
	case name == "":
		return fault.New(fault.Invalid, "gossip: member name is empty")
	case strings.ContainsFunc(name, unicode.IsControl):
		return fault.New(fault.Invalid, "gossip: member name %q contains control characters", name)
	}
	return nil
}

func checkIP(what, ip string) error {
	if _, err := netip.ParseAddr(ip); err != nil {
		return fault.New(fault.Invalid, "gossip: %s %q is not an IP address", what, ip)
	}
	return nil
}

func checkAdvertise(ip string) error {
	if ip == "" {
		return nil
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return checkIP("advertise address", ip)
	}
	if addr.IsUnspecified() {
		return fault.New(fault.Invalid, "gossip: advertise address cannot be %s: others could not reach it", ip)
	}
	return nil
}

func checkPort(what string, port int) error {
	if port < 0 || port > 65535 {
		return fault.New(fault.Invalid, "gossip: %s %d is not between 0 and 65535", what, port)
	}
	return nil
}

// network is the pool's word in metrics and log texts.
func (o *Options) network() string {
	if o.WAN {
		return "wan"
	}
	return "lan"
}
