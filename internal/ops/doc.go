// Package ops lists everything an agent can ask of the servers: for each
// operation a name, a request and a reply.
//
// # Use
//
//	reply, err := ops.KVGet.Call(ctx, router, &ops.KVGetRequest{Key: "a"})
//
// # Concurrency
//
// Declarations only.
//
// # Invariants
//
// No logic. Requests embed rpc.WriteOptions or rpc.ReadOptions; replies to
// reads embed rpc.ReadMeta. A reply may be shared by callers and is never
// changed after a handler returned it.
//
// # Decisions
//
// One file per noun, the same noun on every floor. Field names go over the
// wire: add fields, do not rename them. MessagePack code is generated for what
// carries load: kv, health, catalog, session and coordinate. The rest is encoded
// by reflection (cold.go, internal/msgreflect), to the same bytes.
package ops
