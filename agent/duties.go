package agent

import (
	"context"
	"net/http"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"praetor/agent/config"
	"praetor/internal/userevent"
)

// Duties is what an agent does as a client of itself. It comes from outside,
// because only commands speak through the public client (design §1). A nil
// function means that the agent does not do it.
type Duties struct {
	// Watch runs one watch of the configuration until ctx ends.
	Watch func(ctx context.Context, self Self, conf config.Watch)
	// Job runs one job of remote execution, told of by an event
	// (reference/cli.md §4, exec).
	Job func(ctx context.Context, self Self, e *userevent.Event)
}

// Self is what a duty knows of its agent.
type Self struct {
	API      http.Handler // answers requests without a socket
	NodeName string
	Token    string // the agent's own
	Logger   hclog.Logger
}

const (
	// rexecEvent tells agents of a job.
	rexecEvent = "_rexec"
	// rexecMax bounds the jobs at a time: more are refused, nobody waits for a
	// job that starts when its asker has gone.
	rexecMax = 16
)

func (a *Agent) self() Self {
	return Self{API: a.api, NodeName: a.runtime.Load().NodeName, Token: a.tokens().Agent, Logger: a.logger}
}

// offerJob takes a job that came as an event, unless the configuration forbids
// it, which it does by default.
func (a *Agent) offerJob(e *userevent.Event, meant *userevent.Filters) {
	rt := a.runtime.Load()
	if e.Name != rexecEvent || a.duties.Job == nil || rt.Checks.DisableRemoteExec || !meant.Match(rt.NodeName, a.serviceTags) {
		return
	}
	select {
	case a.jobs <- e:
	default:
		a.logger.Warn("remote exec job refused: too many at a time", "event_id", e.ID)
	}
}

// runJobs runs the jobs of remote execution until ctx ends.
func (a *Agent) runJobs(ctx context.Context) error {
	var group errgroup.Group
	group.SetLimit(rexecMax)
	defer group.Wait() // its parts report their faults themselves
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-a.jobs:
			if !group.TryGo(func() error { a.duties.Job(ctx, a.self(), e); return nil }) {
				a.logger.Warn("remote exec job refused: too many at a time", "event_id", e.ID)
			}
		}
	}
}
