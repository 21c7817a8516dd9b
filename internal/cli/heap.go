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
	heapFloor   = 32 << 20 // bytes; below it no collection is worth while
	busyGrowth  = 100      // percent of what lives, Go's own default
	quietGrowth = 25       // after a cycle that took its quiet time or longer
	goHeapFloor = 4 << 20  // bytes; Go takes what lives for no less, and stretches it too

	// A cycle's quiet time, in nanoseconds for each byte that lives: a collection
	// takes about one, so that one in that time is 2 % of a CPU.
	quietPerByte = 50
	// burstOver is how long no collection followed another soon when a burst is over. What is
	// given back must be faulted in again: between two collections of a burst that cost a tenth
	// of its CPU.
	burstOver = 10 * time.Second
)

// paceHeap sets how often the collector runs. GOGC in the environment overrides it.
func paceHeap() {
	if os.Getenv("GOGC") == "" {
		p := &pace{last: time.Now()}
		p.burst = time.AfterFunc(time.Hour, debug.FreeOSMemory)
		p.next()
	}
}

// pace is what the collections so far tell about the next. Only the runtime's
// finalizer goroutine uses it once it has begun.
type pace struct {
	last  time.Time   // of a collection
	burst *time.Timer // gives back what a burst left behind
}

// next sets the pace by what lives now and how long the last cycle took, and
// again after every collection: the object it drops is the first thing each of
// them finds.
func (p *pace) next() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live, now := max(sample[0].Value.Uint64(), goHeapFloor), time.Now()
	quiet := time.Duration(live * quietPerByte)
	growth := uint64(busyGrowth)
	if now.Sub(p.last) >= quiet {
		growth = quietGrowth
	} else {
		p.burst.Reset(burstOver)
	}
	p.last = now
	if goal := live + live*growth/100; goal < heapFloor {
		growth = (heapFloor - live) * 100 / live
	}
	debug.SetGCPercent(int(growth))
	runtime.SetFinalizer(&[16]byte{}, func(*[16]byte) { p.next() })
}
