package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// kinds is every kind of fault; the first that has no name ends it.
func kinds() []fault.Kind {
	var all []fault.Kind
	for k := fault.Kind(0); !strings.HasPrefix(k.String(), "kind "); k++ {
		all = append(all, k)
	}
	return all
}

func TestErrorsCrossTheWireUnchanged(t *testing.T) {
	for _, kind := range kinds() {
		for _, text := range []string{"", "Permission denied", "12,3:no, really: \x00\n\"%41\" größer", strings.Repeat("x", 5000)} {
			for _, hint := range []string{"", "try again later"} {
				sent := &fault.Error{Kind: kind, Text: text, Hint: hint, Err: errors.New("cause")}
				var got *fault.Error
				if err := rpc.OverTheWire(sent); !errors.As(err, &got) || err != error(got) {
					t.Fatalf("%+v arrived as %#v", sent, err)
				}
				if got.Kind != kind || got.Text != text || got.Hint != hint || got.Err != nil {
					t.Errorf("sent %+v, got %+v", sent, got)
				}
			}
		}
	}
}

func TestWordsAroundAFaultCrossTheWireToo(t *testing.T) {
	sent := fmt.Errorf("write key %q: %w", "a", fault.New(fault.Denied, "Permission denied"))
	got := rpc.OverTheWire(sent)
	if got.Error() != sent.Error() {
		t.Errorf("got %q, want %q", got, sent)
	}
	var f *fault.Error
	if !errors.As(got, &f) || f.Kind != fault.Denied || f.Text != "Permission denied" {
		t.Errorf("the fault inside became %+v", f)
	}
}

func TestErrorNobodyClassifiedIsInternal(t *testing.T) {
	got := rpc.OverTheWire(errors.New("disk on fire"))
	if fault.KindOf(got) != fault.Internal || got.Error() != "disk on fire" {
		t.Errorf("got %v %q", fault.KindOf(got), got)
	}
}

func TestBytesThatAreNotTextAreReplaced(t *testing.T) {
	got := rpc.OverTheWire(&fault.Error{Kind: fault.Invalid, Text: "bad key \xff\xfe", Hint: "h"})
	var f *fault.Error
	if !errors.As(got, &f) || f.Text != "bad key \uFFFD" || f.Hint != "h" {
		t.Errorf("got %#v", got)
	}
}

func TestErrorsOfHandlersReachEveryCallerAlike(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		leader := w.server("dc1", "10.0.0.1")
		follower := w.server("dc1", "10.0.0.2")
		client := w.client("dc1", "10.0.1.1")
		remote := w.server("dc2", "10.2.0.1")
		w.elect("dc1", leader)
		for _, kind := range kinds() {
			if kind == fault.NoLeader {
				continue // retried; see the router's tests
			}
			sent := &fault.Error{Kind: kind, Text: "text of " + kind.String(), Hint: "hint"}
			leader.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) { return nil, sent }
			for _, from := range []*node{leader, follower, client, remote} {
				_, err := from.doWrite(rpc.WriteOptions{Datacenter: "dc1"})
				var got *fault.Error
				if !errors.As(err, &got) || got.Kind != kind || got.Text != sent.Text || got.Hint != sent.Hint {
					t.Errorf("from %s: got %#v, want %#v", from.name, err, sent)
				}
			}
		}
	})
}

func FuzzUnpackTexts(f *testing.F) {
	f.Add("3,0:abc")
	f.Add("3,2:abcdewhole")
	f.Add("999999999,999999999:")
	f.Add("-1,0:")
	f.Add("9999999999,0:x")
	f.Fuzz(func(t *testing.T, s string) {
		text, hint, whole, ok := rpc.UnpackTexts(s)
		if !ok {
			return
		}
		a, b, c, ok := rpc.UnpackTexts(rpc.PackTexts(text, hint, whole))
		want := [3]string{strings.ToValidUTF8(text, "\uFFFD"), strings.ToValidUTF8(hint, "\uFFFD"), strings.ToValidUTF8(whole, "\uFFFD")}
		if got := [3]string{a, b, c}; !ok || got != want {
			t.Fatalf("%q: %q became %q", s, want, got)
		}
	})
}
