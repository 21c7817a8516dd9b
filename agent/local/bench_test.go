package local_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"praetor/catalog"
)

// BenchmarkAddService registers from one caller and from 16 at once, with a synced journal.
func BenchmarkAddService(b *testing.B) {
	for _, c := range []struct{ callers, existing int }{{1, 0}, {16, 0}, {16, 10_000}} {
		b.Run(fmt.Sprintf("callers=%d/existing=%d", c.callers, c.existing), func(b *testing.B) {
			st := open(b, options(b.TempDir(), newServers()))
			for i := range c.existing {
				must(b, st.AddService(bg, service(fmt.Sprint("old", i)), []*catalog.Check{ttl(fmt.Sprint("oldc", i))}, false, ""))
			}
			var n atomic.Int64
			add := func() {
				id := fmt.Sprint("s", n.Add(1)%1000)
				if err := st.AddService(bg, service(id), []*catalog.Check{ttl("c" + id)}, false, ""); err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			if c.callers == 1 {
				for b.Loop() {
					add()
				}
				return
			}
			b.SetParallelism(max(1, c.callers/runtime.GOMAXPROCS(0)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					add()
				}
			})
		})
	}
}

// BenchmarkUpdateTTL reports on one of 10,000 checks.
func BenchmarkUpdateTTL(b *testing.B) {
	s := open(b, options("", newServers()))
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprint("c", i)
		must(b, s.AddCheck(bg, ttl(ids[i]), ""))
	}
	status := []string{catalog.Passing, catalog.Warning}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := s.UpdateTTL(bg, ids[i%len(ids)], status[i/len(ids)%2], "fine"); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
