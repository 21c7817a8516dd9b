package gossip_test

import (
	"fmt"
	"testing"

	"praetor/gossip"
)

func about(kind gossip.EventType, names ...string) gossip.Event {
	e := gossip.Event{Type: kind}
	for _, name := range names {
		e.Members = append(e.Members, gossip.Member{Name: name})
	}
	return e
}

func TestQueueIsBoundedByMembersAndKeepsTheLastWord(t *testing.T) {
	q := gossip.NewQueue()
	kinds := []gossip.EventType{gossip.Joined, gossip.HasFailed, gossip.Updated, gossip.HasLeft}
	const members, pushes = 50, 100_000
	want := map[string]gossip.EventType{}
	for i := range pushes {
		kind, name := kinds[i/7%4], fmt.Sprint("m", i%members)
		q.Push(about(kind, name, "all"))
		want[name], want["all"] = kind, kind
		if q.Len() > 4097 {
			t.Fatalf("%d events wait for %d members", q.Len(), members)
		}
	}
	got := map[string]gossip.EventType{}
	for e, ok := q.Pop(); ok; e, ok = q.Pop() {
		for _, m := range e.Members {
			got[m.Name] = e.Type
		}
	}
	for name, kind := range want {
		if got[name] != kind {
			t.Errorf("last word about %s is %v, want %v", name, got[name], kind)
		}
	}
}

func TestQueueDropsOnlyTheOldestUserEventsAndCountsThem(t *testing.T) {
	q := gossip.NewQueue()
	q.Push(about(gossip.Joined, "first"))
	for i := range 1100 {
		q.Push(gossip.Event{Type: gossip.User, User: &gossip.UserEvent{LTime: uint64(i)}})
	}
	q.Push(about(gossip.Joined, "last"))
	if got := q.Dropped(); got != 76 {
		t.Errorf("dropped %d, want 76", got)
	}
	if e, _ := q.Pop(); e.Type != gossip.Joined || e.Members[0].Name != "first" {
		t.Errorf("first event is %+v", e)
	}
	for i := 76; i < 1100; i++ {
		if e, _ := q.Pop(); e.Type != gossip.User || e.User.LTime != uint64(i) {
			t.Fatalf("event %+v, want user event %d", e, i)
		}
	}
	if e, _ := q.Pop(); e.Type != gossip.Joined || e.Members[0].Name != "last" {
		t.Errorf("last event is %+v", e)
	}
	if _, ok := q.Pop(); ok {
		t.Error("more events than pushed")
	}
}

func TestQueueKeepsEachStepOfAFewEvents(t *testing.T) {
	q := gossip.NewQueue()
	kinds := []gossip.EventType{gossip.Joined, gossip.HasFailed, gossip.Joined, gossip.HasLeft, gossip.Reaped}
	for _, kind := range kinds {
		q.Push(about(kind, "m"))
	}
	for _, want := range kinds {
		if e, ok := q.Pop(); !ok || e.Type != want {
			t.Errorf("got %v, want %v", e.Type, want)
		}
	}
}
