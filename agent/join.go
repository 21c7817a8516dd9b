package agent

import (
	"context"
	"errors"
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
	logger   hclog.Logger
}

// run returns nil when a round reached somebody or ctx ended, and an error
// when all rounds are used up.
func (r retryJoin) run(ctx context.Context) error {
	if len(r.addrs) == 0 {
		r.joined() // with whom it has to: a service manager waits to hear it
		return nil
	}
	logger := r.logger.With("cluster", r.pool)
	logger.Info("Joining cluster...")
	for round := 1; ; round++ {
		n, err := r.join(r.addrs)
		if n > 0 {
			logger.Info("Join cluster completed. Synced with initial agents", "num_agents", n)
			r.joined()
			return nil
		}
		if r.max > 0 && round >= r.max {
			return errors.New("agent: max join " + r.pool + " retry exhausted, exiting")
		}
		logger.Warn("Join cluster failed, will retry", "retry_interval", r.interval, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.interval):
		}
	}
}
