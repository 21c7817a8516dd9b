package checks

import (
	"context"
	"math/rand/v2"
	"time"

	"praetor/catalog"
)

// result is what one run found.
type result struct {
	status string
	output string
	final  bool // bypasses the thresholds: a script that ran out of time
}

// probe is one run of a check; it ends soon after ctx does. What it returns
// then is not used.
type probe func(ctx context.Context) result

// periodic runs a probe at random within the first interval and then an
// interval after the end of each run (reference/config.md §8.1).
type periodic struct {
	id       string
	interval time.Duration
	probe    probe
	limits   thresholds
	notify   func(id, status, output string)
}

func newPeriodic(c *catalog.Check, o *Options, p probe) Runner {
	interval := c.Definition.Interval
	if interval < minInterval {
		o.Logger.Warn("check has interval below minimum", "check", c.CheckID, "minimum_interval", minInterval)
		interval = minInterval
	}
	return &periodic{
		id: c.CheckID, interval: interval, probe: p, notify: o.Notify,
		limits: newThresholds(&c.Definition),
	}
}

func (p *periodic) Run(ctx context.Context) {
	timer := time.NewTimer(rand.N(p.interval))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		p.runOnce(ctx)
		timer.Reset(p.interval)
	}
}

func (p *periodic) runOnce(ctx context.Context) {
	r := p.probe(ctx)
	if ctx.Err() != nil {
		return
	}
	status, ok := r.status, true
	if !r.final {
		status, ok = p.limits.judge(r.status)
	}
	if ok {
		p.notify(p.id, status, r.output)
	}
}

// thresholds turn runs of equal results into a status (reference/config.md §8.2).
type thresholds struct {
	successes, failures int // in a row
	passing             int // successes that count
	warning, critical   int // failures that count
}

// newThresholds start satisfied: the first result counts at once.
func newThresholds(d *catalog.CheckDefinition) thresholds {
	return thresholds{
		successes: d.SuccessBeforePassing, failures: d.FailuresBeforeCritical,
		passing: d.SuccessBeforePassing, warning: d.FailuresBeforeWarning, critical: d.FailuresBeforeCritical,
	}
}

// judge counts a result and says what it makes of the check, false for nothing.
func (t *thresholds) judge(status string) (string, bool) {
	if status != catalog.Critical {
		t.failures = 0
		t.successes++
		return status, t.successes >= t.passing
	}
	t.successes = 0
	t.failures++
	switch {
	case t.failures >= t.critical:
		return catalog.Critical, true
	case t.failures >= t.warning:
		return catalog.Warning, true
	}
	return "", false
}
