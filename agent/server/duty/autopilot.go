package duty

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/gossip"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// DefaultAutopilot is Consul's (reference/internals.md §10).
var DefaultAutopilot = catalog.Autopilot{
	CleanupDeadServers:      true,
	LastContactThreshold:    int64(200 * time.Millisecond),
	MaxTrailingLogs:         250,
	ServerStabilizationTime: int64(10 * time.Second),
}

// statsTime bounds how long autopilot waits for one server's figures.
const statsTime = time.Second

// startAutopilot promotes servers that proved stable and removes dead ones,
// until ctx ends (reference/internals.md §10).
func (s *Set) startAutopilot(ctx context.Context) *autopilot.Autopilot {
	pilot := autopilot.New(s.Raft.Raft(), pilotDelegate{s}, autopilot.WithLogger(s.Logger.Named("autopilot")), autopilot.WithPromoter(&promoter{}))
	pilot.Start(ctx)
	return pilot
}

// pilotDelegate tells autopilot what it asks of this server.
type pilotDelegate struct{ s *Set }

// config is what is replicated.
func (d pilotDelegate) config() *catalog.Autopilot {
	c := d.s.Store.Read().Autopilot()
	if c == nil { // a snapshot that had none was restored
		c = &d.s.opts.Autopilot
	}
	return c
}

func (d pilotDelegate) AutopilotConfig() *autopilot.Config {
	c := d.config()
	return &autopilot.Config{
		CleanupDeadServers:      c.CleanupDeadServers,
		LastContactThreshold:    time.Duration(c.LastContactThreshold),
		MaxTrailingLogs:         c.MaxTrailingLogs,
		MinQuorum:               uint(c.MinQuorum),
		ServerStabilizationTime: time.Duration(c.ServerStabilizationTime),
		Ext:                     placing{zones: c.RedundancyZoneTag != "", upgrades: c.UpgradeVersionTag != "", disabled: c.DisableUpgradeMigration},
	}
}

func (pilotDelegate) NotifyState(*autopilot.State) {}

func (d pilotDelegate) KnownServers() map[raft.ServerID]*autopilot.Server {
	leader, _ := d.s.Raft.Leader()
	c, tx := d.config(), d.s.Store.Read()
	servers := map[raft.ServerID]*autopilot.Server{}
	for _, m := range d.s.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || info.Datacenter != d.s.Datacenter {
			continue
		}
		server := &autopilot.Server{
			ID: raft.ServerID(info.ID), Name: info.Name, Address: raft.ServerAddress(info.RPCAddress),
			NodeStatus: nodeStatus(m.Status), Version: info.Build, RaftVersion: info.RaftVersion,
			// Without its type a server is nobody whose removal could be safe.
			NodeType: autopilot.NodeVoter,
			Meta:     m.Tags, IsLeader: info.ID == leader,
		}
		place := Place{Replica: info.NonVoter}
		if place.Replica {
			server.NodeType = NodeReadReplica
		}
		if node, _ := kernel.NodeNamed(tx, info.Name); node != nil {
			place.Zone, place.Version = node.Meta[c.RedundancyZoneTag], node.Meta[c.UpgradeVersionTag]
		}
		server.Ext = place
		// A server that came back under another name is known twice: the living
		// entry counts.
		if old := servers[server.ID]; old == nil || server.NodeStatus == autopilot.NodeAlive {
			servers[server.ID] = server
		}
	}
	return servers
}

func nodeStatus(s gossip.Status) autopilot.NodeStatus {
	switch s {
	case gossip.Alive:
		return autopilot.NodeAlive
	case gossip.Left:
		return autopilot.NodeLeft
	case gossip.Failed:
		return autopilot.NodeFailed
	}
	return autopilot.NodeUnknown
}

// FetchServerStats asks every living server that has a place in Raft how far its
// log has come.
func (d pilotDelegate) FetchServerStats(ctx context.Context, servers map[raft.ServerID]*autopilot.Server) map[raft.ServerID]*autopilot.ServerStats {
	peers, err := d.s.Raft.Peers()
	if err != nil {
		return nil
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	stats := make(map[raft.ServerID]*autopilot.ServerStats, len(servers))
	for id, server := range servers {
		if server.NodeStatus != autopilot.NodeAlive || !isIn(peers, string(id)) {
			continue // asking the dead would only take time
		}
		wg.Go(func() {
			one, err := d.s.StatsOf(ctx, rpc.Server{ID: string(server.ID), Datacenter: d.s.Datacenter, Address: string(server.Address)})
			if err != nil {
				d.s.Logger.Debug("ask server for its raft figures", "server", server.Name, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stats[id] = one
		})
	}
	wg.Wait()
	return stats
}

// never stands for a server that never heard a leader.
const never = 24 * time.Hour

// StatsOf asks a server how far its log has come.
func (s *Set) StatsOf(ctx context.Context, srv rpc.Server) (*autopilot.ServerStats, error) {
	ctx, cancel := context.WithTimeout(ctx, statsTime)
	defer cancel()
	m, err := s.Router.DoAt(ctx, srv, ops.StatusRaft.Desc, &ops.StatusRequest{})
	if err != nil {
		return nil, err
	}
	rep := m.(*ops.StatusRaftReply)
	if rep.LastContact < 0 {
		rep.LastContact = never
	}
	return &autopilot.ServerStats{LastContact: rep.LastContact, LastTerm: rep.LastTerm, LastIndex: rep.LastIndex}, nil
}

// RemoveFailedServer declares a dead server left, which removes it everywhere.
// Autopilot wants this to return at once, and a force-leave does.
func (d pilotDelegate) RemoveFailedServer(server *autopilot.Server) {
	d.s.Logger.Info("removing failed server", "server", server.Name)
	if err := d.s.LAN.ForceLeave(server.Name, false); err != nil {
		d.s.Logger.Warn("force failed server to leave", "server", server.Name, "error", err)
	}
}

var _ autopilot.ApplicationIntegration = pilotDelegate{}
