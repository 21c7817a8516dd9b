package life

import (
	"context"
	"time"
)

// Pause waits for d, and reports whether ctx went on until then.
func Pause(ctx context.Context, d time.Duration) bool { return PauseUnless(ctx.Done(), d) }

// PauseUnless is Pause for what ends when a channel is closed.
func PauseUnless(ended <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
		return false
	}
}
