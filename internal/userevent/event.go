package userevent

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/hashicorp/go-uuid"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

const (
	// Prefix marks the user events of the gossip pool that users fired
	// (reference/internals.md §7).
	Prefix = "consul:event:"
	// reserved starts the names of events that are internal and never kept.
	reserved = "_rexec"
	// version is the one format there is.
	version = 1
)

// Event is a message from a user to many agents (reference/http-kv-session-txn.md
// §4). On the wire its members have short names: with the event's name they
// share 512 bytes.
type Event struct {
	ID            string `msg:"ID"` // UUID
	Name          string `msg:"n"`
	Payload       []byte `msg:"p,omitempty"`
	NodeFilter    string `msg:"nf,omitempty"` // regular expressions, "" matches all
	ServiceFilter string `msg:"sf,omitempty"`
	TagFilter     string `msg:"tf,omitempty"`
	Version       int    `msg:"v"`
	LTime         uint64 `msg:"-"` // Lamport time at which it was fired; known to receivers
}

// New returns an event with a fresh ID.
func New(name string, payload []byte) (*Event, error) {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return nil, fmt.Errorf("make event ID: %w", err)
	}
	return &Event{ID: id, Name: name, Payload: payload, Version: version}, nil
}

// Check says what is wrong with an event that is to be fired; kind
// fault.Rejected, with the texts of the reference.
func (e *Event) Check() error {
	_, err := e.compile()
	return err
}

// Encode returns what gossip carries.
func (e *Event) Encode() ([]byte, error) { return e.MarshalMsg(nil) }

// Decode reads what gossip carried under a name that starts with Prefix, and says who
// is meant.
func Decode(wireName string, ltime uint64, payload []byte) (*Event, *Filters, error) {
	e := new(Event)
	rest, err := e.UnmarshalMsg(payload)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("decode event: %w", err)
	case len(rest) > 0:
		return nil, nil, fmt.Errorf("decode event: %d bytes too many", len(rest))
	case Prefix+e.Name != wireName:
		return nil, nil, fmt.Errorf("decode event: %q came as %q", e.Name, wireName)
	case e.Version != version:
		return nil, nil, fmt.Errorf("decode event: version %d, this agent knows %d", e.Version, version)
	}
	if _, err := uuid.ParseUUID(e.ID); err != nil {
		return nil, nil, fmt.Errorf("decode event: %w", err)
	}
	filters, err := e.compile()
	if err != nil {
		return nil, nil, fmt.Errorf("decode event: %w", err)
	}
	e.LTime = ltime
	return e, filters, nil
}

// IsReserved reports whether an event is internal: agents do not keep it.
func (e *Event) IsReserved() bool { return strings.HasPrefix(e.Name, reserved) }

// Index is what blocking queries wait on: not a counter but the event's ID, its
// halves combined (reference/http-kv-session-txn.md §4). It is never 0.
func (e *Event) Index() uint64 {
	id, err := uuid.ParseUUID(e.ID)
	if err != nil {
		return 1
	}
	return max(binary.BigEndian.Uint64(id[:8])^binary.BigEndian.Uint64(id[8:]), 1)
}
