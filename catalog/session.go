package catalog

import (
	"fmt"
	"slices"
	"time"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableSession = "session"

var sessionTable = stored(tableSession, 8, "Session", sessionID, (*restorer).session, many(byNode, sessionByNode))

// What becomes of the keys that a session holds when it ends.
const (
	SessionRelease = "release"
	SessionDelete  = "delete"
)

// checkTypeSession is the type of checks that show whether there is a session.
const checkTypeSession = "session"

// MaxLockDelay is what longer lock-delays count as
// (reference/http-kv-session-txn.md §2.1).
const MaxLockDelay = time.Minute

// Session is a claim that lives no longer than its node, the checks it is bound
// to, and its TTL (reference/http-kv-session-txn.md §2). Keys are locked in its
// name. Once created it never changes.
type Session struct {
	ID            string
	Name          string
	Node          string
	LockDelay     time.Duration         // as given; see MaxLockDelay
	Behavior      string                // SessionRelease or SessionDelete
	TTL           string                // as given, "" for none; the leader watches it
	NodeChecks    []string              `msg:"NodeChecks,allownil"`
	ServiceChecks []SessionServiceCheck `msg:"ServiceChecks,allownil"`
	Checks        []string              // as NodeChecks: what old clients send
	CreateIndex   uint64
	ModifyIndex   uint64
}

// SessionServiceCheck names a check of a service by its ID.
type SessionServiceCheck struct {
	ID        string
	Namespace string
}

// SessionVerb is what a SessionWrite does.
type SessionVerb uint8

// The verbs.
const (
	SessionCreate  SessionVerb = iota // the ID is the leader's choice and must be new
	SessionDestroy                    // end the session with Session.ID, if there is one
)

// SessionCommand carries a SessionWrite; its result is nil or an error.
const SessionCommand CommandType = 6

var sessionCommand = succeeds(SessionCommand, "session", (*writer).session)

// SessionWrite is the command that begins and ends sessions.
type SessionWrite struct {
	Verb    SessionVerb
	Session Session
}

func (c *SessionWrite) hasKnownVerb() bool { return c.Verb <= SessionDestroy }

// FreedLock is a key that lost its lock because its session ended, not because
// it was unlocked. Until Delay is over nobody else should lock it.
type FreedLock struct {
	Key   string
	Delay time.Duration // > 0
	Index uint64        // of the command that ended the session
}

func sessionID(s *Session) []byte { return home.text(s.ID) }

func sessionByNode(s *Session) []byte { return home.nodeKey(s.Node) }

// bound lists the checks that end the session when they become critical.
func (s *Session) bound() []string {
	ids := make([]string, 0, len(s.Checks)+len(s.NodeChecks)+len(s.ServiceChecks))
	ids = append(append(ids, s.Checks...), s.NodeChecks...)
	for _, c := range s.ServiceChecks {
		ids = append(ids, c.ID)
	}
	return ids
}

func (s *Session) isBoundTo(checkID string) bool { return slices.Contains(s.bound(), checkID) }

// lockDelay is the delay in force for the keys that s holds, 0 for none.
func (s *Session) lockDelay() time.Duration { return min(max(s.LockDelay, 0), MaxLockDelay) }

// Sessions lists all sessions by ID.
func (tx *Tx) Sessions(ws WatchSet) (uint64, []*Session) {
	list := make([]*Session, 0)
	for s := range rows[*Session](tx.txn, nil, tableSession, byID, tx.in.all()) {
		list = append(list, s)
	}
	return tx.watchIndex(ws, indexSessions), list
}

// Session returns a session, or nil. The index is the whole table's, but who
// watches is woken by this session's end alone, or while there is none by
// neighbours too.
func (tx *Tx) Session(ws WatchSet, id string) (uint64, *Session) {
	return tx.index(indexSessions), firstWatch[*Session](tx.txn, ws, tableSession, byID, tx.in.text(id))
}

// NodeSessions lists the sessions of a node. Index and watch are as Session's.
func (tx *Tx) NodeSessions(ws WatchSet, node string) (uint64, []*Session) {
	list := make([]*Session, 0)
	for s := range rows[*Session](tx.txn, ws, tableSession, byNode, tx.in.nodeKey(node)) {
		list = append(list, s)
	}
	return tx.index(indexSessions), list
}

// session runs one SessionWrite.
func (w *writer) session(c *SessionWrite) error {
	if c.Verb == SessionCreate {
		return w.createSession(&c.Session)
	}
	if s := first[*Session](w.txn, tableSession, byID, sessionID(&c.Session)); s != nil {
		w.endSession(s)
	}
	return nil
}

func (w *writer) createSession(s *Session) error {
	node := first[*Node](w.txn, tableNode, byID, w.in.nodeKey(s.Node))
	switch {
	case s.ID == "":
		return fault.New(fault.Internal, "a session needs an ID")
	case node == nil:
		return fault.New(fault.Rejected, "Missing node registration")
	case first[*Session](w.txn, tableSession, byID, sessionID(s)) != nil:
		return fault.New(fault.Conflict, "there is a session %q", s.ID)
	case s.Behavior == "":
		s.Behavior = SessionRelease
	case s.Behavior != SessionRelease && s.Behavior != SessionDelete:
		return fault.New(fault.Rejected, "Invalid Behavior setting '%s'", s.Behavior)
	}
	for _, id := range s.bound() {
		c := first[*Check](w.txn, tableCheck, byID, w.in.checkKey(s.Node, id))
		switch {
		case id == "":
			return fault.New(fault.Rejected, "failed check lookup: %w", errCheckKey)
		case c == nil:
			return fault.New(fault.Rejected, "Missing check '%s' registration", id)
		case c.Status == Critical && c.Type != checkTypeSession:
			return fault.New(fault.Rejected, "Check '%s' is in critical state", id)
		}
	}
	s.Node, s.Checks = node.Node, nilEmpty(s.Checks)
	s.CreateIndex, s.ModifyIndex = w.index, w.index
	w.txn.Insert(tableSession, s)
	w.bump(indexSessions)
	w.showSession(s, Passing, "Session '"+s.ID+"' in force")
	return nil
}

// endSession removes a session and frees the keys it holds.
func (w *writer) endSession(s *Session) {
	remove(w.txn, tableSession, s)
	w.bump(indexSessions)
	for _, e := range collect[*KVEntry](w.txn, tableKV, bySession, kvBySession(&KVEntry{Session: s.ID})) {
		w.freeKey(e, s)
	}
	w.endQueriesOf(s)
	w.showSession(s, Critical, "Session '"+s.ID+"' is invalid")
}

// freeKey takes a key from a session that ended.
func (w *writer) freeKey(e *KVEntry, s *Session) {
	if delay := s.lockDelay(); delay > 0 {
		w.freed = append(w.freed, FreedLock{Key: e.Key, Delay: delay, Index: w.index})
	}
	if s.Behavior == SessionDelete {
		w.deleteKey(KeySessionGone, e)
		return
	}
	free := *e
	free.Session = ""
	w.writeKey(KeySessionGone, e, &free)
}

// endSessionsOn ends the sessions of a node that are bound to one of its
// checks; check "" stands for all.
func (w *writer) endSessionsOn(node, check string) {
	for _, s := range collect[*Session](w.txn, tableSession, byNode, w.in.nodeKey(node)) {
		if check != "" && !s.isBoundTo(check) {
			continue
		}
		// The end of another one may have been the end of this one.
		if first[*Session](w.txn, tableSession, byID, sessionID(s)) != nil {
			w.endSession(s)
		}
	}
}

// showSession sets the checks of a node that show the session of this name.
// Their ModifyIndex stays, as recorded (conformance session/session_check_type).
func (w *writer) showSession(s *Session, status, output string) {
	if s.Name == "" {
		return
	}
	for _, old := range collect[*Check](w.txn, tableCheck, byID, w.in.nodeKey(s.Node)) {
		if old.Type != checkTypeSession || old.Definition.SessionName != s.Name {
			continue
		}
		c := *old
		c.Status, c.Output = status, output
		w.txn.Insert(tableCheck, &c)
		w.noteCheck(old, &c)
		w.bumpCheck(&c)
		if status == Critical {
			w.endSessionsOn(c.Node, c.CheckID)
		}
	}
}

// session takes a session of a snapshot.
func (re *restorer) session(s *Session) error {
	switch {
	case s.ID == "":
		return errNoKey
	case s.Behavior != SessionRelease && s.Behavior != SessionDelete:
		return fmt.Errorf("session %q of unknown behavior %q", s.ID, s.Behavior)
	case !re.holds(tableNode, byID, re.w.in.nodeKey(s.Node)):
		return fmt.Errorf("session %q of unknown node %q", s.ID, s.Node)
	case re.holds(tableSession, byID, sessionID(s)):
		return errTwice
	}
	for _, id := range s.bound() {
		if !re.holds(tableCheck, byID, re.w.in.checkKey(s.Node, id)) {
			return fmt.Errorf("session %q bound to unknown check %q", s.ID, id)
		}
	}
	s.Checks = nilEmpty(s.Checks)
	re.w.txn.Insert(tableSession, s)
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}
