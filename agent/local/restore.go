package local

import (
	"time"

	"praetor/catalog"
)

// restore registers what a journal held. Checks start critical, unless what they
// were last found to be still holds (restoreStatus). Nobody else uses s yet.
func (s *State) restore(m *image) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, svc := range m.services {
		svc.rec.Service.Node = s.opts.NodeName
		s.putService(&serviceEntry{
			row: svc.rec.Service, token: svc.rec.Token, parent: svc.rec.Parent, bytes: svc.size,
		}, nil, false)
	}
	for id, c := range m.checks {
		if owner := c.rec.Check.ServiceID; owner != "" && s.services[owner] == nil {
			s.orphans = append(s.orphans, *c)
			continue
		}
		s.restoreCheck(c, m.statuses[id])
		delete(m.statuses, id)
	}
	s.statuses = m.statuses
}

func (s *State) restoreCheck(c *kept[checkRecord], status *kept[statusRecord]) {
	row := *c.rec.Check
	row.Status = catalog.Critical
	e, err := s.newCheck(&row, c.rec.Token, false)
	if err != nil {
		s.logger.Warn("check not restored", "check", row.CheckID, "error", err)
		return
	}
	e.bytes = c.size
	s.restoreStatus(e, status)
	if err := s.putCheck(e); err != nil {
		s.logger.Warn("check not restored", "check", row.CheckID, "error", err)
	}
}

// restoreStatus gives a check, not yet seen by anyone, what it was last found to
// be: a TTL check unless that has expired, others if the machine did not start
// since. So a restart of the agent does not make passing checks critical.
func (s *State) restoreStatus(e *checkEntry, status *kept[statusRecord]) {
	if status == nil || e.runner == nil {
		return
	}
	rec := &status.rec
	switch {
	case e.ttl != nil && rec.Expires <= time.Now().UnixNano(), e.ttl == nil && rec.Boot != s.opts.Boot:
		return
	case e.ttl != nil:
		e.expires = time.Unix(0, rec.Expires)
	default:
		e.found = true
	}
	e.row.Status, e.row.Output, e.statusBytes = rec.Status, rec.Output, status.size
	s.live += status.size
}
