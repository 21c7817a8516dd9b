// Package acls is a server's part in access rules: it keeps tokens, policies and
// roles, and knows what a token may do (reference/security.md,
// reference/http-operator-acl.md §3).
//
// # Use
//
//	s := acls.New(kernel, acls.Options{Enabled: true})
//	s.Register(mux)
//	az, err := s.Resolve(ctx, token)
//
// # Concurrency
//
// A Service may be used by any goroutine at once.
//
// # Invariants
//
// A secret goes to those alone who may write ACLs, or have it. What is stored refers
// to policies and roles by ID; what is shown has their present names, and leaves out
// those that are gone.
//
// In a secondary datacenter policies, roles and global tokens are the primary's: the
// leader copies them with their IDs, and removes them, by comparing hashes of all rows.
// Writes of them go to the primary, and come back as copies. Local tokens are never
// touched by that.
//
// # Decisions
//
// Copies are compared as a whole, at most once a second, and not followed change by
// change: whatever was missed, restored or lost is mended by the next comparison.
//
// An authorizer is made once for a token and kept until any ACL row changes: the
// index row tells. Policies are parsed once for each text and merged once for
// each set of texts, so that a hundred thousand tokens with the same policies share
// one set of rules.
package acls
