package catalog_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
)

func encode(t testing.TB, kind catalog.CommandType, cmd msgp.Marshaler) []byte {
	t.Helper()
	data, err := catalog.Encode(kind, cmd)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// applyLoop applies commands in batches of size, with values that change.
func applyLoop(b *testing.B, f *fixture, size int, command func(i int) []byte) {
	b.ReportAllocs()
	commands := make([][]byte, 1000)
	for i := range commands {
		commands[i] = command(i)
	}
	batch, i := make([]catalog.Entry, 0, size), 0
	for b.Loop() {
		f.index++
		batch = append(batch, catalog.Entry{Index: f.index, Data: commands[i%len(commands)]})
		if i++; len(batch) == size {
			f.store.Apply(batch)
			batch = batch[:0]
		}
	}
}

func BenchmarkKVPut(b *testing.B) {
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			f := newFixture(b)
			for i := range 10_000 {
				f.put(fmt.Sprintf("some/key/%05d", i), "x")
			}
			applyLoop(b, f, size, func(i int) []byte {
				return encode(b, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{
					Key: fmt.Sprintf("some/key/%05d", i%500), Value: fmt.Appendf(nil, "value %d", i),
				}})
			})
		})
	}
}

func BenchmarkKVGet(b *testing.B) {
	f := newFixture(b)
	for i := range 10_000 {
		f.put(fmt.Sprintf("some/key/%05d", i), "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, e := f.store.Read().KVGet(nil, "some/key/05000"); e == nil {
			b.Fatal("no entry")
		}
	}
}

// withInstances holds n instances of web, each on a node with serfHealth and
// with a check of its own.
func withInstances(b testing.TB, n int) *fixture {
	f := newFixture(b)
	for i := range n {
		r := web(fmt.Sprintf("node-%05d", i), "passing")
		r.Checks = append(r.Checks, &catalog.Check{CheckID: catalog.SerfHealth, Status: catalog.Passing})
		f.register(r)
	}
	return f
}

// BenchmarkRegister changes one instance of a service with some others; the
// cost must not depend on how many.
func BenchmarkRegister(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("instances=%d", n), func(b *testing.B) {
			applyLoop(b, withInstances(b, n), 1, func(i int) []byte {
				return encode(b, catalog.RegisterCommand, &catalog.Register{
					Node: fmt.Sprintf("node-%05d", i%min(n, 500)), Address: "10.0.0.1",
					Service: &catalog.Service{ID: "w", Service: "web", Port: i, Tags: []string{"v1"}},
				})
			})
		})
	}
}

// BenchmarkRegisterHistory is what a history of the catalog adds to a registration.
func BenchmarkRegisterHistory(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("history=%v", on), func(b *testing.B) {
			f := withInstances(b, 1000)
			f.store.KeepHistory(catalog.HistoryOptions{Catalog: on, MaxBytes: 16 << 20, MaxAge: 24 * time.Hour})
			applyLoop(b, f, 1, func(i int) []byte {
				return encode(b, catalog.RegisterCommand, &catalog.Register{
					Node: fmt.Sprintf("node-%05d", i%500), Address: "10.0.0.1",
					Service: &catalog.Service{ID: "w", Service: "web", Port: i, Tags: []string{"v1"}},
				})
			})
		})
	}
}

func BenchmarkCheckUpdate(b *testing.B) {
	applyLoop(b, withInstances(b, 10_000), 1, func(i int) []byte {
		return encode(b, catalog.RegisterCommand, &catalog.Register{
			Node: fmt.Sprintf("node-%05d", i%500), SkipNodeUpdate: true,
			Checks: []*catalog.Check{{CheckID: "c", ServiceID: "w", Status: catalog.Passing, Output: fmt.Sprint(i)}},
		})
	})
}

func BenchmarkRegisterUnchanged(b *testing.B) {
	applyLoop(b, withInstances(b, 1000), 1, func(i int) []byte {
		r := web(fmt.Sprintf("node-%05d", i), "passing")
		r.Address = "10.0.0.1"
		return encode(b, catalog.RegisterCommand, r)
	})
}

func BenchmarkServiceHealth100(b *testing.B) {
	f := withInstances(b, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, got := f.store.Read().ServiceHealth(nil, "web"); len(got) != 100 {
			b.Fatal("wrong answer")
		}
	}
}

// BenchmarkServiceSummaries sums up 100,000 instances of 1,000 services: all of
// them, and after a change of one.
func BenchmarkServiceSummaries(b *testing.B) {
	f := newFixture(b)
	register := func(i, port int) {
		f.on(fmt.Sprint("node-", i%500), catalog.Service{ID: fmt.Sprint("w", i), Service: fmt.Sprint("service-", i%1000), Port: port})
	}
	for i := range 100_000 {
		register(i, 0)
	}
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		_, instances := f.store.Read().Instances(nil)
		for b.Loop() {
			catalog.Summarize(instances)
		}
	})
	b.Run("after one change", func(b *testing.B) {
		b.ReportAllocs()
		for i := 1; b.Loop(); i++ {
			register(i%100_000, i)
			if _, list := f.store.Read().ServiceSummaries(nil); len(list) != 1000 {
				b.Fatal("wrong answer")
			}
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	f := withInstances(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.store.Read().WriteSnapshot(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
