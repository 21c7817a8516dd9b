package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interrupts delivers the signals that ask a long-running command to end; after
// stop such signals end the process again.
func interrupts() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 4) // more than one ask for the same
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// untilInterrupted is a context that such a signal ends, for commands to which it is
// no fault.
func untilInterrupted(parent context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
}
