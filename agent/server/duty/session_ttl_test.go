package duty_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"praetor/agent/server/duty"
	"praetor/catalog"
	"praetor/internal/testkernel"
)

// Random calls against a map.
func TestSessionTimersAgreeWithAMap(t *testing.T) {
	rng, now := rand.New(rand.NewPCG(1, 2)), time.Unix(1e9, 0)
	var timers duty.SessionTimers
	timers.Start([]*catalog.Session{{ID: "0", TTL: "10s"}, {ID: "1"}, {ID: "2", TTL: "bad"}}, now)
	due, ending := map[string]time.Time{"0": now.Add(20 * time.Second)}, map[string]func(time.Time){}
	for range 20_000 {
		id := fmt.Sprint(rng.IntN(30))
		switch rng.IntN(4) {
		case 0, 1:
			ttl := time.Duration(rng.IntN(20)) * time.Second
			if got := timers.Set(id, ttl, now); got != (ttl == 0 || ending[id] == nil) {
				t.Fatalf("renewing %s for %s: got %v", id, ttl, got)
			}
			if ttl > 0 && ending[id] == nil {
				due[id] = now.Add(2 * ttl)
			}
		case 2:
			timers.Drop(id)
			delete(due, id)
			delete(ending, id)
		default:
			if again := ending[id]; again != nil {
				again(now)
				delete(ending, id)
				due[id] = now // in some time: not modelled
				timers.Drop(id)
				delete(due, id)
			}
		}
		now = now.Add(time.Duration(rng.IntN(3000)) * time.Millisecond)
		for id, again := range timers.Take(now) {
			if at, ok := due[id]; !ok || at.After(now) {
				t.Fatalf("%s came at %s, due %v", id, now, at)
			}
			delete(due, id)
			ending[id] = again
		}
		next := 10 * time.Minute
		for id, at := range due {
			if !at.After(now) {
				t.Fatalf("%s did not come", id)
			}
			next = min(next, at.Sub(now))
		}
		if got := timers.Next(now); got != next {
			t.Fatalf("next in %s, want %s", got, next)
		}
	}
}

func TestSessionThatCannotBeEndedIsTriedAgainLaterAndLater(t *testing.T) {
	var timers duty.SessionTimers
	now := time.Unix(1e9, 0)
	timers.Start([]*catalog.Session{{ID: "s", TTL: "10s"}}, now)
	for _, want := range []time.Duration{20, 10, 20, 40, 80, 160, 320, 640, 640, 640} {
		if got := timers.Next(now); got != want*time.Second {
			t.Fatalf("due in %s, want %ds", got, want)
		}
		now = now.Add(want * time.Second)
		again := timers.Take(now)["s"]
		if again == nil {
			t.Fatal("it was not due")
		}
		if timers.Set("s", 10*time.Second, now) {
			t.Fatal("it was renewed while it was being ended")
		}
		again(now)
	}
}

// session makes one of node n.
func (r room) session(i int, ttl string) string {
	id := testkernel.ID(500 + i)
	r.Log(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionCreate, Session: catalog.Session{ID: id, Node: "n", TTL: ttl, Behavior: "release"}})
	return id
}

func (r room) sessions() (ids []string) {
	_, list := r.Store.Read().Sessions(nil)
	for _, session := range list {
		ids = append(ids, session.ID[5:8])
	}
	slices.Sort(ids)
	return ids
}

// TestSessionsEndTwoTTLsAfterTheyWereRenewed, also those that come while the leader waits
// for a later one.
func TestSessionsEndTwoTTLsAfterTheyWereRenewed(t *testing.T) {
	leading(t, func(r room) {
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.0.1.1"})
		late := r.session(1, "100s")
		r.serving()
		time.Sleep(time.Second)
		soon := r.session(2, "10s")
		r.duties.Timers.Set(soon, 10*time.Second, time.Now())
		other := r.session(3, "30s")
		r.duties.Timers.Set(other, 30*time.Second, time.Now())
		ended := r.session(4, "10s")
		r.duties.Timers.Set(ended, 10*time.Second, time.Now())
		r.Log(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionDestroy, Session: catalog.Session{ID: ended}})
		time.Sleep(15 * time.Second)
		r.duties.Timers.Set(late, 100*time.Second, time.Now())
		for _, c := range []struct {
			after time.Duration
			want  []string
		}{
			{5*time.Second - 1, []string{"501", "502", "503"}}, {2, []string{"501", "503"}}, {40*time.Second - 2, []string{"501", "503"}}, {2, []string{"501"}}, {155*time.Second - 2, []string{"501"}}, {2, nil},
		} {
			time.Sleep(c.after)
			if got := r.sessions(); !slices.Equal(got, c.want) {
				t.Errorf("after %s more: %q, want %q", c.after, got, c.want)
			}
		}
		if got := r.duties.Timers.Active(); got != 0 {
			t.Errorf("%d timers are left", got)
		}
	})
}

// TestASessionThatCannotBeEndedIsTriedAgain as when there is no quorum.
func TestASessionThatCannotBeEndedIsTriedAgain(t *testing.T) {
	leading(t, func(r room) {
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.0.1.1"})
		r.session(1, "10s")
		r.serving()
		r.Retire() // no more writes
		time.Sleep(20*time.Second + 1)
		if got := r.duties.Timers.Next(time.Now()); r.duties.Timers.Active() != 1 || got != 10*time.Second-1 {
			t.Errorf("%d timers, the next in %s", r.duties.Timers.Active(), got)
		}
		time.Sleep(10 * time.Second)
		if got := r.duties.Timers.Next(time.Now()); got != 20*time.Second-1 {
			t.Errorf("the third time in %s", got)
		}
	})
}
