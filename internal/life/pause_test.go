package life_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/life"
)

func TestPauseEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			over, want time.Duration // when ctx ends, and when the pause
			on         bool
		}{
			{time.Hour, time.Minute, true},
			{time.Second, time.Second, false},
			{0, 0, false},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), row.over)
			begin := time.Now()
			if on := life.Pause(ctx, time.Minute); on != row.on || time.Since(begin) != row.want {
				t.Errorf("a context of %v: %t after %v, want %t after %v", row.over, on, time.Since(begin), row.on, row.want)
			}
			cancel()
		}
	})
}
