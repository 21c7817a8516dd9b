package checks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/life"
)

// Local answers about the services registered with this agent.
type Local interface {
	// ServiceHealth returns the checks that bear on a service, node-level ones
	// included, whether the service exists, and a channel that is closed when a
	// status among them may have changed. It does not block.
	ServiceHealth(serviceID string) (checks []*catalog.Check, exists bool, changed <-chan struct{})
}

// Remote answers about other nodes.
type Remote interface {
	// NodeHealth returns a node's checks and the IDs of its services, waiting up
	// to a minute for an index above minIndex.
	NodeHealth(ctx context.Context, node string, minIndex uint64) (index uint64, checks []*catalog.Check, services []string, err error)
}

const (
	aliasLocalEvery = time.Minute // a look at least this often
	aliasBackoff    = 2 * time.Second
	aliasBackoffMax = time.Minute
	aliasPatience   = 3 // errors in a row before backing off longer each time

	// An alias check looks as often as something changes, but in the long run no
	// oftener than other checks: those that follow each other in a ring would hand a
	// change round for ever.
	aliasBurst = 20
	aliasPause = minInterval
)

// alias mirrors the worst status among other checks.
type alias struct {
	id      string
	node    string
	service string
	max     int // of the output: two that follow each other quote each other
	local   Local
	remote  Remote
	notify  func(id, status, output string)
}

func newAlias(c *catalog.Check, o *Options) (Runner, error) {
	a := &alias{
		id: c.CheckID, node: c.Definition.AliasNode, service: c.Definition.AliasService,
		max: o.OutputMax, local: o.Local, remote: o.Remote, notify: o.Notify,
	}
	if a.node == "" && a.local == nil || a.node != "" && a.remote == nil {
		return nil, fault.New(fault.Internal, "alias check %q has nobody to ask", c.CheckID)
	}
	return a, nil
}

func (a *alias) Run(ctx context.Context) {
	if a.node == "" {
		a.runLocal(ctx)
		return
	}
	a.runRemote(ctx)
}

func (a *alias) runLocal(ctx context.Context) {
	timer := time.NewTicker(aliasLocalEvery)
	defer timer.Stop()
	pace := rate.NewLimiter(rate.Every(aliasPause), aliasBurst)
	for pace.Wait(ctx) == nil {
		checks, exists, changed := a.local.ServiceHealth(a.service)
		a.notify(a.judge(checks, exists))
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
	}
}

func (a *alias) runRemote(ctx context.Context) {
	var (
		index uint64
		fails int
	)
	pace := rate.NewLimiter(rate.Every(aliasPause), aliasBurst)
	for pace.Wait(ctx) == nil {
		next, checks, services, err := a.remote.NodeHealth(ctx, a.node, index)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			fails++
			index = 0
			if fails > 1 {
				a.notify(a.id, catalog.Critical, "Failure checking aliased node or service: "+err.Error())
			}
			life.Pause(ctx, backoff(fails))
			continue
		}
		fails = 0
		if next < index {
			next = 0
		}
		if next == index {
			continue // nothing new within the wait
		}
		index = next
		a.notify(a.judge(a.bearing(checks), a.service == "" || slices.Contains(services, a.service)))
	}
}

// backoff is short while failures are few, then doubles up to a minute.
func backoff(fails int) time.Duration {
	if fails <= aliasPatience {
		return aliasBackoff
	}
	return min(aliasBackoff<<min(fails-aliasPatience, 5), aliasBackoffMax)
}

// bearing picks the node's own checks and those of the aliased service.
func (a *alias) bearing(all []*catalog.Check) []*catalog.Check {
	var checks []*catalog.Check
	for _, c := range all {
		if c.ServiceID == "" || c.ServiceID == a.service {
			checks = append(checks, c)
		}
	}
	return checks
}

// judge returns what Notify wants: the first critical check decides, else the
// first warning.
func (a *alias) judge(checks []*catalog.Check, exists bool) (id, status, output string) {
	if !exists {
		return a.id, catalog.Critical, fmt.Sprintf("Service %s could not be found on node %s", a.service, a.node)
	}
	if len(checks) == 0 {
		return a.id, catalog.Passing, "No checks found."
	}
	status, output = catalog.Passing, "All checks passing."
	for _, c := range checks {
		worse := c.Status == catalog.Critical || c.Status == catalog.Warning && status == catalog.Passing
		if worse {
			status, output = c.Status, fmt.Sprintf("Aliased check %q failing: %s", c.Name, a.outputOf(c))
		}
		if status == catalog.Critical {
			break
		}
	}
	return a.id, status, CutOutput(output, a.max)
}

// outputOf leaves out what this check said itself, which would grow for ever.
func (a *alias) outputOf(c *catalog.Check) string {
	if c.CheckID == a.id {
		return ""
	}
	return c.Output
}
