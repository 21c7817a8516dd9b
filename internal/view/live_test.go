package view_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

// live asks once and settles.
func live(t *testing.T, vs *view.Views, maxStale time.Duration) (uint64, *rpc.Live) {
	t.Helper()
	rep, l, err := vs.Live(t.Context(), opRead.Desc, &rpc.ReadOptions{Stale: true, MaxStale: maxStale, Live: true})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return rpc.ReadMetaOf(rep).Index, l
}

func TestReadAskedAgainIsFollowed(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		for range 2 {
			if index, l := live(t, vs, 0); index != 10 || l != nil {
				t.Fatalf("index %d, live %v; want the servers' answer, not followed yet", index, l)
			}
		}
		index, l := live(t, vs, 0)
		if index != 10 || l == nil || !l.Holds(0) {
			t.Fatalf("index %d, live %+v; want a followed answer", index, l)
		}
		time.Sleep(time.Second)
		before, _ := u.counts()
		live(t, vs, 0)
		if after, _ := u.counts(); after != before {
			t.Errorf("%d reads upstream for an answer that is there", after-before)
		}
		u.set(11, nil)
		synctest.Wait()
		if l.Holds(time.Hour) {
			t.Error("the answer holds after a change")
		}
		if index, l := live(t, vs, 0); index != 11 || !l.Holds(0) {
			t.Errorf("after a change index %d, live %+v", index, l)
		}
	})
}

func TestChangesOfAWarmViewAreKnownWithinMilliseconds(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		for range 3 {
			live(t, vs, 0)
		}
		for i := range uint64(20) {
			u.set(11+i, nil)
			time.Sleep(15 * time.Millisecond)
			if index, _ := live(t, vs, 0); index != 11+i {
				t.Fatalf("index %d 15 ms after it was %d", index, 11+i)
			}
		}
	})
}

func TestFollowedReadOutlivesTheServersUntilItIsTooOld(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		for range 3 {
			live(t, vs, time.Minute)
		}
		u.set(10, fault.New(fault.NoLeader, "No known Consul servers"))
		time.Sleep(20 * time.Second)
		index, l := live(t, vs, time.Minute)
		if index != 10 || l.Holds(10*time.Second) || !l.Holds(30*time.Second) {
			t.Errorf("index %d of age %v, want 10 of about 20 s", index, l.Age())
		}
		time.Sleep(time.Minute)
		_, _, err := vs.Live(t.Context(), opRead.Desc, &rpc.ReadOptions{Stale: true, MaxStale: time.Minute, Live: true})
		if fault.KindOf(err) != fault.NoLeader {
			t.Errorf("past max_stale: %v, want the servers' error", err)
		}
		u.set(12, nil)
		time.Sleep(200 * time.Millisecond)
		if index, l := live(t, vs, time.Minute); index != 12 || !l.Holds(0) {
			t.Errorf("200 ms after they are back and somebody asked: index %d, age %v", index, l.Age())
		}
	})
}

func TestReadAnsweredInThisProcessIsNotFollowed(t *testing.T) {
	run(t, view.Options{Here: true}, func(t *testing.T, u *upstream, vs *view.Views) {
		for range 5 {
			live(t, vs, 0)
		}
		if asked, open := u.counts(); asked != 5 || open != 0 {
			t.Errorf("%d reads, %d of them block; want one for each that was asked", asked, open)
		}
	})
}

func TestFetchesOfAViewAreLimited(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		vs.LimitFetches(1, 2)
		for range 3 {
			live(t, vs, 0)
		}
		before, _ := u.counts()
		for i := range uint64(100) {
			u.set(11+i, nil)
			time.Sleep(100 * time.Millisecond)
		}
		after, _ := u.counts()
		if n := after - before; n < 9 || n > 13 {
			t.Errorf("%d upstream reads in ten seconds of changes, want about ten", n)
		}
		vs.LimitFetches(-1, 1)
		u.set(200, nil)
		time.Sleep(2 * time.Second)
		if index, _ := live(t, vs, 0); index != 200 {
			t.Errorf("index %d after the limit is gone, want 200", index)
		}
	})
}

func TestReadsAskedOnceAreNotFollowed(t *testing.T) {
	run(t, view.Options{}, func(t *testing.T, u *upstream, vs *view.Views) {
		for i := range 5000 {
			if _, _, err := vs.Live(t.Context(), opRead.Desc, &rpc.ReadOptions{Stale: true, Token: fmt.Sprint(i), Live: true}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if _, open := u.counts(); open != 0 {
			t.Errorf("%d of 5000 different reads are followed", open)
		}
	})
}
