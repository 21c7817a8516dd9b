package fault

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Kind says what sort of fault an Error is. Front doors translate kinds to
// status codes; nothing else does.
type Kind uint8

// The kinds. Internal is the zero value: an error nobody classified.
const (
	Internal   Kind = iota // a fault of ours or of the machine
	Invalid                // the request is malformed: the caller must change it (HTTP 400)
	Rejected               // well-formed, but servers refuse it (HTTP 500, reference/http-api.md §2.3)
	NotFound               // the thing asked for does not exist
	Denied                 // the token may not do this
	Conflict               // another write won
	NoLeader               // no leader, or no server, is known: try again later
	Limit                  // too many requests
	TooLarge               // the body exceeds its limit
	Overloaded             // only the leader can do it, and it has too much to do (HTTP 503)
)

var kindNames = [...]string{"internal", "invalid", "rejected", "not found", "denied", "conflict", "no leader", "limit", "too large", "overloaded"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is an error with a kind and a text meant for the person or program
// that made the request. Text may be parsed by clients and crosses RPC
// unchanged. Hint, when set, says what to do next and is shown after it.
type Error struct {
	Kind Kind
	Text string
	Hint string
	Err  error // what caused it, if anything; not sent over RPC
}

func (e *Error) Error() string {
	switch {
	case e.Hint == "":
		return e.Text
	case e.Text == "":
		return e.Hint
	}
	return e.Text + " " + e.Hint
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k with a formatted text. %w works.
func New(k Kind, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: k, Text: err.Error(), Err: errors.Unwrap(err)}
}

// KindOf returns the kind of the first Error in err's chain, Internal if none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Survive, deferred by whoever answers requests of others, turns a panic into an error of
// kind Internal, so that the request fails and nothing else: who sends it again, to one
// server after the other, would end them all. report gets what log lines are made of, as a
// logger's Error does; what names the request.
func Survive(err *error, what string, report func(msg string, args ...any)) {
	if p := recover(); p != nil {
		report("a request met a fault in this program; please report it", "request", what, "panic", p, "stack", string(debug.Stack()))
		*err = New(Internal, "%s failed by a fault in this program, which the agent's log describes: %v", what, p)
	}
}
