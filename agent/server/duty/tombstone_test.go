package duty_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"praetor/agent/server/duty"
	"praetor/catalog"
)

// TestDeletionsAreRipeAfterFifteenMinutes has looks at a time since the start, with the
// index of the latest deletion then.
func TestDeletionsAreRipeAfterFifteenMinutes(t *testing.T) {
	var g duty.Graveyard
	for _, look := range []struct {
		at    time.Duration
		index uint64
		ripe  uint64
	}{
		{0, 0, 0}, {0, 10, 0}, {30 * time.Second, 10, 0}, {60 * time.Second, 12, 0}, {90 * time.Second, 12, 0},
		{15*time.Minute - 1, 20, 0}, {15 * time.Minute, 20, 10}, {15*time.Minute + 30*time.Second, 20, 0},
		{16 * time.Minute, 20, 12}, {17 * time.Minute, 19, 0}, {29 * time.Minute, 30, 0}, {30*time.Minute - 1, 30, 20},
		{2 * time.Hour, 40, 30}, {4 * time.Hour, 40, 40}, {5 * time.Hour, 40, 0},
	} {
		if got := g.Look(look.index, began.Add(look.at)); got != look.ripe {
			t.Errorf("after %s, %d is the latest: up to %d is ripe, want %d", look.at, look.index, got, look.ripe)
		}
	}
}

// TestDeletionsOfKeysAreForgotten while the server leads, those of earlier leaders too.
func TestDeletionsOfKeysAreForgotten(t *testing.T) {
	leading(t, func(r room) {
		for _, verb := range []catalog.KVVerb{catalog.KVSet, catalog.KVDelete} {
			r.Log(catalog.KVWriteCommand, &catalog.KVWrite{Verb: verb, Entry: catalog.KVEntry{Key: "a", Value: []byte("x")}})
		}
		ctx, cancel := context.WithCancel(r.T.Context())
		var done sync.WaitGroup
		done.Go(func() { r.duties.ReapDeletions(ctx) })
		time.Sleep(15*time.Minute - time.Second)
		before := r.Store.Read().LastIndex()
		if r.Store.Read().Deletions() == 0 {
			t.Error("forgotten too early")
		}
		time.Sleep(31 * time.Second)
		if wrote := r.Store.Read().LastIndex() - before; wrote != 1 {
			t.Errorf("%d writes, want one", wrote)
		}
		time.Sleep(time.Hour)
		if wrote := r.Store.Read().LastIndex() - before; wrote != 1 {
			t.Errorf("%d writes after another hour", wrote)
		}
		cancel()
		done.Wait()
	})
}
