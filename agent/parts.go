package agent

import (
	"fmt"
	"time"

	"praetor/agent/checks"
	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/agent/presence"
	"praetor/agent/server"
	"praetor/agent/token"
	"praetor/catalog"
	"praetor/internal/backup"
	"praetor/internal/definition"
	"praetor/internal/rpc"
	"praetor/internal/view"
	"praetor/raftstore"
)

// openDataDir takes the data folder and learns who this node is.
func (a *Agent) openDataDir(rt *config.Runtime) error {
	var err error
	if a.dir, err = openDataDir(rt.DataDir); err != nil {
		return err
	}
	a.own(a.dir)
	a.presence = presence.In(a.dir.path, rt, a.logger)
	if err := a.presence.CheckAbsence(time.Now()); err != nil {
		return err
	}
	if err := a.presence.CheckDatacenter(); err != nil {
		return err
	}
	id, notice, err := config.NodeID(rt)
	if err != nil {
		return err
	}
	if a.id = id; notice != "" {
		a.logger.Warn(notice)
	}
	return a.presence.CheckVotes(a.id)
}

// openServer builds the server half, or for a client agent just the router.
func (a *Agent) openServer(rt *config.Runtime) error {
	id := a.identity(rt)
	defer a.resolveTokens(rt)
	if !rt.Server {
		a.router = rpc.NewRouter(rpc.Options{
			Name: rt.NodeName, Datacenter: rt.Datacenter, Dialer: rpc.Dialer{Identity: id, Network: a.network.Dial, TLS: rpc.Outgoing(a.tls.peers)},
			HoldTimeout: rt.Performance.RPCHoldTimeout, ClientTimeout: rt.Limits.RPCClientTimeout,
			Metrics: a.metrics, Logger: a.logger.Named("rpc"),
		})
		a.own(a.router)
		return nil
	}
	opts := server.Options{
		Name: rt.NodeName, ID: a.id, Datacenter: rt.Datacenter, Address: rt.RPCAdvertise.String(),
		Primary: rt.PrimaryDatacenter, ReplicationToken: func() string { return a.secrets.Get().Replication },
		Bootstrap: rt.Bootstrap, BootstrapExpect: rt.BootstrapExpect, ReadReplica: rt.ReadReplica, Dev: rt.Dev,
		Raft: raftOptions(a.dir, rt), Listener: a.bound.rpc, Dial: a.network.Dial,
		TLS: a.tls.peers, Keys: id.Keys, AcceptUnproven: id.AcceptUnproven, AskUnproven: id.AskUnproven,
		LAN: a.lan, LANKeys: a.lan, ACL: a.acl, ACLs: a.serverACLs(rt), CA: a.serverCA(rt), KeyListPolicy: rt.ACL.Enabled && rt.ACL.EnableKeyListPolicy,
		DefaultQueryTime: rt.DefaultQueryTime, MaxQueryTime: rt.MaxQueryTime,
		HoldTimeout: rt.Performance.RPCHoldTimeout, ClientTimeout: rt.Limits.RPCClientTimeout,
		LeaveDrainTime: rt.Performance.LeaveDrainTime, SessionTTLMin: rt.SessionTTLMin,
		Autopilot: catalog.Autopilot{
			CleanupDeadServers:      rt.Autopilot.CleanupDeadServers,
			LastContactThreshold:    int64(rt.Autopilot.LastContactThreshold),
			MaxTrailingLogs:         rt.Autopilot.MaxTrailingLogs,
			MinQuorum:               uint64(rt.Autopilot.MinQuorum),
			ServerStabilizationTime: int64(rt.Autopilot.ServerStabilizationTime),
			RedundancyZoneTag:       rt.Autopilot.RedundancyZoneTag,
			UpgradeVersionTag:       rt.Autopilot.UpgradeVersionTag,
			DisableUpgradeMigration: rt.Autopilot.DisableUpgradeMigration,
		},
		History: rt.History, KVMaxValueSize: rt.Limits.KVMaxValueSize, Entries: rt.Entries,
		Metrics: a.metrics, Logger: a.logger.Named("server"),
	}
	if a.wan != nil {
		opts.WAN, opts.WANKeys = a.wan, a.wan
	}
	var err error
	if opts.Backups, err = backupOptions(rt); err != nil {
		return err
	}
	opts.Raft.Clock, opts.Raft.FileOp = a.clock, a.fileOp
	srv, err := server.Open(opts)
	if err != nil {
		return err
	}
	a.own(srv)
	a.server, a.router = srv, srv.Router()
	return a.presence.NoteRaft(a.id, time.Now())
}

// backupOptions says which backups a leader takes; nil for none. Their names have the
// datacenter: several may share a place.
func backupOptions(rt *config.Runtime) (*server.BackupOptions, error) {
	if !rt.Backups.Enabled {
		return nil, nil
	}
	store, err := backup.Open(rt.Backups.Target)
	if err != nil {
		return nil, fmt.Errorf("backups: %w", err)
	}
	return &server.BackupOptions{Interval: rt.Backups.Interval, Job: backup.Job{
		Store: store, Prefix: "praetor-" + rt.Datacenter, Retain: rt.Backups.Retain, Recipients: rt.Backups.Recipients,
	}}, nil
}

func raftOptions(dir *dataDir, rt *config.Runtime) raftstore.Options {
	o := raftstore.Options{
		Dir: dir.join(raftFolder), Backend: rt.Raft.Backend,
		HeartbeatTimeout: rt.Raft.HeartbeatTimeout, ElectionTimeout: rt.Raft.ElectionTimeout, LeaderLease: rt.Raft.LeaderLeaseTimeout,
		SnapshotThreshold: rt.Raft.SnapshotThreshold, SnapshotInterval: rt.Raft.SnapshotInterval, TrailingLogs: rt.Raft.TrailingLogs,
		NoLogCache: rt.Raft.DisableLogCache, NoFreelistSync: rt.Raft.NoFreelistSync,
		PreVoteDisabled: rt.Raft.PreVoteDisabled, SegmentBytes: rt.Raft.SegmentSizeMB << 20,
	}
	if rt.Raft.Verify {
		o.VerifyInterval = rt.Raft.VerifyInterval
	}
	if rt.Dev {
		o.Dir = "" // -dev keeps no log, with a data folder or without
	}
	return o
}

// openViews keeps the answers that many ask for.
func (a *Agent) openViews(rt *config.Runtime) error {
	a.views = view.New(view.Options{
		Caller: a.router, Here: a.server != nil, DefaultQueryTime: rt.DefaultQueryTime, MaxQueryTime: rt.MaxQueryTime, Metrics: a.metrics,
	})
	return nil
}

// openLocal loads what is registered with this agent: what the data folder
// keeps, and what configuration files define.
func (a *Agent) openLocal(rt *config.Runtime) error {
	state, err := local.Open(local.Options{
		Dir: a.dir.path, Boot: bootID(),
		NodeID: a.id, NodeName: rt.NodeName, Address: rt.AdvertiseAddrLAN.String(),
		TaggedAddresses: rt.TaggedAddresses, NodeMeta: rt.NodeMeta, Locality: rt.Locality, Datacenter: rt.Datacenter,
		Caller: a.router, Tokens: a.tokens, Accessor: a.accessor, ClusterSize: a.lan.NumMembers, Joined: a.joinTried.Load,
		CheckUpdateInterval: rt.Checks.UpdateInterval, DiscardCheckOutput: rt.Checks.DiscardOutput, OutputMaxSize: rt.Checks.OutputMaxSize,
		EnableScripts: rt.Checks.EnableRemoteScripts, EnableLocalScripts: rt.Checks.EnableLocalScripts,
		Checks: checks.Options{TLS: a.checkTLS(rt), SameHost: rt.Checks.SameHost}, Logger: a.root,
	})
	if err != nil {
		return err
	}
	a.own(state)
	a.local = state
	return state.LoadDefinitions(a.definitions(rt))
}

func (a *Agent) tokens() local.Tokens {
	t := a.secrets.Get()
	return local.Tokens{Agent: t.Agent, Default: t.Default, ConfigFile: t.ConfigFile}
}

// definitions is what the files define, sidecars among the services. The configuration
// keeps its own: what a sidecar leaves open is filled in in a copy.
func (a *Agent) definitions(rt *config.Runtime) local.Definitions {
	var defs local.Definitions
	taken := map[int]string{}
	for _, d := range rt.Services {
		defs.Services = append(defs.Services, local.ServiceDefinition{Service: d.Service, Checks: d.Checks, Token: d.Token})
		if d.Sidecar == nil {
			continue
		}
		side, checks := *d.Sidecar.Service, d.Sidecar.Checks
		if side.Port == 0 {
			side.Port = a.sidecarPort(side.ID, rt.Ports.SidecarMin, rt.Ports.SidecarMax, taken)
		}
		if len(checks) == 0 {
			checks = definition.SidecarChecks(d.Service, &side)
		}
		defs.Services = append(defs.Services, local.ServiceDefinition{Service: &side, Checks: checks, Token: d.Sidecar.Token, Parent: d.Service.ID})
	}
	for _, d := range rt.NodeChecks {
		defs.Checks = append(defs.Checks, local.CheckDefinition{Check: d.Check, Token: d.Token})
	}
	return defs
}

// sidecarPort is the port that a sidecar without one has already, if it has one of the
// range, else a free one: a reload does not move it.
func (a *Agent) sidecarPort(id string, first, last int, taken map[int]string) int {
	for port, by := range taken {
		if by == id {
			return port
		}
	}
	if now := a.local.Service(id); now != nil && first <= now.Port && now.Port <= last && taken[now.Port] == "" {
		taken[now.Port] = id
		return now.Port
	}
	return a.freePort(id, first, last, taken)
}

// freePort finds the lowest port of a range that no service of this agent has,
// nor any handed out before; 0 if there is none.
func (a *Agent) freePort(id string, first, last int, taken map[int]string) int {
	for port := first; port <= last && first > 0; port++ {
		if p := a.local.FreePort(port, last); p != port || taken[port] != "" {
			continue
		}
		taken[port] = id
		return port
	}
	return 0
}

// openTokens takes up the agent's tokens.
func (a *Agent) openTokens(rt *config.Runtime) error {
	a.secrets = token.Open(a.dir.join(token.File), rt.ACL, a.tokensChanged, a.logger)
	for _, kind := range a.secrets.Shadowed() {
		a.logger.Warn("token in the configuration is not used: one set through the API stands in for it", "token", string(kind))
	}
	return nil
}
