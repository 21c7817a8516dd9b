package linear

import (
	"strings"
	"testing"
	"time"
)

// TestWatchKnowsRightFromWrong proves that each complaint of the model can be heard.
func TestWatchKnowsRightFromWrong(t *testing.T) {
	const s = time.Second
	first := Sight{Call: 1 * s, Return: 2 * s, Value: 1, Index: 5, Modify: 5, Strict: true}
	early := Sight{Call: 3 * s, Return: 4 * s, Given: 5, Wait: 2 * s, Value: 1, Index: 5, Modify: 5}
	second := Sight{Call: 2 * s, Return: 12 * s, Given: 5, Wait: 60 * s, Value: 2, Index: 7, Modify: 7, Strict: true}
	with := func(from Sight, change func(*Sight)) Sight {
		change(&from)
		return from
	}
	for _, row := range []struct {
		name, want string
		sights     []Sight
	}{
		{"one after the other", "", []Sight{first, second}},
		{"a wait that ends", "", []Sight{first, with(first, func(x *Sight) { x.Given, x.Wait, x.Call, x.Return = 5, s, 3*s, 4*s }), with(second, func(x *Sight) { x.Call = 10 * s })}},
		{"a wait that ends too early", "repeated", []Sight{first, with(first, func(x *Sight) { x.Given, x.Wait, x.Call, x.Return = 5, 2*s, 3*s, 4*s })}},
		{"a wait that ends too early where a snapshot came", "", []Sight{first, early, second}},
		{"two of them in a row", "repeated", []Sight{first, early, with(early, func(x *Sight) { x.Call, x.Return = 4*s, 5*s })}},
		{"a value nobody wrote", "nobody wrote", []Sight{first, with(second, func(x *Sight) { x.Value = 3 })}},
		{"a value seen too early", "before it was asked for", []Sight{first, with(second, func(x *Sight) { x.Return = 9 * s })}},
		{"an index below the key's", "future", []Sight{with(first, func(x *Sight) { x.Index = 4 })}},
		{"two indexes of one value", "grow together", []Sight{first, with(first, func(x *Sight) { x.Index, x.Modify = 6, 6 })}},
		{"one index of two values", "grow together", []Sight{first, with(second, func(x *Sight) { x.Modify = 5 })}},
		{"values against their indexes", "grow together", []Sight{with(first, func(x *Sight) { x.Index, x.Modify = 8, 8 }), second}},
		{"an old value after a new one", "lost", []Sight{second, with(first, func(x *Sight) { x.Call, x.Return = 13*s, 14*s })}},
		{"an old value of a reader that does not mind", "", []Sight{second, with(first, func(x *Sight) { x.Watcher, x.Call, x.Return, x.Strict = 1, 13*s, 14*s, false })}},
		{"an index that goes back", "went back", []Sight{second, with(first, func(x *Sight) { x.Call, x.Return, x.Strict = 13*s, 14*s, false })}},
		{"an index that goes back at a process that began again", "watcher 0 saw 1 last", []Sight{second, with(first, func(x *Sight) { x.Call, x.Return, x.Strict, x.Life = 13*s, 14*s, false, 1 })}},
		{"a read that does not wait, of a store where nothing was written", "", []Sight{{Return: 0, Wait: s}, first, second}},
		{"answers that were noted in another order", "", []Sight{with(second, func(x *Sight) { x.Watcher, x.Call, x.Return, x.Given = 1, 11*s, 12*s, 0 }), first, second}},
		{"answers that were noted in another order, and one is old", "lost", []Sight{
			with(first, func(x *Sight) { x.Watcher, x.Call, x.Return = 1, 14*s, 15*s }),
			with(second, func(x *Sight) { x.Watcher, x.Given = 2, 0 }), first, second,
		}},
		{"an old value beside the new one", "", []Sight{with(first, func(x *Sight) { x.Watcher, x.Call, x.Return = 1, 11*s, 15*s }), first, second}},
		{"an end that is missed", "watcher 0 saw 1 last", []Sight{first, with(second, func(x *Sight) { x.Watcher = 1 })}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := &Watch{asked: []time.Duration{0, 10 * s}, sights: row.sights}
			err := w.Check(1)
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

// TestRegistryKnowsRightFromWrong does the same for the catalog.
func TestRegistryKnowsRightFromWrong(t *testing.T) {
	const s = time.Second
	r := NewRegistry(time.Now().Add(-time.Minute))
	r.asked = map[string][]registered{"a": {
		{version: 1, call: 1 * s, ret: 2 * s, done: true},
		{version: 2, call: 3 * s, ret: 4 * s, done: true},
		{version: 3, call: 5 * s},
		{version: 0, call: 7 * s, ret: 8 * s, done: true},
		{version: 4, call: 9 * s, ret: 10 * s, done: true},
	}}
	for _, row := range []struct {
		name    string
		version int // -1: absent
		call    time.Duration
		strict  bool
		right   bool
	}{
		{"the newest", 4, 11 * s, true, true},
		{"one that was replaced", 2, 11 * s, true, false},
		{"one that was replaced meanwhile", 2, 3 * s, true, true},
		{"one whose outcome is not known", 3, 11 * s, true, true},
		{"absent, though it was registered", -1, 11 * s, true, false},
		{"absent before it was registered", -1, 1 * s, true, true},
		{"absent while it was out", -1, 9 * s, true, true},
		{"an old one, which may be", 1, 11 * s, false, true},
		{"absent, which may be", -1, 11 * s, false, true},
		{"one that nobody registered", 9, 11 * s, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			versions := map[string]int{"a": row.version}
			if row.version < 0 {
				versions = nil
			}
			if err := r.See(versions, row.call, row.strict); (err == nil) != row.right {
				t.Errorf("right is %v, got %v", row.right, err)
			}
		})
	}
	if err := r.See(map[string]int{"b": 1}, 0, false); err == nil {
		t.Error("an instance that nobody registered is taken for right")
	}
}

// TestRegistryHoldsAnswersAgainstWhatWasAsked goes the way of a writer and a reader.
func TestRegistryHoldsAnswersAgainstWhatWasAsked(t *testing.T) {
	r := NewRegistry(time.Now().Add(-time.Minute))
	if r.Now() < time.Minute {
		t.Errorf("a minute after the history began it is %s", r.Now())
	}
	later := func() time.Duration { return r.Now() + time.Second } // of everything that was done so far
	done := r.Ask("a", 1)
	for name, versions := range map[string]map[string]int{"before it is done": {"a": 1}, "not yet": nil} {
		if err := r.See(versions, later(), true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	done()
	if err := r.See(nil, later(), true); err == nil || !strings.HasPrefix(err.Error(), "a is not seen at ") {
		t.Errorf("once it is done: %v", err)
	}
	r.Ask("a", 2)() // done at once
	if err := r.See(map[string]int{"a": 1}, later(), true); err == nil || !strings.HasPrefix(err.Error(), "a is seen as version 1 at ") {
		t.Errorf("once it was replaced: %v", err)
	}
	r.Ask("b", 1)
	if err := r.See(map[string]int{"a": 2, "b": 1}, later(), true); err != nil {
		t.Error(err)
	}
	if r.Seen() != 5 {
		t.Errorf("%d answers were held against the history, of 5", r.Seen())
	}
}

// TestWatchCountsWhatItIsTold: a history that nobody answered in proves nothing.
func TestWatchCountsWhatItIsTold(t *testing.T) {
	w := NewWatch(time.Now().Add(-time.Minute))
	if a, b := w.Ask(), w.Ask(); a != 1 || b != 2 || w.Seen() != 0 {
		t.Errorf("the writer is to write %d and %d; %d answers", a, b, w.Seen())
	}
	w.See(Sight{Call: w.Now(), Return: w.Now(), Value: 2, Index: 4, Modify: 4})
	if err := w.Check(1); w.Seen() != 1 || err != nil {
		t.Errorf("%d answers, %v", w.Seen(), err)
	}
	if err := w.Check(2); err == nil || !strings.HasPrefix(err.Error(), "watcher 1 saw 0 last of 2: ") {
		t.Errorf("of a watcher that saw nothing: %v", err)
	}
}
