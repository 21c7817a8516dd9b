package server

import (
	"cmp"
	"context"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) registerSessions(m *kernel.Mux) {
	kernel.Handle(m, ops.SessionCreate, kernel.Needs(func(r *ops.SessionCreateRequest) acl.Need {
		return acl.Session.Write(cmp.Or(r.Session.Node, s.opts.Name))
	}), s.sessionCreate)
	kernel.Handle(m, ops.SessionDestroy, kernel.Decides("session:write on the session's node"), s.sessionDestroy)
	kernel.Handle(m, ops.SessionRenew, kernel.Decides("session:write on the session's node"), s.sessionRenew)
	kernel.HandleList(m, s.kernel, ops.SessionInfo, kernel.Sessions, func(r *ops.SessionInfoRequest, rep *ops.SessionsReply) kernel.List[*catalog.Session] {
		return sessions(rep, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Session) {
			index, session := tx.Session(ws, kernel.SessionID(tx, r.ID))
			if session == nil {
				return index, []*catalog.Session{}
			}
			return index, []*catalog.Session{session}
		})
	})
	kernel.HandleList(m, s.kernel, ops.SessionNode, kernel.Sessions, func(r *ops.SessionNodeRequest, rep *ops.SessionsReply) kernel.List[*catalog.Session] {
		return sessions(rep, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.Session) {
			return tx.NodeSessions(ws, r.Node)
		})
	})
	kernel.HandleList(m, s.kernel, ops.SessionList, kernel.Sessions, func(_ *ops.SessionListRequest, rep *ops.SessionsReply) kernel.List[*catalog.Session] {
		return sessions(rep, (*catalog.Tx).Sessions)
	})
}

func sessions(rep *ops.SessionsReply, rows func(*catalog.Tx, catalog.WatchSet) (uint64, []*catalog.Session)) kernel.List[*catalog.Session] {
	return kernel.List[*catalog.Session]{Absent: true, Into: &rep.Sessions, Rows: rows}
}

// Bounds of a session's TTL (reference/internals.md §5).
const (
	minSessionTTL = 10 * time.Second // unless Options say otherwise
	maxSessionTTL = 24 * time.Hour
)

func (s *Server) sessionCreate(ctx context.Context, _ *acl.Authorizer, req *ops.SessionCreateRequest) (*ops.SessionCreateReply, error) {
	session := req.Session
	session.Node = cmp.Or(session.Node, s.opts.Name)
	switch session.Behavior {
	case "", catalog.SessionRelease, catalog.SessionDelete:
	default:
		return nil, fault.New(fault.Rejected, "Invalid Behavior setting '%s'", session.Behavior)
	}
	ttl, err := s.checkTTL(session.TTL)
	if err != nil {
		return nil, err
	}
	if session.ID, err = uuid.GenerateUUID(); err != nil {
		return nil, err
	}
	// Watched before it exists: the command may take effect though the caller
	// does not wait for it.
	s.duties.Timers.Set(session.ID, ttl, time.Now())
	_, index, err := s.kernel.Apply(ctx, catalog.SessionCommand, &catalog.SessionWrite{Session: session})
	if err != nil {
		return nil, kernel.ApplyFailed("apply failed", err)
	}
	s.duties.Timers.Set(session.ID, ttl, time.Now())
	return &ops.SessionCreateReply{ID: session.ID, Index: index}, nil
}

// checkTTL reads a TTL; 0 is none.
func (s *Server) checkTTL(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	ttl, err := time.ParseDuration(text)
	switch least := s.opts.SessionTTLMin; {
	case err != nil:
		return 0, fault.New(fault.Rejected, "Session TTL '%s' invalid: %w", text, err)
	case ttl != 0 && (ttl < least || ttl > maxSessionTTL):
		return 0, fault.New(fault.Rejected, "Invalid Session TTL '%d', must be between [%v=%v]", ttl, least, maxSessionTTL)
	}
	return ttl, nil
}

// writableSession finds a session that the caller may end and renew; nil if there
// is none.
func (s *Server) writableSession(ctx context.Context, az *acl.Authorizer, id string) (*catalog.Session, error) {
	if err := s.kernel.Current(ctx); err != nil {
		return nil, err
	}
	tx := s.kernel.Store.Read()
	_, session := tx.Session(nil, kernel.SessionID(tx, id))
	if session == nil {
		return nil, nil
	}
	return session, az.Check(acl.Session.Write(session.Node))
}

func (s *Server) sessionDestroy(ctx context.Context, az *acl.Authorizer, req *ops.SessionDestroyRequest) (*ops.Empty, error) {
	session, err := s.writableSession(ctx, az, req.ID)
	switch {
	case err != nil:
		return nil, err
	case session == nil:
		return &ops.Empty{}, nil
	}
	if err := s.duties.EndSession(s.kernel.By(ctx, az), session.ID); err != nil {
		return nil, err
	}
	s.duties.Timers.Drop(session.ID)
	return &ops.Empty{}, nil
}

func (s *Server) sessionRenew(ctx context.Context, az *acl.Authorizer, req *ops.SessionRenewRequest) (*ops.SessionRenewReply, error) {
	session, err := s.writableSession(ctx, az, req.ID)
	switch {
	case err != nil:
		return nil, err
	case session == nil:
		return &ops.SessionRenewReply{}, nil
	case !s.duties.Timers.Set(session.ID, duty.TTLOf(session), time.Now()):
		return &ops.SessionRenewReply{}, nil // its end is under way
	}
	return &ops.SessionRenewReply{Session: session}, nil
}
