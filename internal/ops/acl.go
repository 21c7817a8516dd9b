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

	// ACLLogin makes a token for one whom an auth method knows.
	ACLLogin = rpc.Write[ACLLoginRequest, ACLTokenReply]("ACL.Login")
	// ACLLogout removes the request's own token, which a login made.
	ACLLogout = rpc.Write[ACLLogoutRequest, ACLDeleteReply]("ACL.Logout")

	// The same for policies and roles.
	ACLPolicyGet    = rpc.Read[ACLGetRequest, ACLPolicyReply]("ACL.PolicyGet")
	ACLPolicyList   = rpc.Read[ACLListRequest, ACLPoliciesReply]("ACL.PolicyList")
	ACLPolicySet    = rpc.Write[ACLPolicySetRequest, ACLPolicyReply]("ACL.PolicySet")
	ACLPolicyDelete = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.PolicyDelete")
	ACLRoleGet      = rpc.Read[ACLGetRequest, ACLRoleReply]("ACL.RoleGet")
	ACLRoleList     = rpc.Read[ACLListRequest, ACLRolesReply]("ACL.RoleList")
	ACLRoleSet      = rpc.Write[ACLRoleSetRequest, ACLRoleReply]("ACL.RoleSet")
	ACLRoleDelete   = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.RoleDelete")

	// The same for auth methods, by name, and their binding rules. A method is made and
	// replaced alike.
	ACLAuthMethodGet     = rpc.Read[ACLGetRequest, ACLAuthMethodReply]("ACL.AuthMethodGet")
	ACLAuthMethodList    = rpc.Read[ACLListRequest, ACLAuthMethodsReply]("ACL.AuthMethodList")
	ACLAuthMethodSet     = rpc.Write[ACLAuthMethodSetRequest, ACLAuthMethodReply]("ACL.AuthMethodSet")
	ACLAuthMethodDelete  = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.AuthMethodDelete")
	ACLBindingRuleGet    = rpc.Read[ACLGetRequest, ACLBindingRuleReply]("ACL.BindingRuleGet")
	ACLBindingRuleList   = rpc.Read[ACLBindingRuleListRequest, ACLBindingRulesReply]("ACL.BindingRuleList")
	ACLBindingRuleSet    = rpc.Write[ACLBindingRuleSetRequest, ACLBindingRuleReply]("ACL.BindingRuleSet")
	ACLBindingRuleDelete = rpc.Write[ACLDeleteRequest, ACLDeleteReply]("ACL.BindingRuleDelete")

	// ACLResolve says what the request's own token grants: for agents that decide
	// themselves, and datacenters that have no such token.
	ACLResolve = rpc.Read[ACLResolveRequest, ACLResolveReply]("ACL.Resolve")
	// ACLAuthorize decides for the request's own token.
	ACLAuthorize = rpc.Read[ACLAuthorizeRequest, ACLAuthorizeReply]("ACL.Authorize")
	// ACLExplain says why a token may do something, or may not.
	ACLExplain = rpc.Read[ACLExplainRequest, ACLExplainReply]("ACL.Explain")
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

// ACLDeleteRequest names what is to go by ID, accessor, or name of an auth method.
type ACLDeleteRequest struct {
	rpc.WriteOptions
	ID string
}

type ACLDeleteReply struct{}

// ACLLoginRequest holds what the method takes for a proof.
type ACLLoginRequest struct {
	rpc.WriteOptions
	AuthMethod string
	Bearer     string
	Meta       map[string]string // becomes part of the token's description
}

type ACLLogoutRequest struct {
	rpc.WriteOptions
}

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

type ACLAuthMethodReply struct {
	rpc.ReadMeta
	Method catalog.ACLAuthMethod
}

// ACLAuthMethodsReply lists methods without their configurations.
type ACLAuthMethodsReply struct {
	rpc.ReadMeta
	Methods []*catalog.ACLAuthMethod
}

// ACLAuthMethodSetRequest holds a method without indexes.
type ACLAuthMethodSetRequest struct {
	rpc.WriteOptions
	Method catalog.ACLAuthMethod
}

// ACLBindingRuleListRequest lists the rules of a method, or all.
type ACLBindingRuleListRequest struct {
	rpc.ReadOptions
	AuthMethod string
}

type ACLBindingRuleReply struct {
	rpc.ReadMeta
	Rule catalog.ACLBindingRule
}

type ACLBindingRulesReply struct {
	rpc.ReadMeta
	Rules []*catalog.ACLBindingRule
}

// ACLBindingRuleSetRequest holds a rule without indexes; to create it without ID.
type ACLBindingRuleSetRequest struct {
	rpc.WriteOptions
	Create bool
	Rule   catalog.ACLBindingRule
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

// ACLExplainRequest asks about a token by its accessor, or about its own if that is
// empty.
type ACLExplainRequest struct {
	rpc.ReadOptions
	AccessorID string
	Question   ACLQuestion
	Below      bool // the question is about every name that begins with the segment
}

// ACLExplainReply is a verdict with its reason.
type ACLExplainReply struct {
	rpc.ReadMeta
	AccessorID     string
	Description    string
	Allow          bool
	Refusal        string     // what requests are told, "" if it is allowed
	Decided        *ACLStated // nil if no rule is about it: the default policy decides
	Overridden     []ACLStated
	More           int // how many are left out of Overridden
	AllowByDefault bool
}

// ACLStated is a rule, who states it, and why it decides or does not.
type ACLStated struct {
	Rule string // as policies spell it
	Why  string
	By   []ACLGrant
}

// ACLGrant is a policy that a token has, and how it came by it.
type ACLGrant struct {
	Kind string // "policy", "service identity", "node identity" or "templated policy"
	ID   string // of the policy; "" for those that nobody wrote
	Name string
	Role string // the role that it came through, "" if the token has it itself
}
