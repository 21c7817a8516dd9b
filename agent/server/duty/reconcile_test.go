package duty_test

import (
	"strconv"
	"testing"

	"praetor/agent/server/duty"
)

// TestEachUnknownNodeIsAskedBeforeItGoes: of a thousand, a pass takes some, at most
// as many as it may ask, and each has its turn.
func TestEachUnknownNodeIsAskedBeforeItGoes(t *testing.T) {
	const nodes, bound = 1000, 16
	seen := map[string]bool{}
	for pass := 0; len(seen) < nodes; pass++ {
		if pass == 10_000 {
			t.Fatalf("after %d passes %d of %d had their turn", pass, len(seen), nodes)
		}
		due := make([]string, nodes)
		for i := range due {
			due[i] = strconv.Itoa(i)
		}
		some := duty.SomeOf(due, bound)
		if len(some) != bound {
			t.Fatalf("%d in a pass, want %d", len(some), bound)
		}
		for _, name := range some {
			seen[name] = true
		}
	}
	if some := duty.SomeOf([]string{"a"}, bound); len(some) != 1 {
		t.Errorf("of one: %v", some)
	}
}
