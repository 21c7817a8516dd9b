package server

import (
	"context"
	"errors"
	"time"

	"praetor/catalog"
	"praetor/gossip"
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
	// reconcileInterval is how often all members are compared with the catalog.
	reconcileInterval = 60 * time.Second
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
	s.ready.Store(false)
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
	for {
		err := s.establish(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		s.logger.Error("take up leadership: handing it on", "error", err)
		if err := s.raft.TransferLeadership(); err != nil {
			s.logger.Warn("hand leadership on", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(establishRetry):
		}
	}
	pilot := s.startAutopilot(ctx)
	defer func() { <-pilot.Stop() }()
	s.reconcileLoop(ctx)
}

// establish makes this leader fit to answer: it has applied everything
// committed before, the replicated configuration exists, and it is in the
// catalog itself, ahead of anything its own agent may register.
func (s *Server) establish(ctx context.Context) error {
	barrier, cancel := context.WithTimeout(ctx, barrierLimit)
	defer cancel()
	if err := s.raft.Barrier(barrier); err != nil {
		return err
	}
	if s.store.Read().Autopilot() == nil {
		config := s.opts.Autopilot
		if _, _, err := s.apply(ctx, catalog.AutopilotCommand, &config); err != nil {
			return err
		}
	}
	for _, m := range s.opts.LAN.Members() {
		if m.Name != s.opts.Name {
			continue
		}
		if err := s.reconcileMember(ctx, m, false); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.ready.Store(true)
	return nil
}

// reconcileLoop keeps the catalog true to the pool: each event at once, all
// members from time to time, at the start, and after events were missed.
func (s *Server) reconcileLoop(ctx context.Context) {
	ticker := time.NewTicker(reconcileInterval)
	defer ticker.Stop()
	s.reconcileAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.reconcileAll(ctx)
		case e := <-s.memberEvents:
			s.reconcileEvent(ctx, e)
		}
		if s.missed.Swap(false) {
			s.reconcileAll(ctx)
		}
	}
}

func (s *Server) reconcileEvent(ctx context.Context, e gossip.Event) {
	for _, m := range e.Members {
		err := s.reconcileMember(ctx, m, e.Type == gossip.Reaped)
		if err != nil && !errors.Is(err, context.Canceled) {
			s.logger.Error("failed to reconcile member", "member", m.Name, "error", err)
		}
	}
}

func (s *Server) reconcileAll(ctx context.Context) {
	members := s.opts.LAN.Members()
	known := make(map[string]bool, len(members))
	for _, m := range members {
		known[nodeKey(m.Name)] = true
		if err := s.reconcileMember(ctx, m, false); err != nil {
			if ctx.Err() != nil {
				return
			}
			s.logger.Error("failed to reconcile member", "member", m.Name, "error", err)
		}
	}
	s.reapUnknown(ctx, known)
}
