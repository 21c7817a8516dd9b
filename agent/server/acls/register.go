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
	handle(s, m, ops.ACLTokenSelf, kernel.Open("everybody may see his own token"), s.tokenSelf)
	handle(s, m, ops.ACLTokenGet, reads, s.tokenGet)
	handle(s, m, ops.ACLTokenList, reads, s.tokenList)
	handle(s, m, ops.ACLTokenSet, writes, s.tokenSet)
	handle(s, m, ops.ACLTokenClone, writes, s.tokenClone)
	handle(s, m, ops.ACLTokenDelete, writes, s.tokenDelete)
	handle(s, m, ops.ACLPolicyGet, reads, s.policyGet)
	handle(s, m, ops.ACLPolicyList, reads, s.policyList)
	handle(s, m, ops.ACLPolicySet, writes, s.policySet)
	handle(s, m, ops.ACLPolicyDelete, writes, s.policyDelete)
	handle(s, m, ops.ACLRoleGet, reads, s.roleGet)
	handle(s, m, ops.ACLRoleList, reads, s.roleList)
	handle(s, m, ops.ACLRoleSet, writes, s.roleSet)
	handle(s, m, ops.ACLRoleDelete, writes, s.roleDelete)
	handle(s, m, ops.ACLResolve, kernel.Open("the secret itself is what it takes"), s.resolve)
	handle(s, m, ops.ACLReplicationStatus, kernel.Open("it says nothing of tokens"), s.replicationStatus)
	handle(s, m, ops.ACLAuthorize, kernel.Known("it decides for the request's own token"), s.authorize)
}

// errDisabled is reference/http-operator-acl.md §3.
var errDisabled = fault.New(fault.Rejected, "ACL support disabled")

// handle registers an operation that exists where access rules are in force.
func handle[Req, Rep any](s *Service, m *kernel.Mux, op rpc.Op[Req, Rep], r kernel.Rule, h func(context.Context, *acl.Authorizer, *Req) (*Rep, error)) {
	if !s.opts.Enabled {
		h = func(context.Context, *acl.Authorizer, *Req) (*Rep, error) { return nil, errDisabled }
	}
	kernel.Handle(m, op, r, h)
}
