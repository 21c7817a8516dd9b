// Package builtin has the policies that every cluster has, and those that stand for
// identities and templated policies (reference/security.md §2,
// reference/http-operator-acl.md §3.3, §3.6).
//
// # Use
//
//	t, found := builtin.TemplateNamed("builtin/service")
//	policy, err := t.Render("web")
//
// # Concurrency
//
// Everything here is a constant or a function without state.
//
// # Invariants
//
// What Render accepts, rules.Parse accepts: a name cannot leave its quotes.
//
// # Decisions
//
// A templated policy is made when it is asked for, never stored: what a template
// grants may change with a version.
package builtin
