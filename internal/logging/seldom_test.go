package logging_test

import (
	"testing"
	"time"

	"praetor/internal/logging"
)

func TestLinesThatComeTooOftenAreCounted(t *testing.T) {
	var s logging.Seldom
	now := time.Now()
	for _, step := range []struct {
		after time.Duration
		due   bool
		left  int64
	}{{0, true, 0}, {0, false, 0}, {500 * time.Millisecond, false, 0}, {500 * time.Millisecond, true, 2}, {time.Hour, true, 0}} {
		now = now.Add(step.after)
		if left, due := s.Due(now); due != step.due || left != step.left {
			t.Errorf("after %v: due %t, %d left out; want %t, %d", step.after, due, left, step.due, step.left)
		}
	}
}
