package server

import (
	"context"
	"os"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// Operations lists what a server answers.
func Operations() []*rpc.Desc { return (&Server{measured: newMeasured(nil)}).mux().Operations() }

// Rules lists what each operation and transfer asks of its caller.
func Rules() map[string]kernel.Rule { return (&Server{}).registered().Rules() }

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
func MayRegister(az *acl.Authorizer, tx *catalog.Tx, reg *catalog.Register) error {
	return mayRegister(az, tx, reg)
}

func MayDeregister(az *acl.Authorizer, tx *catalog.Tx, d *catalog.Deregister) error {
	return mayDeregister(az, tx, d)
}

// ReconcileAll makes one pass over all members.
func (s *Server) ReconcileAll(ctx context.Context) { s.reconcileAll(ctx) }

// SessionTimers are timers that no server uses.
type SessionTimers struct{ t sessionTimers }

// Start begins with some sessions.
func (s *SessionTimers) Start(sessions []*catalog.Session, now time.Time) { s.t.start(sessions, now) }

// Set starts a session's timer anew.
func (s *SessionTimers) Set(id string, ttl time.Duration, now time.Time) bool {
	return s.t.set(id, ttl, now)
}

// Drop forgets a session.
func (s *SessionTimers) Drop(id string) { s.t.drop(id) }

// Take returns the sessions that are due, and what puts each back.
func (s *SessionTimers) Take(now time.Time) map[string]func(now time.Time) {
	due := map[string]func(time.Time){}
	for _, timer := range s.t.take(now) {
		due[timer.id] = func(now time.Time) { s.t.again(timer, now) }
	}
	return due
}

// Next is how long it is until one is due.
func (s *SessionTimers) Next(now time.Time) time.Duration {
	wait, _ := s.t.next(now)
	return wait
}

// RenderQuery renders a query for a name.
func RenderQuery(q *catalog.Query, name string) (*catalog.Query, error) { return renderQuery(q, name) }

// SpoolWith writes to a spool on a disk with so much room.
func SpoolWith(dir string, free func(string) (uint64, error)) error {
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return err
	}
	f := &spool{File: file, dir: dir, free: free}
	defer f.Close()
	_, err = f.Write([]byte("state"))
	return err
}
