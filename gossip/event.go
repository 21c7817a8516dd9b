package gossip

import (
	"github.com/hashicorp/serf/serf"
)

// Event reports that members changed, or that a user event arrived.
type Event struct {
	Type    EventType
	Members []Member   // for member events
	User    *UserEvent // for User
}

// EventType is the kind of an Event.
type EventType int

// The kinds. Joined, Updated: now alive. Reaped: forgotten after Failed or Left.
const (
	Joined EventType = iota
	HasLeft
	HasFailed
	Updated
	Reaped
	User
)

var eventNames = [...]string{"joined", "left", "failed", "updated", "reaped", "user"}

// String names the kind for logs.
func (t EventType) String() string {
	if t >= 0 && int(t) < len(eventNames) {
		return eventNames[t]
	}
	return "unknown"
}

// UserEvent is a message to all members, at most 512 bytes with its name.
type UserEvent struct {
	LTime   uint64
	Name    string
	Payload []byte
}

// eventOf converts serf's event; false for queries, which are questions.
func eventOf(e serf.Event) (Event, bool) {
	switch e := e.(type) {
	case serf.MemberEvent:
		members := make([]Member, len(e.Members))
		for i := range e.Members {
			members[i] = memberOf(&e.Members[i])
		}
		return Event{Type: EventType(e.Type), Members: members}, true
	case serf.UserEvent:
		return Event{Type: User, User: &UserEvent{LTime: uint64(e.LTime), Name: e.Name, Payload: e.Payload}}, true
	}
	return Event{}, false
}
