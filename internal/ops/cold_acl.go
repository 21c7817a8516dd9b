package ops

import "praetor/internal/msgreflect"

// See cold.go.

func (z *ACLBootstrapRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLBootstrapRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLBootstrapRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenSelfRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenSelfRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenSelfRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenGetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenGetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenGetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenListRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenListRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenListRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokensReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokensReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokensReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenSetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenSetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenSetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLTokenCloneRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLTokenCloneRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLTokenCloneRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLDeleteRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLDeleteRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLDeleteRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLDeleteReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLDeleteReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLDeleteReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLGetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLGetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLGetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLListRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLListRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLListRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLPolicyReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLPolicyReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLPolicyReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLPoliciesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLPoliciesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLPoliciesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLPolicySetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLPolicySetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLPolicySetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLRoleReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLRoleReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLRoleReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLRolesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLRolesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLRolesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLRoleSetRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLRoleSetRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLRoleSetRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLResolveRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLResolveRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLResolveRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLResolveReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLResolveReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLResolveReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLAuthorizeRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLAuthorizeRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLAuthorizeRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLAuthorizeReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLAuthorizeReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLAuthorizeReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLReplicationStatusRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLReplicationStatusRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLReplicationStatusRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLReplicationReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLReplicationReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLReplicationReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLReplicationListRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLReplicationListRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLReplicationListRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLReplicationListReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLReplicationListReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLReplicationListReply) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLReplicationRowsRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLReplicationRowsRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLReplicationRowsRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLReplicationRowsReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLReplicationRowsReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLReplicationRowsReply) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLLogoutRequest) MarshalMsg(b []byte) ([]byte, error)    { return msgreflect.Append(b, z) }
func (z *ACLLogoutRequest) UnmarshalMsg(b []byte) ([]byte, error)  { return msgreflect.Decode(b, z) }
func (z *ACLLogoutRequest) Msgsize() int                           { return msgreflect.Size(z) }
func (z *ACLExplainRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLExplainRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLExplainRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLExplainReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLExplainReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLExplainReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLAuthMethodReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLAuthMethodReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLAuthMethodReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLAuthMethodsReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLAuthMethodsReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLAuthMethodsReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLAuthMethodSetRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLAuthMethodSetRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLAuthMethodSetRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLBindingRuleListRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLBindingRuleListRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLBindingRuleListRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLBindingRuleReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLBindingRuleReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLBindingRuleReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLBindingRulesReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLBindingRulesReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLBindingRulesReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ACLBindingRuleSetRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ACLBindingRuleSetRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ACLBindingRuleSetRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ACLLoginRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ACLLoginRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ACLLoginRequest) Msgsize() int                          { return msgreflect.Size(z) }
