package local

import (
	"slices"
	"strings"

	"praetor/agent/checks"
	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/fault"
)

// This file is what changes do once they are written. State.mu is held
// throughout; nothing here blocks.

// putService puts e in the place of the service with its ID. Its checks are
// given apart; with replace those that are not among them go.
func (s *State) putService(e *serviceEntry, given []*checkEntry, replace bool) {
	id := e.row.ID
	old := s.services[id]
	e.checks = map[string]*checkEntry{}
	changed := true
	if old != nil {
		s.live -= old.bytes
		e.checks, e.order = old.checks, old.order
		changed = !sameService(old.row, e.row) || old.token != e.token || old.file != e.file
	} else {
		e.order = s.nextOrder()
	}
	s.live += e.bytes
	s.services[id] = e
	s.serviceView = nil
	delete(s.dirty.goneServices, id)
	if changed {
		s.dirty.services[id] = struct{}{}
		s.nudge()
	}
	if changed {
		s.wakeService(id)
	}
	if old != nil && (old.row.Service != e.row.Service || !slices.Equal(old.row.Tags, e.row.Tags)) {
		// The catalog copies a service's name and tags into a check when the
		// check is written.
		for check := range e.checks {
			s.dirty.checks[check] = struct{}{}
		}
	}
	if replace {
		for check := range e.checks {
			if !slices.ContainsFunc(given, func(g *checkEntry) bool { return g.row.CheckID == check }) {
				s.removeCheck(check)
			}
		}
	}
	for _, c := range given {
		// Its service exists, so this cannot fail.
		_ = s.putCheck(c)
	}
}

// putCheck puts e in the place of the check with its ID, whose status and
// output it keeps (reference/http-agent.md §3.3).
func (s *State) putCheck(e *checkEntry) error {
	row := e.row // not yet seen by anyone
	var owner *serviceEntry
	row.Node, row.ServiceName, row.ServiceTags = s.opts.NodeName, "", nil
	if row.ServiceID != "" {
		if owner = s.services[row.ServiceID]; owner == nil {
			return errNoService(row.ServiceID)
		}
		row.ServiceName, row.ServiceTags = owner.row.Service, owner.row.Tags
	}
	old := s.checks[row.CheckID]
	changed := true
	if old != nil {
		e.order, row.Status, row.Output = old.order, old.row.Status, old.row.Output
		e.found, e.expires, e.statusBytes = old.found, old.expires, old.statusBytes
		e.takeOver(old)
		changed = !sameCheck(old.row, row) || old.token != e.token || old.file != e.file ||
			!slices.Equal(old.row.ServiceTags, row.ServiceTags) || !old.deferred.IsZero()
		s.detach(old)
	} else {
		e.order = s.nextOrder()
	}
	s.live += e.bytes
	s.checks[row.CheckID] = e
	if owner != nil {
		owner.checks[row.CheckID] = e
	} else {
		s.nodeChecks[row.CheckID] = e
	}
	s.checkView = nil
	delete(s.dirty.goneChecks, row.CheckID)
	if changed {
		s.dirty.checks[row.CheckID] = struct{}{}
		s.nudge()
	}
	if e.stop == nil {
		s.start(e)
	}
	s.wakeService(row.ServiceID)
	return nil
}

func (s *State) nextOrder() uint64 {
	s.entries++
	return s.entries
}

func errNoService(id string) error {
	return fault.New(fault.NotFound, "ServiceID %q does not exist", id)
}

// detach stops a check and takes it off its service.
func (s *State) detach(e *checkEntry) {
	if e.stop != nil {
		e.stop()
	}
	s.live -= e.bytes
	id, service := e.row.CheckID, e.row.ServiceID
	delete(s.nodeChecks, id)
	if owner := s.services[service]; owner != nil {
		delete(owner.checks, id)
	}
	s.wakeService(service)
}

// removeCheck removes a check; the catalog's goes with the next sync.
func (s *State) removeCheck(id string) {
	e := s.checks[id]
	if e == nil {
		return
	}
	s.detach(e)
	s.live -= e.statusBytes
	delete(s.checks, id)
	delete(s.dirty.checks, id)
	delete(s.dirty.deferred, id)
	delete(s.unsaved, id)
	s.checkView = nil
	s.dirty.goneChecks[id] = struct{}{}
	s.nudge()
}

// removeService removes a service with its checks and its sidecar.
func (s *State) removeService(id string) {
	e := s.services[id]
	if e == nil {
		return
	}
	for check := range e.checks {
		s.removeCheck(check)
		// The catalog removes them with their service.
		delete(s.dirty.goneChecks, check)
	}
	s.live -= e.bytes
	delete(s.services, id)
	delete(s.dirty.services, id)
	s.serviceView = nil
	if same := s.sameInstance(id); same != "" {
		s.dirty.services[same] = struct{}{}
	}
	s.dirty.goneServices[id] = struct{}{}
	s.nudge()
	s.wakeService(id)
	if sidecar := definition.SidecarID(id); s.services[sidecar] != nil && s.services[sidecar].parent == id {
		s.removeService(sidecar)
	}
}

// newCheck makes an entry with its runner. It fails for checks that this agent
// may not or cannot run.
func (s *State) newCheck(row *catalog.Check, token string, file bool) (*checkEntry, error) {
	e := &checkEntry{row: row, token: token, file: file}
	if row.Status == "" {
		row.Status = catalog.Critical
	}
	if d := row.Definition.DeregisterCriticalServiceAfter; d > 0 && d < minReap {
		s.logger.Warn("check has deregister interval below minimum", "check", row.CheckID, "minimum_interval", minReap)
	}
	e.owner = &owner{e}
	runner, err := checks.New(row, s.runnerOptions(file, func(_, status, output string) { s.result(e.owner, status, output) }))
	if err != nil {
		return nil, err
	}
	e.runner = runner
	e.ttl, _ = runner.(*checks.TTL)
	return e, nil
}

// sameInstance finds a service whose ID differs from one that was removed in case alone, "" if there is
// none. To the catalog it is the same instance, which must not go.
func (s *State) sameInstance(id string) string {
	for other := range s.services {
		if strings.EqualFold(other, id) {
			return other
		}
	}
	return ""
}
