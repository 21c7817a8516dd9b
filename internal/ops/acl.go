package ops

import (
	"time"

	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// ACLBootstrap makes the first management token.
	ACLBootstrap = rpc.Write[ACLBootstrapRequest, ACLTokenReply]("ACL.Bootstrap")

	// ACLTokenSelf reads the request's own token, ACLTokenGet any, ACLTokenList those
	// that a filter names.
	ACLTokenSelf = rpc.Read[ACLTokenSelfRequest, ACLTokenReply]("ACL.TokenSelf")
	ACLTokenGet  = rpc.Read[ACLTokenGetRequest, ACLTokenReply]("ACL.TokenGet")
	ACLTokenList = rpc.Read[ACLTokenListRequest, ACLTokensReply]("ACL.TokenList")
	// ACLTokenSet makes and replaces tokens, ACLTokenClone makes one like another.
	ACLTokenSet    = rpc.Write[ACLTokenSetRequest, ACLTokenReply]("ACL.TokenSet")
	ACLTokenClone  = rpc.Write[ACLTokenCloneRequest, ACLTokenReply]("ACL.TokenClone")
	ACLTokenDelete = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.TokenDelete")

	// The same for policies and roles.
	ACLPolicyGet    = rpc.Read[ACLGetRequest, ACLPolicyReply]("ACL.PolicyGet")
	ACLPolicyList   = rpc.Read[ACLListRequest, ACLPoliciesReply]("ACL.PolicyList")
	ACLPolicySet    = rpc.Write[ACLPolicySetRequest, ACLPolicyReply]("ACL.PolicySet")
	ACLPolicyDelete = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.PolicyDelete")
	ACLRoleGet      = rpc.Read[ACLGetRequest, ACLRoleReply]("ACL.RoleGet")
	ACLRoleList     = rpc.Read[ACLListRequest, ACLRolesReply]("ACL.RoleList")
	ACLRoleSet      = rpc.Write[ACLRoleSetRequest, ACLRoleReply]("ACL.RoleSet")
	ACLRoleDelete   = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.RoleDelete")

	// ACLResolve says what the request's own token grants: for agents that decide
	// themselves, and datacenters that have no such token.
	ACLResolve = rpc.Read[ACLResolveRequest, ACLResolveReply]("ACL.Resolve")
	// ACLAuthorize decides for the request's own token.
	ACLAuthorize = rpc.Read[ACLAuthorizeRequest, ACLAuthorizeReply]("ACL.Authorize")
	// ACLReplicationStatus says how far copies of the primary datacenter are.
	ACLReplicationStatus = rpc.Read[ACLReplicationStatusRequest, ACLReplicationReply]("ACL.ReplicationStatus")
)

// ACLLink is a policy or a role that a token or role has. Requests may give either
// member, replies have both.
type ACLLink struct {
	ID   string
	Name string
}

// ACLToken is a token as it is shown and given: with links instead of bare IDs.
type ACLToken struct {
	Row           catalog.ACLToken
	Policies      []ACLLink
	Roles         []ACLLink
	ExpirationTTL time.Duration // of requests; 0 for none
}

// ACLRole is a role as it is shown and given.
type ACLRole struct {
	Row      catalog.ACLRole
	Policies []ACLLink
}

// ACLBootstrapRequest may choose the token's secret.
type ACLBootstrapRequest struct {
	rpc.WriteOptions
	Secret string
}

type ACLTokenSelfRequest struct {
	rpc.ReadOptions
}

// ACLTokenGetRequest names a token by its accessor.
type ACLTokenGetRequest struct {
	rpc.ReadOptions
	AccessorID string
	Expanded   bool // fill ACLTokenReply.Expanded
}

type ACLTokenReply struct {
	rpc.ReadMeta
	Token    ACLToken
	Expanded *ACLExpanded
}

// ACLExpanded is all that a token's grants come from.
type ACLExpanded struct {
	Policies []*catalog.ACLPolicy // of the token, its roles and identities; each once
	Roles    []*ACLRole
}

// ACLTokenListRequest names at most one of the filters.
type ACLTokenListRequest struct {
	rpc.ReadOptions
	PolicyID    string
	RoleID      string
	ServiceName string // of a service identity
	AuthMethod  string
}

type ACLTokensReply struct {
	rpc.ReadMeta
	Tokens []*ACLToken
}

// ACLTokenSetRequest holds a token without indexes; to create it without what the
// server is to choose.
type ACLTokenSetRequest struct {
	rpc.WriteOptions
	Create bool
	Given  ACLToken
}

// ACLTokenCloneRequest names the token to be like; Description replaces its own
// unless it is empty.
type ACLTokenCloneRequest struct {
	rpc.WriteOptions
	AccessorID  string
	Description string
}

// ACLDeleteRequest names what is to go by ID, or accessor.
type ACLDeleteRequest struct {
	rpc.WriteOptions
	ID string
}

type ACLDeleteReply struct{}

// ACLGetRequest names a policy or a role by its ID, or else by its name.
type ACLGetRequest struct {
	rpc.ReadOptions
	ID   string
	Name string
}

// ACLListRequest lists all, or what is linked to a policy.
type ACLListRequest struct {
	rpc.ReadOptions
	PolicyID string
}

type ACLPolicyReply struct {
	rpc.ReadMeta
	Policy catalog.ACLPolicy
}

type ACLPoliciesReply struct {
	rpc.ReadMeta
	Policies []*catalog.ACLPolicy
}

// ACLPolicySetRequest holds a policy without indexes; to create it without ID.
type ACLPolicySetRequest struct {
	rpc.WriteOptions
	Create bool
	Policy catalog.ACLPolicy
}

type ACLRoleReply struct {
	rpc.ReadMeta
	Role ACLRole
}

type ACLRolesReply struct {
	rpc.ReadMeta
	Roles []*ACLRole
}

// ACLRoleSetRequest holds a role without indexes; to create it without ID.
type ACLRoleSetRequest struct {
	rpc.WriteOptions
	Create bool
	Role   ACLRole
}

// ACLResolveRequest asks about its own token.
type ACLResolveRequest struct {
	rpc.ReadOptions
}

// ACLResolveReply says what a token grants in the datacenter of the asker.
type ACLResolveReply struct {
	rpc.ReadMeta
	AccessorID string
	Local      bool
	Expires    int64                // nanoseconds since 1970, 0 for never
	Policies   []*catalog.ACLPolicy // effective ones, of roles and identities too
}

// ACLAuthorizeRequest asks for verdicts about its own token.
type ACLAuthorizeRequest struct {
	rpc.ReadOptions
	Questions []ACLQuestion
}

// ACLQuestion is one right that may be granted.
type ACLQuestion struct {
	Resource string
	Access   string
	Segment  string // the name, "" for resources without
}

// ACLAuthorizeReply has a verdict for each question, in their order.
type ACLAuthorizeReply struct {
	rpc.ReadMeta
	Allow []bool
}

type ACLReplicationStatusRequest struct {
	rpc.ReadOptions
}

// ACLReplicationReply is reference/http-operator-acl.md §3.1.
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
