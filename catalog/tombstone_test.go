package catalog_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"praetor/catalog"
)

// deletions is a store of which n keys were deleted in a random order, dir/0000000
// and on, the first at index 1. A key of each directory lives.
func deletions(t testing.TB, n int) *fixture {
	f := newFixture(t)
	l := catalog.NewLoader()
	defer l.Close()
	f.index = uint64(n) + 1
	for _, key := range []string{"dir/alive", "other/alive"} {
		if err := l.AddKey(&catalog.KVEntry{Key: key, CreateIndex: 1, ModifyIndex: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		if err := l.AddDeletion(fmt.Sprintf("dir/%07d", i), uint64(at)+1); err != nil {
			t.Fatal(err)
		}
	}
	l.Finish(f.store, f.index, nil)
	return f
}

// TestPrefixIndexesAreThoseOfAllDeletions compares the answers with those of a list
// of all tombstones, through random writes.
func TestPrefixIndexesAreThoseOfAllDeletions(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	f, alive, dead := newFixture(t), map[string]uint64{}, map[string]uint64{}
	under := func(m map[string]uint64, prefix string) (newest uint64) {
		for key, index := range m {
			if strings.HasPrefix(key, prefix) {
				newest = max(newest, index)
			}
		}
		return newest
	}
	name := func() string {
		b := make([]byte, random.IntN(5))
		for i := range b {
			b[i] = "ab/\x00\xff"[random.IntN(5)]
		}
		return string(b)
	}
	table := uint64(0)
	for range 5000 {
		key := name()
		switch verb := random.IntN(10); {
		case verb < 4 && key != "":
			f.put(key, fmt.Sprint(f.index))
			alive[key], table = f.index, f.index
			delete(dead, key)
		case verb < 8 && key != "":
			f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: key}})
			if _, is := alive[key]; is {
				dead[key], table = f.index, f.index
				delete(alive, key)
			}
		case verb == 8:
			f.must(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDeleteTree, Entry: catalog.KVEntry{Key: key}})
			if under(alive, key) > 0 {
				for _, m := range []map[string]uint64{alive, dead} {
					for k := range m {
						if strings.HasPrefix(k, key) {
							delete(m, k)
						}
					}
				}
				if table = f.index; key != "" {
					dead[key] = f.index
				}
			}
		case verb == 9:
			until := f.index - min(f.index, uint64(random.IntN(40)))
			f.must(catalog.ReapCommand, &catalog.Reap{Index: until})
			for k, index := range dead {
				if index <= until {
					delete(dead, k)
				}
			}
		}
		prefix := name()
		want := max(under(alive, prefix), under(dead, prefix))
		if want == 0 || prefix == "" {
			want = table
		}
		if got, _ := f.store.Read().KVList(nil, prefix); got != want {
			t.Fatalf("index %d: prefix %q has index %d, want %d of %v and deleted %v", f.index, prefix, got, want, alive, dead)
		}
	}
}

// TestDeletionsCostNoWalk: a million deletions must not stall reads of a prefix, nor
// the log when some are forgotten. Both follow one path of a tree.
func TestDeletionsCostNoWalk(t *testing.T) {
	const n = 20_000
	f := deletions(t, n)
	if height, most := catalog.TombstoneHeight(f.store.Read()), int(4*math.Log2(n)); height > most {
		t.Errorf("%d tombstones are %d deep, want at most %d", n, height, most)
	}
	var before, after runtime.MemStats
	data := encode(t, catalog.ReapCommand, &catalog.Reap{Index: 50})
	runtime.ReadMemStats(&before)
	f.store.Apply([]catalog.Entry{{Index: f.index + 1, Data: data}})
	runtime.ReadMemStats(&after)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 300<<10 {
		t.Errorf("forgetting 50 of %d deletions took %d bytes", n, bytes)
	}
}

// TestTombstonesInSnapshotsAreInKeyOrder: as every version writes them.
func TestTombstonesInSnapshotsAreInKeyOrder(t *testing.T) {
	f := deletions(t, 1000)
	var keys []string
	if _, err := catalog.Records(bytes.NewReader(f.snapshot()), func(r catalog.Record) error {
		if r.Type == "Tombstone" {
			text, err := r.JSON()
			keys = append(keys, string(text))
			return err
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1000 || !slices.IsSorted(keys) {
		t.Errorf("%d tombstones, sorted: %v; want 1000, sorted", len(keys), slices.IsSorted(keys))
	}
}

// BenchmarkAmongDeletions has a million tombstones.
func BenchmarkAmongDeletions(b *testing.B) {
	f := deletions(b, 1_000_000)
	apply := func(data []byte) {
		f.index++
		f.store.Apply([]catalog.Entry{{Index: f.index, Data: data}})
	}
	for name, prefix := range map[string]string{"read all": "dir/", "read a tenth": "dir/00", "read none": "other/"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.store.Read().KVKeys(nil, prefix, "/")
			}
		})
	}
	b.Run("set and delete", func(b *testing.B) {
		b.ReportAllocs()
		set := encode(b, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "dir/0500000"}})
		del := encode(b, catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: "dir/0500000"}})
		for b.Loop() {
			apply(set)
			apply(del)
		}
	})
	b.Run("snapshot and restore", func(b *testing.B) {
		for b.Loop() {
			if err := catalog.New().Restore(bytes.NewReader(f.snapshot())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reap none", func(b *testing.B) {
		b.ReportAllocs()
		data := encode(b, catalog.ReapCommand, &catalog.Reap{Index: 1})
		for b.Loop() {
			apply(data)
		}
	})
	next := uint64(0)
	for _, count := range []uint64{33_000, 500_000, 1_000_000} {
		b.Run(fmt.Sprint("reap ", count), func(b *testing.B) { // once: run with -benchtime=1x
			next += count
			data := encode(b, catalog.ReapCommand, &catalog.Reap{Index: next})
			for b.Loop() {
				apply(data)
			}
		})
	}
}
