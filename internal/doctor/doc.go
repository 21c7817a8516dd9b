// Package doctor examines an agent, its cluster and this machine, and says what is
// wrong and what to do about it.
//
// # Use
//
//	for _, f := range doctor.Examine(ctx, doctor.Options{Client: client}) {
//		fmt.Println(f.Severity, f.What, f.Cure)
//	}
//
// # Concurrency
//
// Examine runs its parts at once and returns when all have ended. Calls do not
// share anything.
//
// # Invariants
//
// It changes nothing, but for a file of its own in the data folder, which it
// removes. The worst findings come first. An OK is said only of what was looked
// at. A finding that follows from another is not made: without a leader there is
// nothing to say of what only servers know.
//
// # Decisions
//
// Findings are data: the command line prints them, and others may show them
// elsewhere. What the agent knows is asked of it over the public client, so that
// an agent elsewhere is examined as one on this machine is.
package doctor
