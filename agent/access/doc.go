// Package access resolves tokens where they are not kept: on client agents, and on
// servers of a secondary datacenter for tokens of the primary.
//
// # Use
//
//	remote := access.New(access.Options{Caller: router, Datacenter: "dc1", TTL: 30 * time.Second})
//	az, err := remote.Resolve(ctx, token)
//	mine := access.WithRecovery(remote, "node-1", func() string { return secret })
//
// # Concurrency
//
// A Remote may be used by any goroutine at once. Of many who ask for the same token
// one asks a server.
//
// # Invariants
//
// Within the TTL an answer is used again. After it a server is asked; what holds when
// none answers is the down policy (reference/security.md §6).
//
// # Decisions
//
// A server answers with the texts of all policies in force for a token, in one call:
// there is no cache of policies and roles beside that of tokens, and one TTL, the
// shortest of the three that are configured.
package access
