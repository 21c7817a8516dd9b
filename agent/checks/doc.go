// Package checks runs health checks: each Runner asks one thing again and again
// and reports what it found.
//
// # Use
//
//	r, err := checks.New(check, checks.Options{Notify: state.update})
//	if err != nil {
//		return err
//	}
//	go r.Run(ctx) // the caller waits for it
//
// # Concurrency
//
// Run is called once and works until its context ends; when it returns, nothing
// it started is left, no script and no connection. Notify is called by one
// goroutine at a time for each Runner, never after Run returned, never with a
// lock held. TTL's Renew and Expired may be called by anyone at any time.
//
// # Invariants
//
// A run is bounded by the check's timeout, its output by the output limit: of a
// script or an HTTP body only the last bytes are ever in memory. Texts are those
// of reference/config.md §8.1, which people match on.
//
// # Decisions
//
// One file per kind of check, one line for it in kinds: a new kind needs no
// other change. Thresholds and timing are written once, in periodic, around a
// probe that only answers "how is it now". Each check has a goroutine, except
// TTL checks, which only ever wait and need none (see TTL.Start).
package checks
