package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is the heap size below which the garbage collector need not run. An
// agent's live heap is a few megabytes; collecting each time it doubles took a
// quarter of the CPU under load.
const heapFloor = 64 << 20

// keepHeapFloor makes the collector wait until the heap is twice what lives or
// heapFloor, whichever is more. GOGC in the environment overrides it.
func keepHeapFloor() {
	if os.Getenv("GOGC") == "" {
		paceNextCycle()
	}
}

// paceNextCycle sets the pace by what lives now, and again after every
// collection: the object it drops is the first thing each of them finds.
func paceNextCycle() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := max(sample[0].Value.Uint64(), 1<<20)
	debug.SetGCPercent(int(max(100, heapFloor*100/live)))
	runtime.SetFinalizer(&[16]byte{}, func(*[16]byte) { paceNextCycle() })
}
