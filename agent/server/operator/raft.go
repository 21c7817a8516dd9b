package operator

import (
	"context"
	"strconv"
	"sync"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/raftstore"
)

// Handlers answer the operations of those who operate a cluster.
type Handlers struct {
	*kernel.Kernel
	duties           *duty.Set
	lanKeys, wanKeys Keys
}

// New returns the handlers of a server. wanKeys may be nil.
func New(duties *duty.Set, lanKeys, wanKeys Keys) *Handlers {
	return &Handlers{duties.Kernel, duties, lanKeys, wanKeys}
}

// Register registers them.
func (h *Handlers) Register(m *kernel.Mux) {
	reads, writes := kernel.NeedsAlways(acl.Operator.Read()), kernel.NeedsAlways(acl.Operator.Write())
	kernel.Handle(m, ops.OperatorRaft, reads, h.operatorRaft)
	kernel.Handle(m, ops.OperatorRemovePeer, writes, h.operatorRemovePeer)
	kernel.Handle(m, ops.OperatorTransferLeader, writes, h.operatorTransferLeader)
	kernel.Handle(m, ops.OperatorAutopilot, reads, h.operatorAutopilot)
	kernel.Handle(m, ops.OperatorSetAutopilot, writes, h.operatorSetAutopilot)
	kernel.Handle(m, ops.OperatorAutopilotState, reads, h.operatorAutopilotState)
	kernel.Handle(m, ops.OperatorUsage, reads, h.operatorUsage)
	kernel.Handle(m, ops.OperatorKeyring, kernel.Needs(keyringNeed), h.operatorKeyring)
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

func (h *Handlers) operatorRaft(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorRaftRequest) (*ops.OperatorRaftReply, error) {
	if err := h.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	peers, err := h.Raft.Peers()
	if err != nil {
		return nil, err
	}
	rep := &ops.OperatorRaftReply{Servers: h.raftServers(peers)}
	h.askLastIndexes(ctx, rep.Servers)
	return rep, nil
}

// raftServers says of each peer what gossip knows.
func (h *Handlers) raftServers(peers []raftstore.Peer) []ops.RaftServer {
	leader, _ := h.Raft.Leader()
	list := make([]ops.RaftServer, len(peers))
	known := h.serversByID()
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
func (h *Handlers) serversByID() map[string]gossip.ServerInfo {
	known := map[string]gossip.ServerInfo{}
	for _, m := range h.LAN.Members() {
		info, ok := gossip.ParseServer(m)
		if !ok || info.Datacenter != h.Datacenter {
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
func (h *Handlers) askLastIndexes(ctx context.Context, servers []ops.RaftServer) {
	var asked sync.WaitGroup
	for i := range servers {
		if servers[i].ID == h.ID {
			servers[i].LastIndex = h.Raft.LastIndex()
			continue
		}
		where := h.duties.Whereabouts(raftstore.Peer{ID: servers[i].ID, Address: servers[i].Address})
		if len(where) == 0 {
			continue
		}
		asked.Go(func() {
			stats, err := h.duties.StatsOf(ctx, where[0])
			if err != nil {
				h.Logger.Debug("ask server for its raft figures", "server", servers[i].Node, "error", err)
				return
			}
			servers[i].LastIndex = stats.LastIndex
		})
	}
	asked.Wait()
}

// operatorRemovePeer takes a server out of the Raft configuration; one that
// lives is added again by the next pass over all members.
func (h *Handlers) operatorRemovePeer(_ context.Context, _ *acl.Authorizer, req *ops.OperatorRemovePeerRequest) (*ops.Empty, error) {
	peers, err := h.Raft.Peers()
	if err != nil {
		return nil, err
	}
	byAddress := req.ByAddress || req.Address != ""
	for _, p := range peers {
		if byAddress && p.Address == req.Address || !byAddress && p.ID == req.ID {
			h.Logger.Warn("removing raft peer on request", "peer", p.ID, "address", p.Address)
			return &ops.Empty{}, h.Raft.RemovePeer(p.ID)
		}
	}
	if byAddress {
		return nil, fault.New(fault.Rejected, "address %q was not found in the Raft configuration", req.Address)
	}
	return nil, fault.New(fault.Rejected, "id %q was not found in the Raft configuration", req.ID)
}

func (h *Handlers) operatorTransferLeader(_ context.Context, _ *acl.Authorizer, req *ops.OperatorTransferLeaderRequest) (*ops.Empty, error) {
	if req.ID == "" {
		return &ops.Empty{}, refusedByRaft(h.Raft.TransferLeadership())
	}
	peers, err := h.Raft.Peers()
	if err != nil {
		return nil, err
	}
	for _, p := range peers {
		if p.ID == req.ID {
			return &ops.Empty{}, refusedByRaft(h.Raft.TransferLeadershipTo(p.ID, p.Address))
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
