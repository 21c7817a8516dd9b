package local

import (
	"context"
	"math/rand/v2"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
)

// saveEvery is how long what a check was found to be may be lost in a crash.
const saveEvery = time.Second

// UpdateTTL takes a report about a TTL check. It is saved with the next batch,
// not yet when UpdateTTL returns.
func (s *State) UpdateTTL(_ context.Context, checkID, status, output string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.checks[checkID]
	if e == nil {
		return errUnknownCheck(checkID)
	}
	if e.ttl == nil {
		return fault.New(fault.Rejected, "CheckID %q does not have associated TTL", checkID)
	}
	output, e.expires = e.ttl.Renew(output)
	s.unsaved[checkID] = struct{}{}
	s.setStatus(e, status, output)
	return nil
}

// result takes what a runner found, unless the check is another by now.
func (s *State) result(of *owner, status, output string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := of.entry
	if s.checks[e.row.CheckID] != e || s.launch == nil {
		return
	}
	if e.ttl != nil {
		if !e.ttl.Expired() {
			return // a report came in while we waited
		}
		s.logger.Warn("Check missed TTL, is now critical", "check", e.row.CheckID)
	} else if status == catalog.Critical && e.row.Status != catalog.Critical {
		s.logger.Warn("Check is now critical", "check", e.row.CheckID)
	}
	if e.ttl == nil && (!e.found || status != e.row.Status) {
		e.found = true
		s.unsaved[e.row.CheckID] = struct{}{}
	}
	s.setStatus(e, status, output)
}

// setStatus gives a check a new status and output; s.mu is held.
func (s *State) setStatus(e *checkEntry, status, output string) {
	if s.discard {
		output = ""
	}
	switch {
	case status != catalog.Critical:
		e.criticalSince = time.Time{}
	case e.criticalSince.IsZero():
		e.criticalSince = time.Now()
	}
	if status == e.row.Status && output == e.row.Output {
		return
	}
	news := status != e.row.Status
	row := *e.row
	row.Status, row.Output = status, output
	e.row = &row
	s.checkView = nil
	switch id := row.CheckID; {
	case news || s.opts.CheckUpdateInterval <= 0:
		s.dirty.checks[id] = struct{}{}
		if news {
			s.wakeService(row.ServiceID)
		}
		s.nudge()
	case e.deferred.IsZero():
		e.deferred = s.deferral()
		s.dirty.deferred[id] = e.deferred
		s.nudge() // the sync loop has a new alarm to set
	}
}

// deferral is when a change of output alone is to reach the catalog
// (reference/internals.md §4), to the second so that many share a moment.
func (s *State) deferral() time.Time {
	every := s.opts.CheckUpdateInterval
	at := time.Now().Add(every/2 + rand.N(every))
	if every > 10*time.Second {
		at = at.Truncate(time.Second)
	}
	return at
}

// saveStatuses writes what checks were found to be, many at a time.
func (s *State) saveStatuses(ctx context.Context) error {
	if s.journal == nil {
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.saveOnce(); err != nil {
			s.logger.Warn("status of checks not saved", "error", err)
		}
	}
}

func (s *State) saveOnce() error {
	c := s.statusChange()
	if len(c.records) == 0 {
		return nil
	}
	c.lazy = true
	return s.commit(c)
}

// saveOutputs has the journal take the present outputs too, which are not worth
// writing while they change: with them nothing differs from the catalog after a
// restart in good order.
func (s *State) saveOutputs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.checks {
		if e.found {
			s.unsaved[id] = struct{}{}
		}
	}
}

// statusChange collects what the journal does not have yet.
func (s *State) statusChange() *change {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &change{apply: func(int64) error { return nil }}
	for id := range s.unsaved {
		e := s.checks[id]
		r, err := encode(kindStatus, e.status(s.opts.Boot))
		if err != nil {
			continue // strings and a number cannot fail to be encoded
		}
		c.records = append(c.records, r)
		size := int64(recBytes + len(r.body))
		s.live += size - e.statusBytes
		e.statusBytes = size
	}
	clear(s.unsaved)
	return c
}
