package ops

import (
	"time"

	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// ACLReplicationList says what there is to copy from the primary datacenter: local
	// tokens are not.
	ACLReplicationList = rpc.Read[ACLReplicationListRequest, ACLReplicationListReply]("ACL.ReplicationList")
	// ACLReplicationRows reads rows out of that list.
	ACLReplicationRows = rpc.Read[ACLReplicationRowsRequest, ACLReplicationRowsReply]("ACL.ReplicationRows")
	// ACLReplicationStatus says how far copies of the primary datacenter are.
	ACLReplicationStatus = rpc.Read[ACLReplicationStatusRequest, ACLReplicationReply]("ACL.ReplicationStatus")
)

// ACLKind is what is copied by itself.
type ACLKind string

// The kinds.
const (
	ACLPolicies ACLKind = "policies"
	ACLRoles    ACLKind = "roles"
	ACLTokens   ACLKind = "tokens"
)

type ACLReplicationListRequest struct {
	rpc.ReadOptions
	Kind ACLKind
}

type ACLReplicationListReply struct {
	rpc.ReadMeta
	Rows []ACLRowHash
}

// ACLRowHash is the ID of a row, and what it says in short: the same wherever the
// row is.
type ACLRowHash struct {
	ID   string
	Hash string // its bytes
}

type ACLReplicationRowsRequest struct {
	rpc.ReadOptions
	Kind ACLKind
	IDs  []string
}

// ACLReplicationRowsReply has the rows of the first Asked IDs, but for those that are
// gone; all in one would be too much for a message.
type ACLReplicationRowsReply struct {
	rpc.ReadMeta
	Asked    int
	Policies []*catalog.ACLPolicy
	Roles    []*catalog.ACLRole
	Tokens   []*catalog.ACLToken
}

type ACLReplicationStatusRequest struct {
	rpc.ReadOptions
}

// ACLReplicationReply is reference/http-operator-acl.md §3.1. The indexes are the
// primary datacenter's.
type ACLReplicationReply struct {
	rpc.ReadMeta
	Enabled              bool
	Running              bool
	SourceDatacenter     string
	ReplicationType      string
	ReplicatedIndex      uint64
	ReplicatedRoleIndex  uint64
	ReplicatedTokenIndex uint64
	LastSuccess          time.Time
	LastError            time.Time
	LastErrorMessage     string
}
