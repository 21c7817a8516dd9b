package server

import (
	"context"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// MaxViews is how many answers are kept.
const MaxViews = maxViews

// ViewKey names a question.
func ViewKey(req *ops.HealthServiceRequest) string { return newViewKey(req) }

// Views tells how many answers are kept.
func (s *Server) Views() int {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	return len(s.views.byKey)
}

// LeaveReady marks s ready in the term it sees now.
func (s *Server) LeaveReady() { s.readyTerm.Store(s.raft.Raft().CurrentTerm()) }

// Sleep waits as blocking reads do.
func Sleep(ctx context.Context, ws catalog.WatchSet, leaderChanged <-chan struct{}) bool {
	return sleep(ctx, ws, leaderChanged)
}

// MayRegister and MayDeregister judge a request of a caller.
func MayRegister(az acl.Authorizer, tx *catalog.Tx, reg *catalog.Register) error {
	return caller{Authorizer: az}.mayRegister(tx, reg)
}

func MayDeregister(az acl.Authorizer, tx *catalog.Tx, d *catalog.Deregister) error {
	return caller{Authorizer: az}.mayDeregister(tx, d)
}

// ReconcileAll makes one pass over all members.
func (s *Server) ReconcileAll(ctx context.Context) { s.reconcileAll(ctx) }

// ParseEvictAnswer reads what an agent answered.
var ParseEvictAnswer = parseEvictAnswer
