package catalog_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"praetor/catalog"
)

// growthSizes are the numbers of instances, or keys, that costs are compared at, each
// eight times the one before. PRAETOR_GROWTH is the largest.
func growthSizes(t *testing.T) (sizes []int) {
	largest := 4_000
	if text := os.Getenv("PRAETOR_GROWTH"); text != "" {
		var err error
		if largest, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for n := 500; n <= largest; n *= 8 {
		sizes = append(sizes, n)
	}
	return sizes
}

// exponent is the power of n that a cost grows with, from the smallest size to the
// largest.
func exponent(sizes []int, costs []float64) float64 {
	last := len(sizes) - 1
	return math.Log(costs[last]/costs[0]) / math.Log(float64(sizes[last])/float64(sizes[0]))
}

// TestCostsDoNotGrow measures what writes and reads cost beside few rows and beside
// many: the bytes they allocate grow by the depth of the trees at most. Run it with -v
// for the curves, with PRAETOR_GROWTH=256000 for longer ones.
func TestCostsDoNotGrow(t *testing.T) {
	const ops = 256
	sizes := growthSizes(t)
	spread := func(i int) string { return fmt.Sprint("web-", i/10) }
	alone := func(int) string { return "web" }
	instance := func(service func(int) string, i int) *catalog.Register {
		name := service(i)
		return &catalog.Register{Node: fmt.Sprintf("node-%07d", i), Address: "10.0.0.1", Service: &catalog.Service{ID: name, Service: name, Port: 80},
			Checks: []*catalog.Check{{CheckID: catalog.SerfHealth, Status: catalog.Passing}, {CheckID: "c", ServiceID: name, Status: catalog.Passing}}}
	}
	instances := func(service func(int) string) func(*fixture, int) {
		return func(f *fixture, i int) { f.register(instance(service, i)) }
	}
	key := func(f *fixture, i int) { f.put(fmt.Sprintf("some/key/%07d", i), "x") }
	for _, row := range []struct {
		name string
		fill func(f *fixture, i int)
		do   func(f *fixture, n, i int) // beside n rows
		most float64                    // the exponent
	}{
		{"a put", key, func(f *fixture, n, i int) { f.put(fmt.Sprintf("some/key/%07d", i*n/ops), "y") }, .2},
		{"a new key", key, func(f *fixture, n, i int) { f.put(fmt.Sprintf("some/key/%07d-%d", i*n/ops, n), "y") }, .2},
		{"a deletion", key, func(f *fixture, n, i int) {
			f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: fmt.Sprintf("some/key/%07d", i*n/ops)}})
		}, .2},
		{"a get", key, func(f *fixture, n, i int) { f.store.Read().KVGet(nil, fmt.Sprintf("some/key/%07d", i*n/ops)) }, .05},
		{"a new instance of 10", instances(spread), func(f *fixture, n, i int) { f.register(instance(spread, n+i)) }, .2},
		{"a new instance of all", instances(alone), func(f *fixture, n, i int) { f.register(instance(alone, n+i)) }, .2},
		{"a check that turns, of 10", instances(spread), func(f *fixture, n, i int) {
			r := instance(spread, i*n/ops)
			r.Service, r.Checks[1].Status = nil, catalog.Critical
			f.register(r)
		}, .2},
		{"a check that turns, of all", instances(alone), func(f *fixture, n, i int) {
			r := instance(alone, i*n/ops)
			r.Service, r.Checks[1].Status = nil, catalog.Critical
			f.register(r)
		}, .2},
		{"a node that goes", instances(spread), func(f *fixture, n, i int) {
			f.deregister(&catalog.Deregister{Node: fmt.Sprintf("node-%07d", i*n/ops)})
		}, .2},
		{"health of 10", instances(spread), func(f *fixture, n, i int) { f.store.Read().ServiceHealth(nil, spread(i*n/ops)) }, .05},
	} {
		var bytes, took []float64
		for _, n := range sizes {
			f := newFixture(t)
			for i := range n {
				row.fill(f, i)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			for i := range ops {
				row.do(f, n, i)
			}
			took = append(took, float64(time.Since(began).Microseconds())/ops)
			runtime.ReadMemStats(&after)
			bytes = append(bytes, float64(after.TotalAlloc-before.TotalAlloc)/ops)
		}
		power := exponent(sizes, bytes)
		t.Logf("%s beside %v: %.0f bytes, n^%.2f; %.1f us", row.name, sizes, bytes, power, took)
		if power > row.most {
			t.Errorf("%s beside %v allocates %.0f bytes: n^%.2f, want n^%.2f at most", row.name, sizes, bytes, power, row.most)
		}
	}
}

// TestSnapshotsGrowByTheirRows saves and restores states of each size.
func TestSnapshotsGrowByTheirRows(t *testing.T) {
	sizes := growthSizes(t)
	var saved, restored, size []float64
	for _, n := range sizes {
		f := newFixture(t)
		for i := range n {
			f.register(web(fmt.Sprintf("node-%07d", i), catalog.Passing))
		}
		began := time.Now()
		image := f.snapshot()
		saved = append(saved, float64(time.Since(began).Milliseconds()))
		size = append(size, float64(len(image)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began = time.Now()
		other := catalog.New()
		if err := other.Restore(bytes.NewReader(image)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		restored = append(restored, float64(after.TotalAlloc-before.TotalAlloc))
		t.Logf("%d instances: saved in %.0f ms, %.0f bytes; restored in %d ms, with %.0f bytes", n, saved[len(saved)-1], size[len(size)-1], time.Since(began).Milliseconds(), restored[len(restored)-1])
	}
	for name, costs := range map[string][]float64{"bytes of a snapshot": size, "bytes that a restore allocates": restored} {
		if power := exponent(sizes, costs); power > 1.05 {
			t.Errorf("%s at %v: %.0f, n^%.2f", name, sizes, costs, power)
		}
	}
}

// TestAChangeWakesThoseWhomItConcerns has 50,000 watch 5,000 services.
func TestAChangeWakesThoseWhomItConcerns(t *testing.T) {
	const services, watchers = 5_000, 10 // of each
	f := newFixture(t)
	register := func(i int, status string) {
		name := fmt.Sprint("web-", i)
		f.register(&catalog.Register{Node: fmt.Sprint("node-", i%100), Service: &catalog.Service{ID: name, Service: name},
			Checks: []*catalog.Check{{CheckID: name, ServiceID: name, Status: status}}})
	}
	for i := range services {
		register(i, catalog.Passing)
	}
	waiting := make([]catalog.WatchSet, 0, services*watchers)
	for i := range services {
		for range watchers {
			ws := catalog.WatchSet{}
			f.store.Read().ServiceHealth(ws, fmt.Sprint("web-", i))
			waiting = append(waiting, ws)
		}
	}
	register(4711, catalog.Critical)
	for i, ws := range waiting {
		if woken := isTold(ws); woken != (i/watchers == 4711) {
			t.Fatalf("a watcher of web-%d is woken %t by a change of web-4711", i/watchers, woken)
		}
	}
}

// isTold reports whether a channel of ws has closed.
func isTold(ws catalog.WatchSet) bool {
	for ch := range ws {
		select {
		case <-ch:
			return true
		default:
		}
	}
	return false
}
