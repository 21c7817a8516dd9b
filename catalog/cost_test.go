package catalog_test

import (
	"fmt"
	"runtime"
	"testing"

	"praetor/catalog"
)

// TestAllocations holds hot paths to what they take, with a margin: what grows here grows
// in every write.
func TestAllocations(t *testing.T) {
	f := withInstances(t, 1000)
	for i := range 10_000 {
		f.put(fmt.Sprintf("some/key/%05d", i), "x")
	}
	batch := make([]catalog.Entry, 64)
	apply := func(size int, command func(i int) []byte) func() {
		i := 0
		return func() {
			for j := range size {
				i++
				f.index++
				batch[j] = catalog.Entry{Index: f.index, Data: command(i)}
			}
			f.store.Apply(batch[:size])
		}
	}
	puts, registers, updates := make([][]byte, 500), make([][]byte, 500), make([][]byte, 500)
	for i := range puts {
		node := fmt.Sprintf("node-%05d", i)
		puts[i] = encode(t, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: fmt.Sprintf("some/key/%05d", i), Value: []byte(node)}})
		registers[i] = encode(t, catalog.RegisterCommand, &catalog.Register{Node: node, Address: "10.0.0.1",
			Service: &catalog.Service{ID: "w", Service: "web", Port: i + 1, Tags: []string{"v1"}}})
		updates[i] = encode(t, catalog.RegisterCommand, &catalog.Register{Node: node, SkipNodeUpdate: true,
			Checks: []*catalog.Check{{CheckID: "c", ServiceID: "w", Status: catalog.Passing, Output: node}}})
	}
	of := func(list [][]byte) func(int) []byte { return func(i int) []byte { return list[i%len(list)] } }
	for _, row := range []struct {
		name      string
		do        func()
		per, most float64
	}{
		{"a put", apply(1, of(puts)), 1, 50},
		{"a put among 64", apply(64, of(puts)), 64, 10},
		{"a registration", apply(1, of(registers)), 1, 165},
		{"an update of a check", apply(1, of(updates)), 1, 140},
		{"a get", func() { f.store.Read().KVGet(nil, "some/key/05000") }, 1, 3},
		{"health of one service", func() { f.store.Read().ServiceHealth(nil, "none") }, 1, 12},
	} {
		got := testing.AllocsPerRun(200, row.do) / row.per
		t.Logf("%s: %.1f allocations, %.0f at most", row.name, got, row.most)
		if got > row.most {
			t.Errorf("%s: %.1f allocations, want %.0f at most", row.name, got, row.most)
		}
	}
}

// TestHistoryCosts: nothing where it is off, and little where it is on. Every command changes
// something.
func TestHistoryCosts(t *testing.T) {
	var puts, registers, flips, outputs [][]byte
	for i := range 1000 { // each node and key twice, with something else
		node := fmt.Sprintf("node-%05d", i%500)
		puts = append(puts, encode(t, catalog.KVWriteCommand, &catalog.KVWrite{Entry: catalog.KVEntry{Key: "some/" + node, Value: fmt.Append(nil, i)}}))
		registers = append(registers, encode(t, catalog.RegisterCommand, &catalog.Register{Node: node, SkipNodeUpdate: true,
			Service: &catalog.Service{ID: "w", Service: "web", Port: i + 1}}))
		check := func(status string) []byte {
			return encode(t, catalog.RegisterCommand, &catalog.Register{Node: node, SkipNodeUpdate: true,
				Checks: []*catalog.Check{{CheckID: "c", ServiceID: "w", Status: status, Output: fmt.Sprint(i)}}})
		}
		flips = append(flips, check([]string{catalog.Passing, catalog.Critical}[i/500]))
		outputs = append(outputs, check(catalog.Passing))
	}
	note := (&catalog.Note{Accessor: "0fb7cd27-62bb-4f1c-8e1b-0f1a77fa2d39", Agent: "node-00001"}).Encode()
	run := func(size int, list [][]byte, note []byte, o *catalog.HistoryOptions) float64 {
		f, batch, i := withInstances(t, 500), make([]catalog.Entry, 64), 0
		if o != nil {
			f.store.KeepHistory(*o)
		}
		do := func() {
			for j := range size {
				f.index++
				batch[j] = catalog.Entry{Index: f.index, Data: list[i%len(list)], Time: int64(f.index), Note: note}
				i++
			}
			f.store.Apply(batch[:size])
		}
		for range len(list) / size {
			do()
		}
		return testing.AllocsPerRun(200, do) / float64(size)
	}
	for _, row := range []struct {
		name string
		size int
		list [][]byte
		most float64 // more with a history
	}{
		{"a put", 1, puts, 20}, {"a put among 64", 64, puts, 5}, {"a registration", 1, registers, 20},
		{"a flip of a check", 1, flips, 20}, {"a flip among 64", 64, flips, 5},
		{"a new output of a check", 1, outputs, 0}, {"a new output among 64", 64, outputs, 0},
	} {
		without := run(row.size, row.list, nil, nil)
		off := run(row.size, row.list, note, new(catalog.HistoryOptions))
		on := run(row.size, row.list, note, &catalog.HistoryOptions{Keys: true, Catalog: true, MaxBytes: 1 << 20})
		t.Logf("%s: %.1f allocations, %.1f with a history that is off, %.1f with one", row.name, without, off, on)
		if off > without+0.5 { // maps grow at random
			t.Errorf("%s: a history that is off costs %.1f allocations, %.1f without", row.name, off, without)
		}
		if on > without+row.most+0.5 {
			t.Errorf("%s: a history costs %.1f allocations, %.1f without, want %.0f more at most", row.name, on, without, row.most)
		}
	}
}

// TestMemoryOfRows prints what rows take beside what is in them, and bounds it. Run it
// with -v.
func TestMemoryOfRows(t *testing.T) {
	const n = 5000
	value := make([]byte, 64)
	for _, row := range []struct {
		name    string
		content int // bytes of the row's own
		most    float64
		fill    func(f *fixture, i int)
	}{
		{"a key", len("some/key/00000") + len(value), 400, func(f *fixture, i int) { f.put(fmt.Sprintf("some/key/%05d", i), string(value)) }},
		{"an instance with two checks on a node of its own", 120, 4500, func(f *fixture, i int) {
			r := web(fmt.Sprintf("node-%05d", i), "passing")
			r.Checks = append(r.Checks, &catalog.Check{CheckID: catalog.SerfHealth, Status: catalog.Passing})
			f.register(r)
		}},
	} {
		f := newFixture(t)
		row.fill(f, n)
		before := heap()
		for i := range n {
			row.fill(f, i)
		}
		each := float64(heap()-before) / n
		t.Logf("%s: %.0f bytes, with %d of its own; %.0f at most", row.name, each, row.content, row.most)
		if each > row.most {
			t.Errorf("%s takes %.0f bytes, want %.0f at most", row.name, each, row.most)
		}
		runtime.KeepAlive(f)
	}
}
