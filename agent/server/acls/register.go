package acls

import (
	"context"

	"praetor/agent/server/kernel"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// Register lists the operations on a mux.
func (s *Service) Register(m *kernel.Mux) {
	reads, writes := kernel.NeedsAlways(acl.ACL.Read()), kernel.NeedsAlways(acl.ACL.Write())
	handle(s, m, ops.ACLBootstrap, kernel.Open("there is no token yet"), s.bootstrap)
	handle(s, m, ops.ACLTokenSelf, kernel.Open("everybody may see his own token"), placed(s, ops.ACLTokenSelf, held, s.tokenSelf))
	handle(s, m, ops.ACLTokenGet, reads, placed(s, ops.ACLTokenGet, held, s.tokenGet))
	handle(s, m, ops.ACLTokenList, reads, placed(s, ops.ACLTokenList, held, s.tokenList))
	handle(s, m, ops.ACLTokenSet, writes, placed(s, ops.ACLTokenSet, tokenSetPlace, s.tokenSet))
	handle(s, m, ops.ACLTokenClone, writes, placed(s, ops.ACLTokenClone, tokenClonePlace, s.tokenClone))
	handle(s, m, ops.ACLTokenDelete, writes, placed(s, ops.ACLTokenDelete, tokenDeletePlace, s.tokenDelete))
	handle(s, m, ops.ACLLogin, kernel.Open("the bearer token is what it takes"), s.login)
	handle(s, m, ops.ACLLogout, kernel.Known("it removes the request's own token"), placed(s, ops.ACLLogout, logoutPlace, s.logout))
	handle(s, m, ops.ACLPolicyGet, reads, s.policyGet)
	handle(s, m, ops.ACLPolicyList, reads, s.policyList)
	handle(s, m, ops.ACLPolicySet, writes, placed(s, ops.ACLPolicySet, global, s.policySet))
	handle(s, m, ops.ACLPolicyDelete, writes, placed(s, ops.ACLPolicyDelete, global, s.policyDelete))
	handle(s, m, ops.ACLRoleGet, reads, s.roleGet)
	handle(s, m, ops.ACLRoleList, reads, s.roleList)
	handle(s, m, ops.ACLRoleSet, writes, placed(s, ops.ACLRoleSet, global, s.roleSet))
	handle(s, m, ops.ACLRoleDelete, writes, placed(s, ops.ACLRoleDelete, global, s.roleDelete))
	handle(s, m, ops.ACLAuthMethodGet, reads, s.authMethodGet)
	handle(s, m, ops.ACLAuthMethodList, reads, s.authMethodList)
	handle(s, m, ops.ACLAuthMethodSet, writes, s.authMethodSet)
	handle(s, m, ops.ACLAuthMethodDelete, writes, s.authMethodDelete)
	handle(s, m, ops.ACLBindingRuleGet, reads, s.bindingRuleGet)
	handle(s, m, ops.ACLBindingRuleList, reads, s.bindingRuleList)
	handle(s, m, ops.ACLBindingRuleSet, writes, s.bindingRuleSet)
	handle(s, m, ops.ACLBindingRuleDelete, writes, s.bindingRuleDelete)
	handle(s, m, ops.ACLResolve, kernel.Open("the secret itself is what it takes"), s.resolve)
	handle(s, m, ops.ACLReplicationList, kernel.Needs(func(req *ops.ACLReplicationListRequest) acl.Need { return mayReplicate(req.Kind) }), s.replicationList)
	handle(s, m, ops.ACLReplicationRows, kernel.Needs(func(req *ops.ACLReplicationRowsRequest) acl.Need { return mayReplicate(req.Kind) }), s.replicationRows)
	handle(s, m, ops.ACLReplicationStatus, kernel.Open("it says nothing of tokens"), s.replicationStatus)
	handle(s, m, ops.ACLAuthorize, kernel.Known("it decides for the request's own token"), s.authorize)
	handle(s, m, ops.ACLExplain, kernel.Decides("acl:read for the token of another"), s.explain)
}

// errDisabled is reference/http-operator-acl.md §3.
var errDisabled = fault.New(fault.Rejected, "ACL support disabled")

// handle registers an operation that exists where access rules are in force.
func handle[Req, Rep any](s *Service, m *kernel.Mux, op rpc.Op[Req, Rep], r kernel.Rule, h handler[Req, Rep]) {
	if !s.opts.Enabled {
		h = func(context.Context, *acl.Authorizer, *Req) (*Rep, error) { return nil, errDisabled }
	}
	kernel.Handle(m, op, r, h)
}
