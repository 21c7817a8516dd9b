// Package kernel is what all handlers of a server stand on.
//
// # Use
//
//	k := kernel.New(kernel.Options{Name: "s1", Datacenter: "dc1", ACL: resolver, …})
//	m := kernel.NewMux(resolver)
//	kernel.Handle(m, ops.KVGet, kernel.Needs(keyRead), func(ctx context.Context, az *acl.Authorizer, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
//		rep := &ops.KVGetReply{}
//		return rep, k.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) { … })
//	})
//
// There are three ways to the state: Access says what a token may do, Read
// answers, Apply changes.
//
// # Concurrency
//
// A Mux is filled, and Raft and Router are set, before anything is asked. Then
// everything may be called by any goroutine at once. A blocking read costs no
// goroutine.
//
// # Invariants
//
// Every operation has a rule, which says what it asks of its caller's token. The
// token is resolved once for each request, before its handler runs. Default reads
// are answered by a leader that has applied all that was committed before its
// term: what is kept is the term, so nothing left over from an earlier one counts.
// Views hold 128 MB at most.
//
// # Decisions
//
// Rules stand beside the operations, as values, and not in the handlers: what can
// be asked from the request alone is asked in one place, and a test can read the
// whole table. All reads go through one function (read.go), all answers about a
// service's health through one cache (view.go), which is asked before rows are
// hidden: it holds no caller's view of them.
package kernel
