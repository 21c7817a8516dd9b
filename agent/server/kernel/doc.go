// Package kernel is what all handlers of a server stand on.
//
// # Use
//
//	m := kernel.NewMux(resolver)
//	kernel.Handle(m, ops.KVGet, kernel.Needs(func(r *ops.KVGetRequest) acl.Need { return acl.Key.Read(r.Key) }), kvGet)
//	server := rpc.NewRouter(rpc.Options{Local: m.Mux, …})
//
// # Concurrency
//
// A Mux is filled before it serves; then its handlers run on their callers'
// goroutines, any number at once.
//
// # Invariants
//
// Every operation has a rule, which says what it asks of its caller's token. The
// token is resolved once for each request, before its handler runs.
//
// # Decisions
//
// Rules stand beside the operations, as values, and not in the handlers: what can
// be asked from the request alone is asked in one place, and a test can read the
// whole table.
package kernel
