package rpc

import (
	"context"
	"math/rand/v2"
	"time"

	"praetor/internal/fault"
)

// verdict says what an attempt that failed means for the next one.
type verdict uint8

const (
	// final: trying again cannot help, or could do the thing twice.
	final verdict = iota
	// retry: nothing was done, and nobody has waited for a leader yet.
	retry
	// retryHeld: nothing was done, and the other side held the request already.
	retryHeld
)

// verdictOf judges what a handler returned.
func verdictOf(err error) verdict {
	if err != nil && fault.KindOf(err) == fault.NoLeader {
		return retry
	}
	return final
}

const (
	// firstPause is a few election round trips on a LAN: after a planned
	// transfer the new leader is there within it.
	firstPause = 20 * time.Millisecond
	// maxPause is short against a failover, which takes half a second; Consul's
	// first pause is 437 ms (reference/internals.md §12).
	maxPause = 100 * time.Millisecond
)

// hold paces the attempts of one request that waits for a leader. Its clock
// starts at the first failure: a blocking read may break after minutes.
type hold struct {
	limit time.Duration
	since time.Time
	pause time.Duration
}

// next waits before the next attempt. It returns false if the request was held
// long enough or its context ended. Began is when the failed attempt started.
func (h *hold) next(ctx context.Context, v verdict, began time.Time) bool {
	now := time.Now()
	if h.since.IsZero() {
		h.since, h.pause = now, firstPause
		if v == retryHeld {
			h.since = began
		}
	}
	left := h.limit - now.Sub(h.since)
	if left <= 0 {
		return false
	}
	pause := h.pause/2 + rand.N(h.pause/2)
	h.pause = min(2*h.pause, maxPause)
	t := time.NewTimer(min(pause, left))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
