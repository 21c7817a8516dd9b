package config

import "time"

// Raft's timeouts for a multiplier of 1, Praetor's default: they replace a dead
// leader well within a second on a LAN. Consul's own are two and a half times
// as long, and its default multiplier is 5.
const (
	heartbeatTimeout   = 400 * time.Millisecond
	electionTimeout    = 400 * time.Millisecond
	leaderLeaseTimeout = 200 * time.Millisecond

	// Of -dev, where the only voter is this process.
	devHeartbeatTimeout   = 35 * time.Millisecond
	devElectionTimeout    = 52 * time.Millisecond
	devLeaderLeaseTimeout = 20 * time.Millisecond

	// verifyInterval is how often the default log store checks itself.
	verifyInterval = time.Minute

	minKeepalive   = time.Second
	minRejoinAge   = 6 * time.Hour
	maxMultiplier  = 10
	maxSegmentSize = 1024 // MB
)

func (b *builder) raft() {
	s, rt := b.s, b.rt
	p := &s.Performance
	rt.Performance = Performance{
		RaftMultiplier:        val(p.RaftMultiplier),
		LeaveDrainTime:        b.duration("performance.leave_drain_time", p.LeaveDrainTime),
		RPCHoldTimeout:        b.duration("performance.rpc_hold_timeout", p.RPCHoldTimeout),
		GRPCKeepaliveInterval: max(minKeepalive, b.duration("performance.grpc_keepalive_interval", p.KeepaliveInterval)),
		GRPCKeepaliveTimeout:  max(minKeepalive, b.duration("performance.grpc_keepalive_timeout", p.KeepaliveTimeout)),
	}
	if m := rt.Performance.RaftMultiplier; m < 1 || m > maxMultiplier {
		b.refuse("performance.raft_multiplier", "performance.raft_multiplier cannot be %d. Must be between 1 and %d", m, maxMultiplier)
	}
	rt.Raft = Raft{
		SnapshotThreshold: b.atLeastZero("raft_snapshot_threshold", val(s.RaftSnapThreshold)),
		SnapshotInterval:  b.duration("raft_snapshot_interval", s.RaftSnapInterval),
		TrailingLogs:      b.atLeastZero("raft_trailing_logs", val(s.RaftTrailingLogs)),
		PreVoteDisabled:   val(s.RaftPreVoteDisabled),
	}
	b.raftTimeouts()
	b.logStore()
	if v := val(s.RaftProtocol); v != 3 {
		b.refuse("raft_protocol", "raft_protocol version %d is not supported by this version of Consul", v)
	}
	b.autopilot()
}

func (b *builder) raftTimeouts() {
	r := &b.rt.Raft
	if b.rt.Dev {
		r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = devHeartbeatTimeout, devElectionTimeout, devLeaderLeaseTimeout
		return
	}
	scale := time.Duration(min(max(b.rt.Performance.RaftMultiplier, 1), maxMultiplier))
	r.HeartbeatTimeout = scale * heartbeatTimeout
	r.ElectionTimeout = scale * electionTimeout
	r.LeaderLeaseTimeout = scale * leaderLeaseTimeout
}

func (b *builder) logStore() {
	l, r := &b.s.RaftLogStore, &b.rt.Raft
	r.Backend = val(l.Backend)
	r.DisableLogCache = val(l.DisableLogCache)
	r.Verify = or(l.Verification.Enabled, r.Backend == "default")
	r.VerifyInterval = b.duration("raft_logstore.verification.interval", l.Verification.Interval)
	if r.Verify && l.Verification.Interval == nil {
		r.VerifyInterval = verifyInterval
	}
	r.NoFreelistSync = val(l.BoltDB.NoFreelistSync)
	r.SegmentSizeMB = val(l.WAL.SegmentSizeMB)
	if !b.rt.Server {
		return // clients have no log
	}
	switch r.Backend {
	case "default", "wal", "boltdb":
	default:
		b.refuse("raft_logstore.backend", "raft_logstore.backend must be one of 'boltdb' or 'wal'")
	}
	if r.SegmentSizeMB < 1 || r.SegmentSizeMB > maxSegmentSize {
		b.refuse("raft_logstore.wal.segment_size_mb", "raft_logstore.wal.segment_size_mb cannot be %d. Must be between 1 and %d", r.SegmentSizeMB, maxSegmentSize)
	}
}

func (b *builder) autopilot() {
	a := &b.s.Autopilot
	b.rt.Autopilot = Autopilot{
		CleanupDeadServers:      val(a.CleanupDeadServers),
		LastContactThreshold:    b.duration("autopilot.last_contact_threshold", a.LastContactThreshold),
		MaxTrailingLogs:         b.atLeastZero("autopilot.max_trailing_logs", val(a.MaxTrailingLogs)),
		MinQuorum:               val(a.MinQuorum),
		ServerStabilizationTime: b.duration("autopilot.server_stabilization_time", a.ServerStabilizationTime),
		RedundancyZoneTag:       val(a.RedundancyZoneTag),
		UpgradeVersionTag:       val(a.UpgradeVersionTag),
		DisableUpgradeMigration: val(a.DisableUpgradeMigration),
	}
}
