package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The Go runtime's monitor thread sleeps for 20 µs at a time while anything runs, to see
// whether a goroutine is in the system for long. An agent that does a little every millisecond
// keeps it awake: fourteen thousand timers a second, which in a virtual machine are a fifth of a
// server's CPU under writes. Linux may let a thread oversleep by its slack, so with more of that the
// monitor looks less often. What it notices later is a goroutine that holds a processor for 10 ms,
// or in the system while others wait for one; both are rare here.
const (
	usualSlack   = "50000"   // nanoseconds; Linux's default
	monitorSlack = "1000000" // nanoseconds
)

// calmMonitor gives the monitor thread more slack, unless somebody has set its slack. That takes
// root, or CAP_SYS_NICE; it reports whether it was done.
func calmMonitor() bool {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false
	}
	var threads []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil && id != os.Getpid() {
			threads = append(threads, id)
		}
	}
	if len(threads) == 0 {
		return false
	}
	file := fmt.Sprintf("/proc/%d/timerslack_ns", slices.Min(threads)) // the runtime's first
	slack, err := os.ReadFile(file)
	return err == nil && strings.TrimSpace(string(slack)) == usualSlack && os.WriteFile(file, []byte(monitorSlack), 0) == nil
}
