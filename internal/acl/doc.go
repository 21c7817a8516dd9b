// Package acl decides who may do what.
//
// # Use
//
//	az, err := resolver.Resolve(ctx, token)
//	if err := az.Check(acl.Key.Write("app/config")); err != nil { … }
//	if az.Allows(acl.Node.Read(n.Node)) { … }
//
// # Concurrency
//
// Authorizers and resolvers may be asked by any goroutine at once.
//
// # Invariants
//
// An Authorizer that nothing was put into, and nil, allow nothing. There is one
// wording of a refusal, that of Check; it names the permission that is missing
// and the token's accessor, never its secret.
//
// # Decisions
//
// What is asked for is a value, a Need, and not a method per resource and
// access: a table can hold needs, a refusal can be worded from one, and rules
// decide about all of them in one function. Named and Scalar are types of their
// own, so that no scalar can be given a name and no named resource can do
// without.
package acl
