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

// saveEveryMax is how far the pauses grow while the disk refuses.
const saveEveryMax = 30 * time.Second

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
	// The first output comes at once: without it nobody knows why a new check fails.
	news := status != e.row.Status || e.row.Output == "" && !e.spoke
	e.spoke = true
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

// saveStatuses writes what checks were found to be, many at a time, and what could
// not be written when it was done. While the disk refuses, it asks less and less often.
func (s *State) saveStatuses(ctx context.Context) error {
	if s.journal == nil {
		<-ctx.Done()
		return nil
	}
	timer := time.NewTimer(saveEvery)
	defer timer.Stop()
	pause := saveEvery
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		err := s.settle()
		if err == nil {
			err = s.saveOnce()
		}
		if err != nil && pause == saveEvery {
			s.logger.Warn("local journal cannot be written: trying again from time to time", "error", err)
		}
		if err == nil {
			pause = saveEvery
		} else {
			pause = min(2*pause, saveEveryMax)
		}
		timer.Reset(pause)
	}
}

func (s *State) saveOnce() error {
	c, taken := s.statusChange()
	if len(c.records) == 0 {
		return nil
	}
	c.lazy = true
	err := s.commit(c)
	if err != nil {
		s.unsaveAgain(taken)
	}
	return err
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

// statusChange takes what the journal does not have yet. Whoever cannot write it puts
// it back.
func (s *State) statusChange() (c *change, taken map[string]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sizes := map[string]int64{}
	c = &change{apply: func(int64) error {
		for id, size := range sizes {
			if e := s.checks[id]; e != nil {
				s.live += size - e.statusBytes
				e.statusBytes = size
			}
		}
		return nil
	}}
	for id := range s.unsaved {
		e := s.checks[id]
		r, err := encode(kindStatus, e.status(s.opts.Boot))
		if err != nil {
			continue // strings and a number cannot fail to be encoded
		}
		c.records = append(c.records, r)
		sizes[id] = int64(recBytes + len(r.body))
	}
	taken, s.unsaved = s.unsaved, map[string]struct{}{}
	return c, taken
}

// unsaveAgain has statuses saved later that could not be now. Checks may have gone meanwhile.
func (s *State) unsaveAgain(taken map[string]struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range taken {
		if s.checks[id] != nil {
			s.unsaved[id] = struct{}{}
		}
	}
}
