package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How far the heap may grow before the garbage collector runs. An agent's live
// heap is a few megabytes: collecting each time it doubles took a quarter of the
// CPU under load. Where collections are rare anyway, memory counts for more.
const (
	heapFloor   = 32 << 20         // bytes; below it no collection is worth while
	busyGrowth  = 100              // percent of what lives, Go's own default
	quietGrowth = 25               // after a cycle that took quietCycle or longer
	quietCycle  = 20 * time.Second // a collection takes about 1 ms of CPU per MB that lives
	goHeapFloor = 4 << 20          // bytes; Go takes what lives for no less, and stretches it too
)

// paceHeap sets how often the collector runs. GOGC in the environment overrides it.
func paceHeap() {
	if os.Getenv("GOGC") == "" {
		paceNextCycle(time.Now())
	}
}

// paceNextCycle sets the pace by what lives now and how long the last cycle took,
// and again after every collection: the object it drops is the first thing each
// of them finds.
func paceNextCycle(last time.Time) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live, now := max(sample[0].Value.Uint64(), goHeapFloor), time.Now()
	growth := uint64(busyGrowth)
	if now.Sub(last) >= quietCycle {
		growth = quietGrowth
	}
	if goal := live + live*growth/100; goal < heapFloor {
		growth = (heapFloor - live) * 100 / live
	}
	debug.SetGCPercent(int(growth))
	runtime.SetFinalizer(&[16]byte{}, func(*[16]byte) { paceNextCycle(now) })
}
