package cli

import (
	"runtime"
	"testing"
)

func TestGoroutinesRunOnTwoProcessorsAtLeast(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "1")
	useTwoProcessors()
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("on %d, where the environment says 1", got)
	}
	t.Setenv("GOMAXPROCS", "")
	useTwoProcessors()
	if got := runtime.GOMAXPROCS(0); got != 2 {
		t.Errorf("on %d, want 2", got)
	}
}
