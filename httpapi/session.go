package httpapi

import (
	"encoding/json"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

const (
	textMissingSession = "Missing session"
	defaultLockDelay   = 15 * time.Second
)

// sessionBody is a session as clients ask for it
// (reference/http-kv-session-txn.md §2.1). What else it has is ignored.
type sessionBody struct {
	Name          string
	Node          *string // the agent's own if absent
	LockDelay     lockDelay
	Behavior      string
	TTL           string
	NodeChecks    givenList
	ServiceChecks []catalog.SessionServiceCheck
	Checks        givenList // what old clients send
}

// session fills in the defaults.
func (b *sessionBody) session() catalog.Session {
	s := catalog.Session{
		Name: b.Name, LockDelay: time.Duration(b.LockDelay), Behavior: b.Behavior, TTL: b.TTL,
		NodeChecks: []string{catalog.SerfHealth}, ServiceChecks: b.ServiceChecks,
	}
	switch {
	case len(b.NodeChecks.names) > 0:
		s.NodeChecks, s.Checks = b.NodeChecks.names, b.Checks.names
	case b.NodeChecks.given && (!b.Checks.given || len(b.Checks.names) > 0):
		s.NodeChecks = b.NodeChecks.names
	case !b.Checks.given:
	case len(b.Checks.names) == 0:
		s.NodeChecks = []string{}
	default:
		s.Checks = b.Checks.names
	}
	return s
}

// givenList is a list whose absence means something. null is not absent: it is a
// list of nothing, which shows as null.
type givenList struct {
	given bool
	names []string
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *givenList) UnmarshalJSON(text []byte) error {
	*l = givenList{given: true}
	return json.Unmarshal(text, &l.names)
}

// lockDelay is a duration or a number; both count seconds if they are below a
// thousand. Any other JSON is ignored.
type lockDelay time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *lockDelay) UnmarshalJSON(text []byte) error {
	span := definition.Duration(-1)
	if len(text) == 0 || text[0] != '"' && text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return nil
	}
	if err := span.UnmarshalJSON(text); err != nil {
		return err
	}
	if span < 1000 {
		span = definition.Nanoseconds(float64(span) * float64(time.Second))
	}
	*d = lockDelay(span)
	return nil
}

func sessionCreate(x *exchange) error {
	body := wire.Lenient[sessionBody]{Value: sessionBody{LockDelay: lockDelay(defaultLockDelay)}}
	if x.r.ContentLength > 0 {
		if err := x.decode(&body); err != nil {
			return err
		}
	}
	req := &ops.SessionCreateRequest{WriteOptions: x.writeOptions(), Session: body.Value.session()}
	switch away := req.Datacenter != "" && req.Datacenter != x.api.opts.Datacenter; {
	case away && !x.api.opts.Server:
		return rejected("cross datacenter lock must be created at server agent")
	case body.Value.Node != nil:
		if req.Session.Node = *body.Value.Node; req.Session.Node == "" {
			return rejected("Must provide Node")
		}
	case !away:
		req.Session.Node = x.api.opts.NodeName
	}
	rep, err := ops.SessionCreate.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return append(wire.AppendText(b, `{"ID":`, rep.ID), '}') })
}

func sessionDestroy(x *exchange) error {
	if x.name == "" {
		return invalid(textMissingSession)
	}
	_, err := ops.SessionDestroy.Call(x.r.Context(), x.api.opts.Caller, &ops.SessionDestroyRequest{WriteOptions: x.writeOptions(), ID: x.name})
	if err != nil {
		return err
	}
	return x.bool(true)
}

func sessionRenew(x *exchange) error {
	if x.name == "" {
		return invalid(textMissingSession)
	}
	if _, err := x.readOptions(); err != nil { // it answers as reads do
		return err
	}
	rep, err := ops.SessionRenew.Call(x.r.Context(), x.api.opts.Caller, &ops.SessionRenewRequest{WriteOptions: x.writeOptions(), ID: x.name})
	switch {
	case err != nil:
		return err
	case rep.Session == nil:
		return fault.New(fault.NotFound, "Session id '%s' not found", x.name)
	}
	return x.replySessions([]*catalog.Session{rep.Session})
}

func sessionInfo(x *exchange) error {
	opts, err := x.readOptions()
	switch {
	case err != nil:
		return err
	case x.name == "":
		return invalid(textMissingSession)
	}
	rep, err := ask(x, ops.SessionInfo, &ops.SessionInfoRequest{ReadOptions: opts, ID: x.name})
	if err != nil {
		return err
	}
	return x.replySessions(rep.Sessions)
}

func sessionNode(x *exchange) error {
	opts, err := x.readOptions()
	switch {
	case err != nil:
		return err
	case x.name == "":
		return invalid("Missing node name")
	}
	rep, err := ask(x, ops.SessionNode, &ops.SessionNodeRequest{ReadOptions: opts, Node: x.name})
	if err != nil {
		return err
	}
	return x.replySessions(rep.Sessions)
}

func sessionList(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.SessionList, &ops.SessionListRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.replySessions(rep.Sessions)
}

func (x *exchange) replySessions(list []*catalog.Session) error {
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendSession) })
}

var (
	_ json.Unmarshaler = (*lockDelay)(nil)
	_ json.Unmarshaler = (*givenList)(nil)
)
