package cli

import (
	"os"
	"runtime"
)

// useTwoProcessors has Go run goroutines on two threads at once where it would on one: on a
// machine with one processor. A goroutine that syncs a file keeps its place meanwhile, and the
// runtime takes too long to notice; with one place, writes that come at once do not share a
// sync: 64 clients got 3,400 puts a second done so, and 13,000 with two. GOMAXPROCS in the
// environment overrides it.
func useTwoProcessors() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
}
