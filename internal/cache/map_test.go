package cache_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"praetor/internal/cache"
)

// room is a bound for so many values of no bytes.
func room(values int) int { return values * cache.EntryBytes[string, int]() }

func keys(m *cache.Map[string, int], of ...string) (kept []string) {
	for _, key := range of {
		if _, ok := m.Peek(key); ok {
			kept = append(kept, key)
		}
	}
	return kept
}

func TestWhatWasNotAskedForGoesFirst(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f"}
	for _, row := range []struct {
		what string
		do   func(m *cache.Map[string, int])
		want []string
	}{
		{"nobody asked: the first goes", func(m *cache.Map[string, int]) { m.Put("d", 0, 0) }, []string{"b", "c", "d"}},
		{"the first was asked for", func(m *cache.Map[string, int]) { m.Get("a"); m.Put("d", 0, 0) }, []string{"a", "c", "d"}},
		{"a look is no question", func(m *cache.Map[string, int]) { m.Peek("a"); m.Put("d", 0, 0) }, []string{"b", "c", "d"}},
		{"all were asked for: the new one stays", func(m *cache.Map[string, int]) {
			m.Get("a")
			m.Get("b")
			m.Get("c")
			m.Put("d", 0, 0)
		}, []string{"b", "c", "d"}},
		{"a mark holds once", func(m *cache.Map[string, int]) {
			m.Get("a")
			m.Put("d", 0, 0)
			m.Put("e", 0, 0)
			m.Put("f", 0, 0)
		}, []string{"d", "e", "f"}},
		{"put again is new", func(m *cache.Map[string, int]) { m.Put("a", 1, 0); m.Put("d", 0, 0) }, []string{"a", "c", "d"}},
		{"grown is new", func(m *cache.Map[string, int]) { m.Resize("a", 0); m.Put("d", 0, 0) }, []string{"a", "c", "d"}},
		{"one that grows pushes out others", func(m *cache.Map[string, int]) { m.Resize("a", 1) }, []string{"a", "c"}},
		{"one that grows too much goes alone", func(m *cache.Map[string, int]) { m.Resize("a", room(3)) }, []string{"b", "c"}},
		{"one that is too much is not kept", func(m *cache.Map[string, int]) { m.Put("d", 0, room(3)) }, []string{"a", "b", "c"}},
		{"too much in the place of another", func(m *cache.Map[string, int]) { m.Put("a", 0, room(3)) }, []string{"b", "c"}},
		{"just enough", func(m *cache.Map[string, int]) { m.Put("d", 0, room(2)) }, []string{"d"}},
		{"deleted", func(m *cache.Map[string, int]) { m.Delete("b"); m.Delete("x"); m.Put("d", 0, 0) }, []string{"a", "c", "d"}},
		{"cleared", func(m *cache.Map[string, int]) { m.Clear(); m.Put("d", 0, 0) }, []string{"d"}},
		{"unknown resized", func(m *cache.Map[string, int]) { m.Resize("x", 1) }, []string{"a", "b", "c"}},
		{"dropped by hand", func(m *cache.Map[string, int]) { m.Drop() }, []string{"b", "c"}},
	} {
		t.Run(row.what, func(t *testing.T) {
			m := &cache.Map[string, int]{MaxBytes: room(3)}
			for _, key := range []string{"a", "b", "c"} {
				m.Put(key, 0, 0)
			}
			row.do(m)
			if got := keys(m, all...); !slices.Equal(got, row.want) || m.Len() != len(got) {
				t.Errorf("kept %q of %d, want %q", got, m.Len(), row.want)
			}
		})
	}
}

func TestWhatIsHeldStays(t *testing.T) {
	held := map[int]bool{1: true, 2: true}
	m := &cache.Map[string, int]{MaxBytes: room(2), Held: func(v int) bool { return held[v] }}
	m.Put("one", 1, 0)
	m.Put("two", 2, 0)
	if m.Put("three", 3, 0); m.Len() != 2 {
		t.Errorf("%q: without room a new value is not kept", keys(m, "one", "two", "three"))
	}
	held[4] = true
	if m.Put("four", 4, room(7)); m.Len() != 3 || m.Bytes() <= m.MaxBytes {
		t.Errorf("%q: what is held is kept past the bound", keys(m, "one", "two", "four"))
	}
	if m.Drop() {
		t.Error("dropped what is held")
	}
	clear(held)
	if m.Shrink(); m.Bytes() > m.MaxBytes {
		t.Errorf("%d bytes after all was let go", m.Bytes())
	}
}

func TestZeroMapKeepsNothing(t *testing.T) {
	var m cache.Map[string, int]
	m.Put("a", 1, 0)
	if _, ok := m.Get("a"); ok || m.Drop() || m.Len() != 0 {
		t.Error("something is there")
	}
}

func TestReadersShareALock(t *testing.T) {
	m := &cache.Map[string, int]{MaxBytes: room(100)}
	for i := range 100 {
		m.Put(fmt.Sprint(i), i, 0)
	}
	var mu sync.RWMutex
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := range 1000 {
				mu.RLock()
				m.Get(fmt.Sprint(i % 100))
				mu.RUnlock()
			}
		})
	}
	for i := range 300 {
		mu.Lock()
		m.Put(fmt.Sprint(i), i, 0)
		mu.Unlock()
	}
	readers.Wait()
}

// FuzzMap compares a Map with a plain map that is told what was dropped.
func FuzzMap(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	long := make([]byte, 30_000)
	rand.NewChaCha8([32]byte{1}).Read(long)
	f.Add(long)
	f.Fuzz(func(t *testing.T, script []byte) {
		type value struct{ key, bytes byte }
		twin, heldKey := map[byte]*value{}, byte(3)
		m := &cache.Map[byte, *value]{MaxBytes: 700}
		m.Held = func(v *value) bool { return v.key == heldKey }
		m.Dropped = func(key byte, v *value) {
			if v.key != key || twin[key] != nil && twin[key] != v {
				t.Fatalf("dropped %d of key %d", v.key, key)
			}
			delete(twin, key)
		}
		for ; len(script) >= 3; script = script[3:] {
			key, bytes := script[1]%16, script[2]
			switch script[0] % 8 {
			case 0, 1, 2:
				v := &value{key, bytes}
				m.Put(key, v, int(bytes))
				if got, ok := m.Peek(key); ok && got == v {
					twin[key] = v
				}
			case 3, 4:
				if got, ok := m.Get(key); ok != (twin[key] != nil) || got != twin[key] {
					t.Fatalf("get %d: %v, %v, want %v", key, got, ok, twin[key])
				}
			case 5:
				if v := twin[key]; v != nil {
					v.bytes = bytes
				}
				m.Resize(key, int(bytes))
			case 6:
				m.Delete(key)
			case 7:
				if bytes == 0 {
					m.Clear()
				} else if heldKey = bytes % 16; m.Drop() {
					m.Shrink()
				}
			}
			want, held := 0, 0
			for _, v := range twin {
				each := int(v.bytes) + cache.EntryBytes[byte, *value]()
				if want += each; v.key == heldKey {
					held = each
				}
			}
			if m.Len() != len(twin) || m.Bytes() != want || m.Bytes()-held > m.MaxBytes {
				t.Fatalf("%d values of %d bytes, want %v", m.Len(), m.Bytes(), slices.Collect(maps.Keys(twin)))
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	m := &cache.Map[string, int]{MaxBytes: room(1000)}
	for i := range 1000 {
		m.Put(fmt.Sprint(i), i, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Get("500")
	}
}

// BenchmarkPutFull is a Put that has to make room among values that were all
// asked for.
func BenchmarkPutFull(b *testing.B) {
	m := &cache.Map[int, int]{MaxBytes: 1000 * cache.EntryBytes[int, int]()}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Put(i, i, 0)
		m.Get(i)
	}
}
