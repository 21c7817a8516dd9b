package local

import (
	"time"

	"praetor/catalog"
)

// restore registers what a journal held. Checks start critical, those of type
// TTL with what they were last told if that has not expired
// (reference/internals.md §17). Nobody else uses s yet.
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

// restoreStatus gives a TTL check, not yet seen by anyone, what it was last
// told unless that has expired.
func (s *State) restoreStatus(e *checkEntry, status *kept[statusRecord]) {
	if status == nil || e.ttl == nil || status.rec.Expires <= time.Now().UnixNano() {
		return
	}
	e.row.Status, e.row.Output = status.rec.Status, status.rec.Output
	e.expires, e.statusBytes = time.Unix(0, status.rec.Expires), status.size
	s.live += status.size
}
