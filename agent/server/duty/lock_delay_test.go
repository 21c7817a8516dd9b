package duty_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"praetor/agent/server/duty"
	"praetor/catalog"
	"praetor/raftstore"
)

var began = time.Unix(1_700_000_000, 0)

var oneEntry = []raftstore.Entry{{Index: 1}}

func TestAKeyIsHeldForTheDelayOfItsSession(t *testing.T) {
	var d duty.LockDelays
	if d.Holds("a", began) {
		t.Error("a key that nobody freed is held")
	}
	entries := []raftstore.Entry{{Index: 5}, {Index: 7, Age: 4 * time.Second}, {Index: 9, Age: time.Hour}}
	d.Begin([]catalog.FreedLock{
		{Key: "now", Delay: 10 * time.Second, Index: 5}, {Key: "old", Delay: 10 * time.Second, Index: 7}, {Key: "over", Delay: 10 * time.Second, Index: 9}, {Key: "none", Index: 5},
	}, entries, began)
	for key, holds := range map[string]time.Duration{"now": 10 * time.Second, "old": 6 * time.Second, "over": 0, "none": 0, "other": 0} {
		if holds > 0 && !d.Holds(key, began.Add(holds-1)) {
			t.Errorf("%s is not held just before its time is over", key)
		}
		if d.Holds(key, began.Add(holds)) {
			t.Errorf("%s is held when its time is over", key)
		}
	}
}

func TestALaterDelayIsNotMadeShorter(t *testing.T) {
	var d duty.LockDelays
	one := []raftstore.Entry{{Index: 1}}
	d.Begin([]catalog.FreedLock{{Key: "a", Delay: time.Minute, Index: 1}}, one, began)
	d.Begin([]catalog.FreedLock{{Key: "a", Delay: time.Second, Index: 1}}, one, began.Add(time.Second))
	if !d.Holds("a", began.Add(59*time.Second)) {
		t.Error("a short delay ends a long one")
	}
	d.Begin([]catalog.FreedLock{{Key: "a", Delay: time.Minute, Index: 1}}, one, began.Add(30*time.Second))
	if !d.Holds("a", began.Add(89*time.Second)) || d.Holds("a", began.Add(90*time.Second)) {
		t.Error("a longer delay does not count")
	}
}

// TestDelaysThatAreOverAreForgotten frees a thousand keys for an instant each: what still
// holds stays, however often the others are swept.
func TestDelaysThatAreOverAreForgotten(t *testing.T) {
	var d duty.LockDelays
	one := []raftstore.Entry{{Index: 1}}
	d.Begin([]catalog.FreedLock{{Key: "long", Delay: time.Hour, Index: 1}}, one, began)
	for i := range 1000 {
		at := began.Add(time.Duration(i) * time.Second)
		d.Begin([]catalog.FreedLock{{Key: fmt.Sprint(i), Delay: time.Second, Index: 1}}, one, at)
		if !d.Holds(fmt.Sprint(i), at) || i > 0 && d.Holds(fmt.Sprint(i-1), at) {
			t.Fatalf("at %d s the wrong keys are held", i)
		}
	}
	if !d.Holds("long", began.Add(1000*time.Second)) {
		t.Error("a delay that still holds was swept away")
	}
	if n := d.Kept(); n > 200 {
		t.Errorf("%d keys are kept of delays that are over", n)
	}
}

func TestDelaysAreAskedWhileTheLogGoesOn(t *testing.T) {
	var d duty.LockDelays
	var both sync.WaitGroup
	both.Go(func() {
		for i := range 500 {
			d.Begin([]catalog.FreedLock{{Key: "a", Delay: time.Hour, Index: uint64(i)}}, []raftstore.Entry{{Index: uint64(i)}}, began)
		}
	})
	both.Go(func() {
		for held := false; !held; {
			held = d.Holds("a", began)
		}
	})
	both.Wait()
}
