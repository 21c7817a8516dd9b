package rpc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// Message is what travels: a generated MessagePack type (pointer receiver).
type Message interface {
	msgp.Marshaler
	msgp.Unmarshaler
	msgp.Sizer
}

type message[T any] interface {
	*T
	Message
}

// Place says which server of a datacenter may answer an operation.
type Place uint8

// The places. A Write is never retried after it may have reached a leader; a
// read may be.
const (
	Leader    Place = iota // writes, and reads that need the leader's own state
	ByOptions              // reads: leader, or any server if ReadOptions.Stale
	AnyServer              // answered by whichever server got it, without asking for a leader
)

// Op is one operation: a name, where it runs, and the types of its request and
// reply. Declare each once, as a package variable of internal/ops.
type Op[Req, Rep any] struct {
	*Desc
}

// Desc is an operation without its types, as Router and Mux see it.
type Desc struct {
	Name       string // "KV.Apply"
	Place      Place
	Write      bool
	Replicated bool // a read of the replicated state alone: a server that has all of it may answer
	Brief      bool // request and reply have a few kilobytes at most, and are often many: they travel with others
	NewRequest func() Message
	NewReply   func() Message

	clone  func(Message) Message // a shallow copy, for changing a request's options
	method string                // its gRPC method
}

// family is the part of an operation's name before the dot.
func (d *Desc) family() string {
	family, _, _ := strings.Cut(d.Name, ".")
	return family
}

// Routed is what every request offers the router; embedding WriteOptions or
// ReadOptions provides it.
type Routed interface {
	Message
	// Target returns the datacenter asked for ("" = the receiver's own), the
	// token, and whether any server may answer.
	Target() (datacenter, token string, stale bool)
}

// Write declares an operation that changes state: it runs on the leader.
func Write[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Op[Req, Rep] {
	return declare[Req, Rep, PReq, PRep](name, Leader, true)
}

// Read declares an operation whose consistency the request's ReadOptions choose.
func Read[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Op[Req, Rep] {
	return declare[Req, Rep, PReq, PRep](name, ByOptions, false)
}

// ReadState declares a Read of the replicated state alone.
func ReadState[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Op[Req, Rep] {
	op := Read[Req, Rep, PReq, PRep](name)
	op.Replicated = true
	return op
}

// Briefly declares of an operation that its requests and replies are Brief.
func (op Op[Req, Rep]) Briefly() Op[Req, Rep] {
	op.Brief = true
	return op
}

// ReadAny declares a read that any server answers by itself, leader or not.
func ReadAny[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Op[Req, Rep] {
	return declare[Req, Rep, PReq, PRep](name, AnyServer, false)
}

// WriteAny declares an operation that any server executes by itself, leader or
// not, and that must not be executed twice.
func WriteAny[Req, Rep any, PReq message[Req], PRep message[Rep]](name string) Op[Req, Rep] {
	return declare[Req, Rep, PReq, PRep](name, AnyServer, true)
}

func declare[Req, Rep any, PReq message[Req], PRep message[Rep]](name string, p Place, write bool) Op[Req, Rep] {
	req := Message(PReq(new(Req)))
	if _, routed := req.(Routed); routed {
		if _, token := addressee(req); token == nil {
			panic(fmt.Sprintf("%s: a field of its request hides WriteOpts or ReadOpts", name)) // its token would travel abroad as it is
		}
	}
	return Op[Req, Rep]{&Desc{
		Name: name, Place: p, Write: write,
		NewRequest: func() Message { return PReq(new(Req)) },
		NewReply:   func() Message { return PRep(new(Rep)) },
		clone:      func(m Message) Message { c := *m.(PReq); return PReq(&c) },
		method:     methodPrefix + name,
	}}
}

// Caller carries a request to a server that may answer it. Router is the real
// one; tests use small fakes.
type Caller interface {
	// Do routes req and returns the reply. The reply may be shared with other
	// callers: do not change it.
	Do(ctx context.Context, op *Desc, req Message) (Message, error)
}

// Call runs the operation through c. Errors keep the kind and text that the
// handler gave them, wherever it ran. The reply may be shared: do not change it.
func (op Op[Req, Rep]) Call(ctx context.Context, c Caller, req *Req) (*Rep, error) {
	return op.do(ctx, c, any(req).(Message))
}

// CallIn is Call in a datacenter, whichever the request says, which is not changed.
func (op Op[Req, Rep]) CallIn(ctx context.Context, c Caller, req *Req, datacenter string) (*Rep, error) {
	return op.do(ctx, c, op.in(any(req).(Message), datacenter))
}

func (op Op[Req, Rep]) do(ctx context.Context, c Caller, req Message) (*Rep, error) {
	m, err := c.Do(ctx, op.Desc, req)
	if err != nil {
		return nil, err
	}
	return any(m).(*Rep), nil
}

// Handler answers one operation on this server.
type Handler func(ctx context.Context, req Message) (Message, error)

// Mux is the operations a server answers. Fill it before it serves.
type Mux struct {
	handlers  map[string]registered
	transfers map[string]carried
}

type registered struct {
	op     *Desc
	handle Handler
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{handlers: map[string]registered{}, transfers: map[string]carried{}} }

// Handle registers h for op. Registering a name twice is a bug and panics.
func Handle[Req, Rep any](m *Mux, op Op[Req, Rep], h func(context.Context, *Req) (*Rep, error)) {
	if _, ok := m.handlers[op.Name]; ok {
		panic("rpc: operation " + op.Name + " handled twice")
	}
	m.handlers[op.Name] = registered{op.Desc, func(ctx context.Context, req Message) (Message, error) {
		rep, err := h(ctx, any(req).(*Req))
		if err != nil {
			return nil, err
		}
		return any(rep).(Message), nil
	}}
}

// Wrap puts something around every handler. Call it after the last Handle.
func (m *Mux) Wrap(around func(op *Desc, next Handler) Handler) {
	for name, r := range m.handlers {
		m.handlers[name] = registered{r.op, around(r.op, r.handle)}
	}
}

// Operations lists the operations registered, by name. Transfers are not among
// them.
func (m *Mux) Operations() []*Desc {
	list := make([]*Desc, 0, len(m.handlers))
	for _, name := range slices.Sorted(maps.Keys(m.handlers)) {
		list = append(list, m.handlers[name].op)
	}
	return list
}
