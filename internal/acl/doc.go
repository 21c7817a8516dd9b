// Package acl decides who may do what.
//
// # Use
//
//	az, err := resolver.Resolve(token)
//	if !az.KeyWrite("app/config") { … }
//
// # Concurrency
//
// Authorizers and resolvers may be asked by any goroutine at once.
//
// # Invariants
//
// Every operation handler asks an Authorizer before it reads or writes; no
// handler knows where rules come from.
//
// # Decisions
//
// One interface with a method per resource and access keeps call sites
// readable and lets the compiler find them when rules change.
package acl
