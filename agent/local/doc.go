// Package local holds what is registered with this agent, keeps it across
// restarts, runs its checks, and keeps the catalog in step with it.
//
// # Use
//
//	state, err := local.Open(local.Options{Dir: dataDir, NodeName: name, Address: ip, Caller: router})
//	err = state.LoadDefinitions(fromFiles)
//	go state.Run(ctx) // the caller waits for it
//	err = state.AddService(ctx, service, checks, false, token)
//
// # Concurrency
//
// After Open everything may be called by anyone at any time. Run owns the
// goroutines: one for each check that runs, one that syncs, one that saves what
// TTL checks were told, one that removes services critical for too long. The
// journal has no goroutine: one of those who wait for it writes for all.
//
// # Invariants
//
// A registration is on disk when it is acknowledged, and nothing that is not on
// disk shows; but what takes out of service is done even if it cannot be written. A
// damaged journal keeps nobody from starting. Rows are never changed, only replaced. A registration costs the
// same with ten services as with ten thousand: nothing walks over them all but
// a full sync, a compaction, and Services when asked after a change. The file
// is at most about twice what it has to hold, and 64 KiB of zeros; requests to
// servers have at most 256 members.
//
// # Decisions
//
// See DESIGN.md beside this file.
package local
