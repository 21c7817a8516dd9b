package agent

import (
	"strings"
	"time"

	"praetor/gossip"
	"praetor/internal/userevent"
)

// onFired keeps an event that a user fired, if this agent is meant
// (reference/internals.md §7).
func (a *Agent) onFired(u *gossip.UserEvent) {
	e, meant, err := userevent.Decode(u.Name, u.LTime, u.Payload)
	if err != nil {
		if left, due := a.badEvents.Due(time.Now()); due {
			a.logger.Warn("drop user event", "name", u.Name, "error", err, "left_out", left)
		}
		return
	}
	if e.IsReserved() {
		a.offerJob(e, meant)
		return
	}
	if !meant.Match(a.runtime.Load().NodeName, a.serviceTags) {
		return
	}
	a.logger.Debug("new event", "event_name", e.Name, "event_id", e.ID)
	a.events.Add(e)
}

// serviceTags walks the IDs and tags of this agent's services.
func (a *Agent) serviceTags(yield func(id string, tags []string) bool) {
	for id, s := range a.local.Services() {
		if !yield(id, s.Tags) {
			return
		}
	}
}

func isFired(u *gossip.UserEvent) bool { return strings.HasPrefix(u.Name, userevent.Prefix) }
