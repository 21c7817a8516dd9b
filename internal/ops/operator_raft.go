package ops

import (
	"praetor/internal/rpc"
)

var (
	// OperatorRaft lists the servers of the Raft configuration.
	OperatorRaft = rpc.Read[OperatorRaftRequest, OperatorRaftReply]("Operator.Raft")
	// OperatorRemovePeer takes a server out of the Raft configuration.
	OperatorRemovePeer = rpc.Write[OperatorRemovePeerRequest, Empty]("Operator.RemovePeer")
	// OperatorTransferLeader makes another server lead.
	OperatorTransferLeader = rpc.Write[OperatorTransferLeaderRequest, Empty]("Operator.TransferLeader")
)

type OperatorRaftRequest struct {
	rpc.ReadOptions
}

type OperatorRaftReply struct {
	Servers []RaftServer
}

// RaftServer is a server as the Raft configuration has it.
type RaftServer struct {
	ID        string
	Node      string // "(unknown)" if gossip does not know it
	Address   string
	Leader    bool
	Protocol  string // of Raft; "unknown" if gossip does not know it
	Voter     bool
	LastIndex uint64 // of its log; 0 if it did not say
}

// OperatorRemovePeerRequest names a server by its address if that is not "" or
// ByAddress, else by its ID.
type OperatorRemovePeerRequest struct {
	rpc.WriteOptions
	ID        string
	Address   string
	ByAddress bool // Address is asked for though it is ""
}

// OperatorTransferLeaderRequest names the server that is to lead; "" means the
// most current one.
type OperatorTransferLeaderRequest struct {
	rpc.WriteOptions
	ID string
}
