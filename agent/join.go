package agent

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// retryJoin keeps one pool trying to reach others until it succeeded once
// (reference/config.md §2.3).
type retryJoin struct {
	pool     string   // "LAN" or "WAN", for messages
	addrs    []string // tried together in each round
	interval time.Duration
	max      int // rounds; 0 = for ever
	join     func(addrs []string) (int, error)
	joined   func()
	failed   func(why string) // after each round that reached nobody
	logger   hclog.Logger
}

// run returns nil when a round reached somebody or ctx ended, and an error
// when all rounds are used up.
func (r retryJoin) run(ctx context.Context) error {
	if len(r.addrs) == 0 {
		r.joined() // it has joined everybody it was told to: a service manager waits for that
		return nil
	}
	logger := r.logger.With("cluster", r.pool)
	logger.Info("Joining cluster...")
	// Agents that start together find each other in a moment: the first interval has
	// attempts after ever longer pauses, which do not count as rounds.
	quick := firstPause
	for round, left := 1, r.interval; ; {
		n, err := r.join(r.addrs)
		if n > 0 {
			logger.Info("Join cluster completed. Synced with initial agents", "num_agents", n)
			r.joined()
			return nil
		}
		if r.max > 0 && round >= r.max {
			return errors.New("agent: max join " + r.pool + " retry exhausted, exiting")
		}
		pause := left
		if round == 1 {
			pause = min(quick, left)
			quick *= 2
		}
		if left -= pause; left <= 0 {
			round, left = round+1, r.interval
		}
		why := flat(err)
		r.failed(why)
		logger.Warn("Join cluster failed, will retry", "retry_interval", pause, "error", why)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// firstPause is what an agent waits after its first attempt to join.
const firstPause = 500 * time.Millisecond

// flat is an error on one line, without the bullets and the count of a list.
func flat(err error) string {
	if err == nil {
		return "nobody answered"
	}
	var parts []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "* ")
		if line != "" && !(strings.HasSuffix(line, "occurred:") && strings.Contains(line, " error")) {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}
