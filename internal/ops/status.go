package ops

import (
	"time"

	"praetor/internal/rpc"
)

var (
	// StatusLeader gives the leader's RPC address, "" if none is known.
	StatusLeader = rpc.ReadAny[StatusRequest, StatusLeaderReply]("Status.Leader")
	// StatusPeers gives the Raft peers as the asked server's configuration has them.
	StatusPeers = rpc.ReadAny[StatusRequest, StatusPeersReply]("Status.Peers")
	// StatusRaft tells how far the asked server's own log has come; the leader's
	// autopilot asks each server directly.
	StatusRaft = rpc.ReadAny[StatusRequest, StatusRaftReply]("Status.Raft")
	// StatusCommitted tells a follower what it must have to answer a read of that
	// consistency; only the leader knows.
	StatusCommitted = rpc.ReadAny[StatusRequest, StatusCommittedReply]("Status.Committed").Briefly()
)

type StatusRequest struct {
	rpc.ReadOptions
}

type StatusLeaderReply struct {
	Address string
}

type StatusPeersReply struct {
	Addresses []string // of their RPC listeners
	IDs       []string // in the same order
}

type StatusRaftReply struct {
	LastContact time.Duration // since the server heard its leader; -1 never
	LastTerm    uint64
	LastIndex   uint64
}

// StatusCommittedReply is the newest entry that the leader knew to be committed.
type StatusCommittedReply struct {
	Index uint64
}
