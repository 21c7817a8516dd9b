package duty_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"praetor/agent/server/duty"
	"praetor/catalog"
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
