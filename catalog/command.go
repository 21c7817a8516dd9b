package catalog

import (
	"reflect"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/fault"
)

// CommandType is the first byte of a command in the log; the rest is the
// command's MessagePack. Numbers are for ever.
type CommandType uint8

// commands are all commands, by number. Each is declared in the file of its
// noun; DESIGN.md §5 lists them, and a test compares.
var commands = []*command{
	registerCommand, deregisterCommand, kvCommand, autopilotCommand, sessionCommand, reapCommand, coordinateCommand,
	txnCommand, queryCommand, configCommand, aclPolicyCommand, aclRoleCommand, aclTokenCommand, caCommand,
	aclAuthMethodCommand, aclBindingRuleCommand,
}

// command is one kind of command: how it is told from others, and how it is applied.
type command struct {
	number CommandType
	name   string // of what it writes, as in Consul's metrics: fsm.NAME
	run    func(w *writer, body []byte) any
	body   reflect.Type // what the MessagePack decodes into
}

// byNumber finds a command without walking the list: each entry of the log asks.
var byNumber = func() (all [256]*command) {
	for _, c := range commands {
		all[c.number] = c
	}
	return all
}()

// commandOf returns the command with a number, nil if there is none.
func commandOf(t CommandType) *command { return byNumber[t] }

// CommandTypes lists the numbers of all commands in ascending order.
func CommandTypes() []CommandType {
	list := make([]CommandType, len(commands))
	for i, c := range commands {
		list[i] = c.number
	}
	return list
}

// String returns the name of the metric that times the command, without its
// prefix (reference/config.md §6), "" for a number that is no command's.
func (t CommandType) String() string {
	if c := commandOf(t); c != nil {
		return c.name
	}
	return ""
}

// message is a pointer to a T with a generated decoder.
type message[T any] interface {
	*T
	msgp.Unmarshaler
}

// verbed is a command that does one of several things. A new verb is to older
// versions what a new command is.
type verbed interface {
	hasKnownVerb() bool
}

// answers declares a command whose result is what do returns.
func answers[T any, M message[T]](number CommandType, name string, do func(*writer, M) any) *command {
	run := func(w *writer, body []byte) any {
		var cmd T
		rest, err := M(&cmd).UnmarshalMsg(body)
		if err != nil {
			return fault.New(fault.Internal, "decode command: %w", err)
		}
		if len(rest) > 0 {
			return fault.New(fault.Internal, "decode command: %d bytes too many", len(rest))
		}
		if v, ok := any(&cmd).(verbed); ok && !v.hasKnownVerb() {
			return w.unknown("command %d with an unknown verb", number)
		}
		return do(w, &cmd)
	}
	return &command{number, name, run, reflect.TypeFor[T]()}
}

// succeeds declares a command whose result is nil or an error.
func succeeds[T any, M message[T]](number CommandType, name string, do func(*writer, M) error) *command {
	return answers(number, name, func(w *writer, cmd M) any {
		if err := do(w, cmd); err != nil {
			return err
		}
		return nil
	})
}
