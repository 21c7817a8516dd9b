package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"praetor/internal/fault"
)

func TestKindIsFoundThroughWraps(t *testing.T) {
	denied := fault.New(fault.Denied, "Permission denied")
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"nil", nil, fault.Internal},
		{"foreign", io.EOF, fault.Internal},
		{"itself", denied, fault.Denied},
		{"wrapped", fmt.Errorf("read key: %w", denied), fault.Denied},
		{"wrapped twice", fmt.Errorf("a: %w", fmt.Errorf("b: %w", denied)), fault.Denied},
		{"joined", errors.Join(io.EOF, denied), fault.Denied},
		{"the outer of two", fault.New(fault.Invalid, "bad: %w", denied), fault.Invalid},
	}
	for _, test := range tests {
		if got := fault.KindOf(test.err); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestNewFormatsItsTextAndKeepsTheCause(t *testing.T) {
	err := fault.New(fault.NotFound, "unknown service %q: %w", "web", io.EOF)
	if got, want := err.Error(), `unknown service "web": EOF`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
	if errors.Unwrap(fault.New(fault.NotFound, "no cause")) != nil {
		t.Error("a cause from nowhere")
	}
}

func TestHintStandsAfterTheText(t *testing.T) {
	tests := []struct{ text, hint, want string }{
		{"no leader", "", "no leader"},
		{"no leader", "try later", "no leader try later"},
		{"", "try later", "try later"},
		{"", "", ""},
	}
	for _, test := range tests {
		if got := (&fault.Error{Text: test.text, Hint: test.hint}).Error(); got != test.want {
			t.Errorf("%q + %q: got %q, want %q", test.text, test.hint, got, test.want)
		}
	}
}

func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.Overloaded; k++ {
		name := k.String()
		if other, twice := seen[name]; twice {
			t.Errorf("kinds %d and %d are both %q", other, k, name)
		}
		seen[name] = k
	}
	if got, want := (fault.Overloaded + 1).String(), "kind 10"; got != want {
		t.Errorf("a kind nobody declared: got %q, want %q; does a new kind lack a name, or this test a row?", got, want)
	}
	var zero fault.Error
	if zero.Kind != fault.Internal {
		t.Error("an error nobody classified must be internal")
	}
}

// TestSurviveTurnsAPanicIntoAnError, which says where to look, and leaves other outcomes alone.
func TestSurviveTurnsAPanicIntoAnError(t *testing.T) {
	var said []any
	report := func(msg string, args ...any) { said = append([]any{msg}, args...) }
	answer := func(f func() error) (err error) {
		defer fault.Survive(&err, "Test.Read", report)
		return f()
	}
	if err := answer(func() error { return nil }); err != nil || said != nil {
		t.Errorf("without a panic: %v, said %v", err, said)
	}
	if err := answer(func() error { return io.EOF }); err != io.EOF || said != nil {
		t.Errorf("an error: %v, said %v", err, said)
	}
	err := answer(func() error { panic("oops") })
	if fault.KindOf(err) != fault.Internal || err.Error() != "Test.Read failed by a fault in this program, which the agent's log describes: oops" {
		t.Errorf("a panic: %v", err)
	}
	if text := fmt.Sprint(said...); !strings.Contains(text, "please report it") || !strings.Contains(text, "fault_test.go") {
		t.Errorf("said %s", text)
	}
}
