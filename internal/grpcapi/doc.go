// Package grpcapi is the gRPC door, on ports 8502 and 8503 (reference/mesh.md §9): the
// services of github.com/hashicorp/consul/proto-public that dataplanes and controllers
// call.
//
// # Use
//
//	api := grpcapi.New(grpcapi.Options{Caller: router, ACL: resolver})
//	err := api.Serve(ctx, listener)
//
// # Concurrency
//
// Serve may be called for many listeners at once. It returns when all its handlers have.
//
// # Invariants
//
// A method asks one operation of the house, which decides about the token. What no
// operation guards, because anybody with a place in the mesh may know it, asks here for
// service:write on some service. Requests have maxRequestBytes at most; a connection has
// maxStreams. A stream that watches ends with its caller, with the server, and once its
// token may not watch any more.
//
// # Decisions
//
// The messages are Consul's own, from its MPL module: clients are compiled against them.
// There is no health service and no reflection, as in Consul, whose clients look at
// WatchServers instead.
package grpcapi
