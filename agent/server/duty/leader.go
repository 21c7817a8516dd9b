package duty

import (
	"context"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/internal/life"
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

// RunLeadership does a leader's duties whenever this server leads.
func (s *Set) RunLeadership(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case leads := <-s.Raft.Leadership():
			if leads {
				s.term(ctx)
			}
		}
	}
}

// term runs one term: lead gets a context that ends with it, and is waited for.
func (s *Set) term(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { // waited for below, before the next term may begin
		defer close(done)
		s.lead(ctx)
	}()
	for over := false; !over; {
		select {
		case leads := <-s.Raft.Leadership():
			over = !leads
		case <-ctx.Done():
			over = true
		}
	}
	cancel()
	<-done
	s.Logger.Info("cluster leadership lost")
}

// lead takes up the duties, trying again if that fails, and does them until
// the term ends.
func (s *Set) lead(ctx context.Context) {
	s.Logger.Info("cluster leadership acquired")
	if err := s.LAN.Fire(newLeaderEvent, []byte(s.Name)); err != nil {
		s.Logger.Warn("tell the pool of the new leader", "error", err)
	}
	defer s.Timers.stop()
	for told := false; ctx.Err() == nil && s.takeUp(ctx); {
		if !told {
			told = true
			if err := s.Tell(ctx, catalog.EventElected); err != nil && ctx.Err() == nil {
				s.Logger.Warn("note the new leader in the history", "error", err)
			}
		}
		s.doDuties(ctx)
	}
}

// takeUp makes this leader ready, trying again if that fails; false if the term
// ended before.
func (s *Set) takeUp(ctx context.Context) bool {
	for {
		err := s.establish(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.Logger.Error("take up leadership: handing it on", "error", err)
		_ = s.handOn(ctx) // logged; success ends ctx
		if !life.Pause(ctx, establishRetry) {
			return false
		}
	}
}

// doDuties does a leader's duties until the term ends or the state was restored:
// what they know is of the old state then.
func (s *Set) doDuties(ctx context.Context) {
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
	duties.Go(func() { s.replicateEntries(ctx) })
	for _, other := range s.opts.Others {
		duties.Go(func() { other(ctx) })
	}
	select {
	case <-ctx.Done():
	case <-s.restored:
		s.Delays.clear()
		cancel()
	}
}

// transferTries is how often a leader tries to make another one.
const transferTries = 3

// handOn gives leadership to another server.
func (s *Set) handOn(ctx context.Context) error {
	var err error
	for range transferTries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err = s.Raft.TransferLeadership(); err == nil {
			return nil
		}
		s.Logger.Warn("hand leadership on", "error", err)
	}
	return err
}

// establish makes this leader fit to answer: it has applied everything
// committed before, the replicated configuration exists, and it is in the
// catalog itself, ahead of anything its own agent may register.
func (s *Set) establish(ctx context.Context) error {
	term := s.Raft.Raft().CurrentTerm() // the barrier is of this term, or a later one
	barrier, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	start := time.Now()
	if err := s.Raft.Barrier(barrier); err != nil {
		return err
	}
	s.took.barrier.Since(start)
	if s.Store.Read().Autopilot() == nil {
		config := s.opts.Autopilot
		if _, _, err := s.Apply(ctx, catalog.AutopilotCommand, &config); err != nil {
			return err
		}
	}
	if err := s.bootstrapEntries(ctx); err != nil {
		return err
	}
	for _, establish := range s.opts.Establish {
		if err := establish(ctx); err != nil {
			return err
		}
	}
	for _, m := range s.LAN.Members() {
		if m.Name != s.Name {
			continue
		}
		if err := s.reconcileMember(ctx, m, false); err != nil {
			return err
		}
	}
	_, sessions := s.Store.Read().Sessions(nil)
	s.Timers.Start(sessions, time.Now())
	s.MakeReady(term)
	s.established.Add(1)
	return nil
}

// TakeUpAgain lets the leader's duties start again on the restored state, and waits
// for that: timers, lock-delays and the members' health are of the old one.
func (s *Set) TakeUpAgain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), barrierLimit)
	defer cancel()
	before := s.established.Load()
	changed := s.Raft.LeaderChanged()
	if !s.Raft.IsLeader() {
		return // the next leader starts again anyway
	}
	select {
	case s.restored <- struct{}{}:
	case <-changed:
		return
	case <-ctx.Done():
		return
	}
	for s.established.Load() == before && s.Raft.IsLeader() && life.Pause(ctx, establishedPoll) {
	}
}

// establishedPoll is how often a restore looks whether the leader is ready again:
// that takes one round of the log.
const establishedPoll = time.Millisecond
