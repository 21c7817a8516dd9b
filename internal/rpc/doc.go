// Package rpc carries operations to the server that may answer them: here, the
// leader, any server, or another datacenter.
//
// # Use
//
// An operation is declared once (internal/ops), handled on servers, and called
// by anyone who holds a Caller:
//
//	var KVGet = rpc.Read[KVGetRequest, KVGetReply]("KV.Get")
//	rpc.Handle(mux, ops.KVGet, s.kvGet)
//	reply, err := ops.KVGet.Call(ctx, router, &ops.KVGetRequest{Key: "a"})
//
// A server accepts connections to its port with a Listener and runs Serve on its RPC
// half; a Dialer opens the connections, and a Router is told of servers with
// SetServers. Both sides' Identity says who they are. See example_test.go.
//
// # Concurrency
//
// A Router may be used by any number of goroutines. It starts two for each stream
// of brief requests, and gRPC runs some per connection; Close ends them. Listener.Run and Serve own
// what they start and return when all of it is gone.
//
// # Invariants
//
// A request runs where its Place says or fails. A write is sent a second time
// only if the first one was certainly not executed. The kind fault.NoLeader
// promises just that: a handler returns it only if it changed nothing. A request's
// token goes wherever the request goes. The caller's request is never changed.
// Bounds: requests 64 MiB, replies 256 MiB, 16384 requests in work per
// connection (more wait), 100 connections per client IP, 512 for Raft, 5 s to
// shake hands, 1024 connections that have not done so. Where there are gossip
// keys nothing is read, and nothing sent, before the other side has proved one.
//
// # Decisions
//
// See DESIGN.md beside the code.
package rpc
