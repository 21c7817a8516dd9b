package local

import (
	"context"
	"time"
)

const (
	reapEvery = 30 * time.Second
	minReap   = time.Minute // shorter times are raised to it
)

// reap removes services that a check has called critical for too long
// (reference/config.md §8.3).
func (s *State) reap(ctx context.Context) error {
	ticker := time.NewTicker(reapEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.reapOnce(ctx)
		}
	}
}

func (s *State) reapOnce(ctx context.Context) {
	for service, check := range s.overdue(time.Now()) {
		if err := s.RemoveService(ctx, service); err != nil {
			s.logger.Warn("unable to deregister service", "service", service, "check", check, "error", err)
			continue
		}
		s.logger.Info("Check for service has been critical for too long; deregistered service",
			"service", service, "check", check)
	}
}

// overdue lists services to remove, each with a check that says so.
func (s *State) overdue(now time.Time) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found map[string]string
	for id, e := range s.checks {
		limit := e.row.Definition.DeregisterCriticalServiceAfter
		if limit <= 0 || e.row.ServiceID == "" || e.criticalSince.IsZero() {
			continue
		}
		if now.Sub(e.criticalSince) > max(limit, minReap) {
			if found == nil {
				found = map[string]string{}
			}
			found[e.row.ServiceID] = id
		}
	}
	return found
}
