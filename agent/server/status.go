package server

import (
	"context"
	"strconv"

	"praetor/agent/server/kernel"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func (s *Server) registerStatus(m *kernel.Mux) {
	kernel.Handle(m, ops.StatusLeader, kernel.Open("a leader's address"), s.statusLeader)
	kernel.Handle(m, ops.StatusPeers, kernel.Open("servers' addresses"), s.statusPeers)
	kernel.Handle(m, ops.StatusRaft, kernel.Open("figures of the log"), s.statusRaft)
	kernel.Handle(m, ops.StatusCommitted, kernel.Open("an index of the log"), s.statusCommitted)
}

func (s *Server) statusLeader(context.Context, *acl.Authorizer, *ops.StatusRequest) (*ops.StatusLeaderReply, error) {
	return &ops.StatusLeaderReply{Address: s.Leader()}, nil
}

func (s *Server) statusPeers(context.Context, *acl.Authorizer, *ops.StatusRequest) (*ops.StatusPeersReply, error) {
	peers, err := s.kernel.Raft.Peers()
	if err != nil {
		return nil, err
	}
	rep := &ops.StatusPeersReply{Addresses: make([]string, 0, len(peers))}
	for _, p := range peers {
		rep.IDs = append(rep.IDs, p.ID)
		rep.Addresses = append(rep.Addresses, p.Address)
	}
	return rep, nil
}

func (s *Server) statusRaft(context.Context, *acl.Authorizer, *ops.StatusRequest) (*ops.StatusRaftReply, error) {
	if s.kernel.Retired() {
		return nil, fault.New(fault.NoLeader, rpc.TextNoLeader)
	}
	return &ops.StatusRaftReply{
		LastContact: s.kernel.Raft.LastContact(), LastTerm: s.kernel.Raft.LastTerm(), LastIndex: s.kernel.Raft.LastIndex(),
	}, nil
}

// Stats gives the consul and raft sections of `info` (reference/cli.md §3), but for acl,
// which client agents have too.
func (s *Server) Stats() map[string]map[string]string {
	_, datacenters := s.kernel.Servers()
	return map[string]map[string]string{
		"consul": {
			"bootstrap":         strconv.FormatBool(s.opts.Bootstrap),
			"known_datacenters": strconv.Itoa(len(datacenters)),
			"leader":            strconv.FormatBool(s.kernel.Raft.IsLeader()),
			"leader_addr":       s.Leader(),
			"server":            "true",
		},
		"raft": s.kernel.Raft.Stats(),
	}
}

func (s *Server) statusCommitted(ctx context.Context, _ *acl.Authorizer, req *ops.StatusRequest) (*ops.StatusCommittedReply, error) {
	index, err := s.kernel.Committed(ctx, req.Consistent)
	return &ops.StatusCommittedReply{Index: index}, err
}
