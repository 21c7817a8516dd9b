package server

import (
	"context"
	"strconv"
	"sync"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/raftstore"
)

func (s *Server) handleOperator(m *kernel.Mux) {
	reads, writes := kernel.NeedsAlways(acl.Operator.Read()), kernel.NeedsAlways(acl.Operator.Write())
	kernel.Handle(m, ops.OperatorRaft, reads, s.operatorRaft)
	kernel.Handle(m, ops.OperatorRemovePeer, writes, s.operatorRemovePeer)
	kernel.Handle(m, ops.OperatorTransferLeader, writes, s.operatorTransferLeader)
	kernel.Handle(m, ops.OperatorAutopilot, reads, s.operatorAutopilot)
	kernel.Handle(m, ops.OperatorSetAutopilot, writes, s.operatorSetAutopilot)
	kernel.Handle(m, ops.OperatorAutopilotState, reads, s.operatorAutopilotState)
	kernel.Handle(m, ops.OperatorUsage, reads, s.operatorUsage)
	kernel.Handle(m, ops.OperatorKeyring, kernel.Needs(keyringNeed), s.operatorKeyring)
}

func keyringNeed(r *ops.OperatorKeyringRequest) acl.Need {
	if r.Action == ops.KeyringList {
		return acl.Keyring.Read()
	}
	return acl.Keyring.Write()
}

// What list-peers shows of servers that gossip does not know (reference/cli.md §8).
const (
	unknownNode     = "(unknown)"
	unknownProtocol = "unknown"
)

func (s *Server) operatorRaft(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorRaftRequest) (*ops.OperatorRaftReply, error) {
	if err := s.admitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	peers, err := s.raft.Peers()
	if err != nil {
		return nil, err
	}
	rep := &ops.OperatorRaftReply{Servers: s.raftServers(peers)}
	s.askLastIndexes(ctx, rep.Servers)
	return rep, nil
}

// raftServers says of each peer what gossip knows.
func (s *Server) raftServers(peers []raftstore.Peer) []ops.RaftServer {
	leader, _ := s.raft.Leader()
	list := make([]ops.RaftServer, len(peers))
	known := s.serversByID()
	for i, p := range peers {
		list[i] = ops.RaftServer{
			ID: p.ID, Address: p.Address, Voter: p.Voter, Leader: p.ID == leader,
			Node: unknownNode, Protocol: unknownProtocol,
		}
		if info, ok := known[p.ID]; ok {
			list[i].Node, list[i].Protocol = info.Name, strconv.Itoa(info.RaftVersion)
		}
	}
	return list
}

// serversByID lists the servers of this datacenter; of two members with one ID
// the living one counts.
func (s *Server) serversByID() map[string]gossip.ServerInfo {
	known := map[string]gossip.ServerInfo{}
	for _, m := range s.opts.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || info.Datacenter != s.opts.Datacenter {
			continue
		}
		if _, twice := known[info.ID]; !twice || m.Status == gossip.Alive {
			known[info.ID] = info
		}
	}
	return known
}

// askLastIndexes asks every server how far its log has come, all at once.
// Those that do not answer within statsTime keep 0.
func (s *Server) askLastIndexes(ctx context.Context, servers []ops.RaftServer) {
	var asked sync.WaitGroup
	for i := range servers {
		if servers[i].ID == s.opts.ID {
			servers[i].LastIndex = s.raft.LastIndex()
			continue
		}
		where := s.whereabouts(raftstore.Peer{ID: servers[i].ID, Address: servers[i].Address})
		if len(where) == 0 {
			continue
		}
		asked.Go(func() {
			stats, err := s.statsOf(ctx, servers[i].ID, where[0])
			if err != nil {
				s.logger.Debug("ask server for its raft figures", "server", servers[i].Node, "error", err)
				return
			}
			servers[i].LastIndex = stats.LastIndex
		})
	}
	asked.Wait()
}

// operatorRemovePeer takes a server out of the Raft configuration; one that
// lives is added again by the next pass over all members.
func (s *Server) operatorRemovePeer(_ context.Context, _ *acl.Authorizer, req *ops.OperatorRemovePeerRequest) (*ops.Empty, error) {
	peers, err := s.raft.Peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if req.Address != "" && p.Address == req.Address || req.Address == "" && p.ID == req.ID {
			s.logger.Warn("removing raft peer on request", "peer", p.ID, "address", p.Address)
			return &ops.Empty{}, s.raft.RemovePeer(p.ID)
		}
	}
	if req.Address != "" {
		return nil, fault.New(fault.Rejected, "address %q was not found in the Raft configuration", req.Address)
	}
	return nil, fault.New(fault.Rejected, "id %q was not found in the Raft configuration", req.ID)
}

func (s *Server) operatorTransferLeader(_ context.Context, _ *acl.Authorizer, req *ops.OperatorTransferLeaderRequest) (*ops.Empty, error) {
	if req.ID == "" {
		return &ops.Empty{}, refusedByRaft(s.raft.TransferLeadership())
	}
	peers, err := s.raft.Peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if p.ID == req.ID {
			return &ops.Empty{}, refusedByRaft(s.raft.TransferLeadershipTo(p.ID, p.Address))
		}
	}
	return nil, fault.New(fault.Rejected, "Could not find address for server id %s", req.ID)
}

// refusedByRaft makes what raft says against a transfer an answer, where
// raftstore takes what it does not know for a fault of the disk.
func refusedByRaft(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Rejected, "%w", err)
}
