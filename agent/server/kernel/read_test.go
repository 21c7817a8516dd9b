package kernel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
)

func TestSleepEndsByEachOfItsChannels(t *testing.T) {
	for _, n := range []int{1, 4, 5, 40} {
		synctest.Test(t, func(t *testing.T) {
			for wake := range n {
				ws := catalog.WatchSet{}
				for i := range n {
					c := make(chan struct{})
					ws.Add(c)
					if i == wake {
						time.AfterFunc(time.Second, func() { close(c) })
					}
				}
				begin := time.Now()
				if !kernel.Sleep(t.Context(), ws, make(chan struct{})) || time.Since(begin) != time.Second {
					t.Errorf("channel %d of %d did not wake", wake, n)
				}
			}
			leaderChanged := make(chan struct{})
			ws := func() catalog.WatchSet {
				ws := catalog.WatchSet{}
				for range n {
					ws.Add(make(chan struct{}))
				}
				return ws
			}
			time.AfterFunc(time.Second, func() { close(leaderChanged) })
			if !kernel.Sleep(t.Context(), ws(), leaderChanged) {
				t.Error("a new leader did not wake")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if kernel.Sleep(ctx, ws(), make(chan struct{})) || ctx.Err() == nil {
				t.Error("woken by nothing")
			}
			synctest.Wait()
		})
	}
}
