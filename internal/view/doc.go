// Package view keeps the live answers to reads that many ask at once.
//
// # Use
//
//	views := view.New(view.Options{Caller: router})
//	parts.Add("views", views.Run)
//	rep, err := view.Await(ctx, views, ops.HealthService, req)  // a blocking read
//	ans, err := view.Cached(ctx, views, ops.HealthService, req) // ?cached
//
// A view is one read followed upstream by one blocking read. However many wait
// for its next answer, the servers evaluate and send it once, and all get the
// same reply, so that front doors can encode it once.
//
// # Concurrency
//
// All methods may be called at once. Run owns one goroutine per view and
// returns when all have ended. A caller's own goroutine waits for its answer.
//
// # Invariants
//
// Await is invisible: it answers what the same read would answer if it were sent
// by itself. A reader whose index a view has passed already is not given the
// view's answer, which may be older than the reader, but asks the servers; so does
// one whose time is up and who had a higher index than the view's. A read upstream
// that ended because its time was up, with the answer that there was, wakes nobody.
//
// A view asks upstream only while somebody waits for it, or while it was asked
// as cached not long ago. One that nobody asked for Options.Idle ends. There are
// at most Options.MaxViews of at most Options.MaxBytes together, not counting
// what somebody is just waiting for; past that, reads go to the servers.
//
// # Decisions
//
// A view is known by the encoded request with its token: two readers share an
// answer only if they may see the same. The order of a map in a request may
// give one read two views, which costs a second evaluation and nothing else.
package view
