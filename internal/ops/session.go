package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

var (
	// SessionCreate begins a session.
	SessionCreate = rpc.Write[SessionCreateRequest, SessionCreateReply]("Session.Create")
	// SessionDestroy ends a session. One that does not exist is ended already.
	SessionDestroy = rpc.Write[SessionDestroyRequest, Empty]("Session.Destroy")
	// SessionRenew gives a session its whole TTL again. Nothing is logged: the
	// leader alone watches TTLs.
	SessionRenew = rpc.Write[SessionRenewRequest, SessionRenewReply]("Session.Renew").Briefly()
	// SessionInfo reads one session, SessionNode those of a node, SessionList all.
	SessionInfo = rpc.ReadState[SessionInfoRequest, SessionsReply]("Session.Info")
	SessionNode = rpc.ReadState[SessionNodeRequest, SessionsReply]("Session.Node")
	SessionList = rpc.ReadState[SessionListRequest, SessionsReply]("Session.List")
)

// SessionCreateRequest holds a session without ID and indexes. Node "" stands
// for the leader's own.
type SessionCreateRequest struct {
	rpc.WriteOptions
	Session catalog.Session
}

type SessionCreateReply struct {
	ID    string
	Index uint64
}

type SessionDestroyRequest struct {
	rpc.WriteOptions
	ID string
}

type SessionRenewRequest struct {
	rpc.WriteOptions
	ID string
}

type SessionRenewReply struct {
	Session *catalog.Session // nil if there is none
}

type SessionInfoRequest struct {
	rpc.ReadOptions
	ID string
}

type SessionNodeRequest struct {
	rpc.ReadOptions
	Node string
}

type SessionListRequest struct {
	rpc.ReadOptions
}

type SessionsReply struct {
	rpc.ReadMeta
	Sessions []*catalog.Session
}
