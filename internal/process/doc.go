// Package process runs programs for somebody: handlers of watches, the command
// under a lock, a job of remote execution.
//
// # Use
//
//	c, err := process.Start(process.Options{Line: "make deploy", Stdout: os.Stdout})
//	select {
//	case <-c.Done():
//		return c.Err()
//	case <-lost:
//		c.Stop(process.Grace)
//	}
//
// # Concurrency
//
// A Child's methods may be called from any goroutine. Start begins one
// goroutine, which waits for the program and ends with it.
//
// # Invariants
//
// When Done is closed the program is gone and all it wrote was handed on, but
// for what a process that it left behind may still hold back after a second.
//
// # Decisions
//
// A program leads a process group of its own, so that stopping it stops what it
// started as well: a shell does not hand a signal on. With Foreground it stays
// in the caller's, because only that may read from a terminal.
package process
