package catalog_test

import (
	"bytes"
	"math"
	"os"
	"testing"

	"praetor/catalog"
)

// place is a coordinate so far from the origin.
func place(node string, at float64) *catalog.Coordinate {
	return &catalog.Coordinate{Node: node, Coord: coord(at)}
}

func coord(at float64) catalog.Coord {
	return catalog.Coord{Vec: []float64{at, 0, 0, 0, 0, 0, 0, 0}, Error: 1.5, Height: 1e-5}
}

func (f *fixture) place(node string, at float64) {
	f.t.Helper()
	f.must(catalog.CoordinateCommand, &catalog.CoordinateBatch{Coordinates: []*catalog.Coordinate{place(node, at)}})
}

func TestCoordinatesLiveAndDieWithTheirNode(t *testing.T) {
	f := newFixture(t)
	f.place("n1", 1) // nobody knows it yet
	if index, list := f.store.Read().Coordinates(nil); index != 0 || list == nil || len(list) != 0 {
		t.Fatalf("of an unknown node: got index %d, %v; want 0 and []", index, list)
	}
	f.register(&catalog.Register{Node: "n1"})
	f.place("N1", 1)
	f.place("n1", 1) // no news
	if index, list := f.store.Read().NodeCoordinates(nil, "n1"); index != 3 || len(list) != 1 {
		t.Fatalf("got index %d, %v; want 3 and one coordinate", index, list)
	}
	f.place("n1", 2)
	if got := f.store.Read().Coord("N1", ""); got == nil || got.Vec[0] != 2 {
		t.Errorf("got %v, want the newest", got)
	}
	f.deregister(&catalog.Deregister{Node: "N1"})
	if index, list := f.store.Read().Coordinates(nil); index != 6 || len(list) != 0 {
		t.Errorf("after its node went: got index %d, %v; want 6 and none", index, list)
	}
}

func TestCoordinatesThatCannotBeUsedAreRefused(t *testing.T) {
	tests := []struct {
		name string
		edit func(c *catalog.Coord)
		want string
	}{
		{"good", func(*catalog.Coord) {}, ""},
		{"two dimensions", func(c *catalog.Coord) { c.Vec = c.Vec[:2] }, "incompatible coordinate"},
		{"no dimension", func(c *catalog.Coord) { c.Vec = nil }, "incompatible coordinate"},
		{"NaN in the vector", func(c *catalog.Coord) { c.Vec[7] = math.NaN() }, "invalid coordinate"},
		{"infinite height", func(c *catalog.Coord) { c.Height = math.Inf(1) }, "invalid coordinate"},
		{"infinite error", func(c *catalog.Coord) { c.Error = math.Inf(-1) }, "invalid coordinate"},
		{"NaN adjustment", func(c *catalog.Coord) { c.Adjustment = math.NaN() }, "invalid coordinate"},
	}
	for _, test := range tests {
		c := coord(1)
		test.edit(&c)
		got := ""
		if err := c.Check(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDistanceIsVivaldis(t *testing.T) {
	at := func(x, y, height, adjustment float64) *catalog.Coord {
		return &catalog.Coord{Vec: []float64{x, y, 0, 0, 0, 0, 0, 0}, Height: height, Adjustment: adjustment}
	}
	tests := []struct {
		name string
		a, b *catalog.Coord
		want float64
	}{
		{"Euclid", at(0, 0, 0, 0), at(3, 4, 0, 0), 5},
		{"heights add", at(0, 0, 1, 0), at(3, 4, 2, 0), 8},
		{"adjustments add", at(0, 0, 0, -1), at(3, 4, 0, -2), 2},
		{"adjustments that leave nothing are not used", at(0, 0, 0, -4), at(3, 4, 0, -1), 5},
		{"unknown", at(0, 0, 0, 0), nil, math.Inf(1)},
		{"other dimensions", at(0, 0, 0, 0), &catalog.Coord{Vec: []float64{1}}, math.Inf(1)},
	}
	for _, test := range tests {
		if got := test.a.Distance(test.b); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if got := test.b.Distance(test.a); got != test.want {
			t.Errorf("%s, the other way: got %v, want %v", test.name, got, test.want)
		}
	}
}

// The file was written by a server that knew no coordinates.
func TestOldSnapshotIsRestored(t *testing.T) {
	old, err := os.ReadFile("testdata/before-coordinates.snapshot")
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	if err := f.store.Restore(bytes.NewReader(old)); err != nil {
		t.Fatal(err)
	}
	tx := f.store.Read()
	_, node := tx.NodeServices(nil, "n1")
	_, key := tx.KVGet(nil, "k")
	if node == nil || len(node.Services) != 1 || key == nil || tx.Autopilot() == nil || tx.LastIndex() != 5 {
		t.Errorf("got node %+v, key %+v, autopilot %+v, index %d", node, key, tx.Autopilot(), tx.LastIndex())
	}
	if index, list := tx.Coordinates(nil); index != 0 || len(list) != 0 {
		t.Errorf("got index %d, %v; want 0 and no coordinates", index, list)
	}
	f.index = 100
	f.place("n1", 1)
	if index, list := f.store.Read().Coordinates(nil); index != 101 || len(list) != 1 {
		t.Errorf("got index %d, %v; want 101 and one coordinate", index, list)
	}
}

// FuzzCoordinates feeds bytes to the decoder of batches: what it takes, it
// writes so that it reads the same again.
func FuzzCoordinates(f *testing.F) {
	for _, b := range []*catalog.CoordinateBatch{
		{}, {Coordinates: []*catalog.Coordinate{nil, place("n1", 1), place("", math.NaN())}},
	} {
		data, err := b.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte{0x81, 0xab, 'C', 'o', 'o', 'r', 'd', 'i', 'n', 'a', 't', 'e', 's', 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var b, again catalog.CoordinateBatch
		if _, err := b.UnmarshalMsg(data); err != nil {
			return
		}
		text, err := b.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		if rest, err := again.UnmarshalMsg(text); err != nil || len(rest) > 0 {
			t.Fatalf("read again: %v, %d bytes left", err, len(rest))
		}
		for _, c := range b.Coordinates {
			if c != nil && c.Coord.Check() == nil && math.IsNaN(c.Coord.Distance(&c.Coord)) {
				t.Fatalf("distance of %v to itself is no number", c)
			}
		}
	})
}
