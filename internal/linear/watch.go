package linear

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Watch is the model of who waits for the changes of one key. One writer counts it up by
// compare-and-set, so that values and indexes grow together.
type Watch struct {
	begin time.Time

	mu     sync.Mutex
	asked  []time.Duration // [v-1]: when the write of v was asked for first
	sights []Sight
}

// Sight is the answer to one read of the key, blocking or not.
type Sight struct {
	Watcher int           // whose indexes must not go back
	Life    int           // of what it asks; another one may begin with an older index
	Call    time.Duration // when it was asked, since the begin of the history
	Return  time.Duration
	Given   uint64        // the index to wait past; 0: it did not wait
	Wait    time.Duration // for how long at most
	Index   uint64        // X-Consul-Index
	Value   int           // 0: no key
	Modify  uint64        // the key's ModifyIndex
	Strict  bool          // it asked for consistency
}

// NewWatch begins a history at a time.
func NewWatch(begin time.Time) *Watch { return &Watch{begin: begin} }

// Now is the time since the history began.
func (w *Watch) Now() time.Duration { return time.Since(w.begin) }

// Ask notes that the next value is about to be written, and returns it.
func (w *Watch) Ask() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, w.Now())
	return len(w.asked)
}

// See notes an answer.
func (w *Watch) See(s Sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sights = append(w.sights, s)
}

// Seen is how many answers there were.
func (w *Watch) Seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sights)
}

// Check wants of all answers that no index or value is repeated before its time, reordered,
// from the future or back from the past, that none was lost at a watcher that reads
// consistently, and that each watcher named saw the last value.
//
// A server that lacked what the leader has no more in its log is sent a snapshot, and answers
// whoever waits there. So a watcher that does not ask for consistency may be told an index
// again, but not twice in a row.
func (w *Watch) Check(watchers int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	early := map[int]bool{} // by watcher: its last answer was one before its time
	for _, s := range w.sights {
		was := early[s.Watcher]
		early[s.Watcher] = s.Given > 0 && s.Index == s.Given && s.Return-s.Call < s.Wait
		switch {
		case s.Value < 0 || s.Value > len(w.asked):
			return fmt.Errorf("nobody wrote what was seen: %+v", s)
		case s.Value > 0 && s.Return < w.asked[s.Value-1]:
			return fmt.Errorf("it was seen before it was asked for, at %s: %+v", w.asked[s.Value-1], s)
		case s.Modify > s.Index:
			return fmt.Errorf("a key of the future of its answer's index: %+v", s)
		case early[s.Watcher] && (s.Strict || was):
			return fmt.Errorf("an index repeated before its time: %+v", s)
		}
	}
	if err := w.checkOrder(); err != nil {
		return err
	}
	return w.checkWatchers(watchers)
}

// checkOrder wants one index for each value, growing with it.
func (w *Watch) checkOrder() error {
	byValue := slices.Clone(w.sights)
	slices.SortStableFunc(byValue, func(a, b Sight) int { return cmp.Compare(a.Value, b.Value) })
	for i := 1; i < len(byValue); i++ {
		a, b := byValue[i-1], byValue[i]
		if (a.Value == b.Value) != (a.Modify == b.Modify) || a.Modify > b.Modify {
			return fmt.Errorf("values and indexes do not grow together: %+v and %+v", a, b)
		}
	}
	// A consistent read shows no less than any consistent read showed that was over before.
	byCall := slices.DeleteFunc(slices.Clone(w.sights), func(s Sight) bool { return !s.Strict })
	byReturn := slices.Clone(byCall)
	slices.SortStableFunc(byCall, func(a, b Sight) int { return cmp.Compare(a.Call, b.Call) })
	slices.SortStableFunc(byReturn, func(a, b Sight) int { return cmp.Compare(a.Return, b.Return) })
	var newest Sight
	for _, s := range byCall {
		for len(byReturn) > 0 && byReturn[0].Return < s.Call {
			if byReturn[0].Value > newest.Value {
				newest = byReturn[0]
			}
			byReturn = byReturn[1:]
		}
		if s.Value < newest.Value {
			return fmt.Errorf("lost: after %+v came %+v", newest, s)
		}
	}
	return nil
}

// checkWatchers wants of each that it never went back, and came to the end.
func (w *Watch) checkWatchers(watchers int) error {
	last := map[int]Sight{}
	newest := 0
	for _, s := range w.sights {
		newest = max(newest, s.Value)
		before, known := last[s.Watcher]
		if known && before.Life == s.Life && (s.Index < before.Index || s.Value < before.Value) {
			return fmt.Errorf("an index went back: after %+v came %+v", before, s)
		}
		last[s.Watcher] = s
	}
	for i := range watchers {
		if last[i].Value != newest {
			return fmt.Errorf("watcher %d saw %d last of %d: %+v", i, last[i].Value, newest, last[i])
		}
	}
	return nil
}
