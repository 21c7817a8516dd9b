package gossip

import (
	"log"
	"maps"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// Fixed by reference/config.md §2.6 and reference/internals.md §1.2.
const (
	protocolVersion     = 4
	userEventSizeLimit  = 512
	leavePropagateDelay = 3 * time.Second
	broadcastTimeout    = 5 * time.Second
	tombstoneTimeout    = 24 * time.Hour
	reapInterval        = 15 * time.Second
	reconnectInterval   = 30 * time.Second
	gossipNodes         = 3
)

const (
	// deadNodeReclaimTime is how long after it failed a member's name may come
	// back at another address. Consul waits 30 s; the newcomer has asked the old
	// address, see Pool.Join and conflict.go.
	deadNodeReclaimTime = time.Second
	// minQueueDepth lets bursts of news wait in serf's broadcast queues; they
	// are pruned to the larger of this and twice the members.
	minQueueDepth = 4096
	// queueDepthWarning is out of reach: a deep queue is normal while many join.
	queueDepthWarning = 1000000
	// eventBuffer is what serf hands us before it would wait. It is more than
	// serf can still hold when it is shut down, so nothing of it hangs then.
	eventBuffer = 2048
)

// serfConfig builds serf's configuration. opts has its defaults.
func serfConfig(opts *Options, events chan<- serf.Event, logger *log.Logger) *serf.Config {
	c := serf.DefaultConfig()
	c.NodeName = opts.Name
	c.Tags = maps.Clone(opts.Tags)
	c.EventCh = events
	c.Logger = logger
	c.LogOutput = nil
	c.ProtocolVersion = protocolVersion
	c.UserEventSizeLimit = userEventSizeLimit
	c.BroadcastTimeout = broadcastTimeout
	c.LeavePropagateDelay = leavePropagateDelay
	c.ReconnectInterval = reconnectInterval
	c.ReconnectTimeout = opts.ReconnectTimeout
	c.ReconnectTimeoutOverride = reconnectOverride{}
	c.TombstoneTimeout = tombstoneTimeout
	c.ReapInterval = reapInterval
	c.MinQueueDepth = minQueueDepth
	c.QueueDepthWarning = queueDepthWarning
	c.EnableNameConflictResolution = false
	c.DisableCoordinates = opts.DisableCoordinates
	c.SnapshotPath = opts.SnapshotPath
	c.RejoinAfterLeave = opts.RejoinAfterLeave
	c.KeyringFile = opts.KeyringPath
	c.MetricLabels = metricLabels(opts)
	c.MemberlistConfig = memberlistConfig(opts, logger)
	return c
}

func metricLabels(opts *Options) []metrics.Label {
	return []metrics.Label{{Name: "network", Value: opts.network()}}
}

func memberlistConfig(opts *Options, logger *log.Logger) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	if opts.WAN {
		c = memberlist.DefaultWANConfig()
	}
	c.Logger = logger
	c.BindAddr = opts.BindAddr
	c.GossipNodes = gossipNodes
	// Compressed packets carry no more messages, as their size is counted before; to make
	// one takes 64 KiB of memory, to read it as much. Without, an idle agent uses half the CPU.
	c.EnableCompression = false
	c.DeadNodeReclaimTime = deadNodeReclaimTime
	c.GossipVerifyIncoming = opts.EncryptVerifyIncoming
	c.GossipVerifyOutgoing = opts.EncryptVerifyOutgoing
	if len(opts.AllowedCIDRs) > 0 {
		c.CIDRsAllowed = opts.AllowedCIDRs
	}
	override(&c.GossipInterval, opts.GossipInterval)
	override(&c.ProbeInterval, opts.ProbeInterval)
	override(&c.ProbeTimeout, opts.ProbeTimeout)
	override(&c.GossipNodes, opts.GossipNodes)
	override(&c.SuspicionMult, opts.SuspicionMult)
	override(&c.RetransmitMult, opts.RetransmitMult)
	return c
}

// override replaces a default by a value that is not zero.
func override[T int | time.Duration](field *T, value T) {
	if value != 0 {
		*field = value
	}
}

// reconnectOverride lets a member say itself how long it is remembered after
// it failed (tag rc_tm). Members that left stay the fixed 24 h.
type reconnectOverride struct{}

func (reconnectOverride) ReconnectTimeout(m *serf.Member, timeout time.Duration) time.Duration {
	if m.Status != serf.StatusFailed {
		return timeout
	}
	if own, err := time.ParseDuration(m.Tags[tagReconnectTimeout]); err == nil && own > 0 {
		return own
	}
	return timeout
}

var _ serf.ReconnectTimeoutOverrider = reconnectOverride{}
