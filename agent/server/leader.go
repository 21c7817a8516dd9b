package server

import (
	"context"
	"sync"
	"time"

	"praetor/catalog"
)

const (
	// newLeaderEvent tells every agent of the pool that there is a new leader.
	newLeaderEvent = "consul:new-leader"
	// barrierLimit bounds how long a new leader may take to apply what its
	// predecessors committed.
	barrierLimit = 2 * time.Minute
	// establishRetry is the pause before a leader that could not take up its
	// duties tries again.
	establishRetry = 5 * time.Second
)

// runLeadership does a leader's duties whenever this server leads.
func (s *Server) runLeadership(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case leads := <-s.raft.Leadership():
			if leads {
				s.term(ctx)
			}
		}
	}
}

// term runs one term: lead gets a context that ends with it, and is waited for.
func (s *Server) term(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { // waited for below, before the next term may begin
		defer close(done)
		s.lead(ctx)
	}()
	for over := false; !over; {
		select {
		case leads := <-s.raft.Leadership():
			over = !leads
		case <-ctx.Done():
			over = true
		}
	}
	cancel()
	<-done
	s.logger.Info("cluster leadership lost")
}

// lead takes up the duties, trying again if that fails, and does them until
// the term ends.
func (s *Server) lead(ctx context.Context) {
	s.logger.Info("cluster leadership acquired")
	if err := s.opts.LAN.Fire(newLeaderEvent, []byte(s.opts.Name)); err != nil {
		s.logger.Warn("tell the pool of the new leader", "error", err)
	}
	for ctx.Err() == nil && s.takeUp(ctx) {
		s.doDuties(ctx)
	}
}

// takeUp makes this leader ready, trying again if that fails; false if the term
// ended before.
func (s *Server) takeUp(ctx context.Context) bool {
	for {
		err := s.establish(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.logger.Error("take up leadership: handing it on", "error", err)
		_ = s.handOn(ctx) // logged; success ends ctx
		if !pause(ctx, establishRetry) {
			return false
		}
	}
}

// doDuties does a leader's duties until the term ends or the state was restored:
// what they know is of the old state then.
func (s *Server) doDuties(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pilot := s.startAutopilot(ctx)
	s.pilot.Store(pilot)
	defer func() {
		s.pilot.Store(nil)
		<-pilot.Stop()
	}()
	var duties sync.WaitGroup
	defer duties.Wait()
	duties.Go(func() { s.storeCoordinates(ctx) })
	duties.Go(func() { s.expireSessions(ctx) })
	duties.Go(func() { s.reapDeletions(ctx) })
	duties.Go(func() { s.reconcileLoop(ctx) })
	duties.Go(func() { s.followReloads(ctx) })
	select {
	case <-ctx.Done():
	case <-s.restored:
		s.delays.clear()
		cancel()
	}
}

// transferTries is how often a leader tries to make another one.
const transferTries = 3

// handOn gives leadership to another server.
func (s *Server) handOn(ctx context.Context) error {
	var err error
	for range transferTries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = s.raft.TransferLeadership(); err == nil {
			return nil
		}
		s.logger.Warn("hand leadership on", "error", err)
	}
	return err
}

// establish makes this leader fit to answer: it has applied everything
// committed before, the replicated configuration exists, and it is in the
// catalog itself, ahead of anything its own agent may register.
func (s *Server) establish(ctx context.Context) error {
	term := s.raft.Raft().CurrentTerm() // the barrier is of this term, or a later one
	barrier, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	start := time.Now()
	if err := s.raft.Barrier(barrier); err != nil {
		return err
	}
	s.measured.barrier.Since(start)
	if s.store.Read().Autopilot() == nil {
		config := s.opts.Autopilot
		if _, _, err := s.apply(ctx, catalog.AutopilotCommand, &config); err != nil {
			return err
		}
	}
	if err := s.bootstrapEntries(ctx); err != nil {
		return err
	}
	for _, m := range s.opts.LAN.Members() {
		if m.Name != s.opts.Name {
			continue
		}
		if err := s.reconcileMember(ctx, m, false); err != nil {
			return err
		}
	}
	_, sessions := s.store.Read().Sessions(nil)
	s.timers.start(sessions, time.Now())
	s.readyTerm.Store(term)
	s.established.Add(1)
	return nil
}
