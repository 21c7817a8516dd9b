package structhash_test

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/internal/structhash"
)

// fnv1 is the library's function of what the package has its own of.
func fnv1(b []byte) uint64 {
	h := fnv.New64()
	_, _ = h.Write(b) // never fails
	return h.Sum64()
}

func number(n uint64, bytes int) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return fnv1(b[:bytes])
}

func pair(a, b uint64) uint64 {
	return fnv1(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, a), b))
}

func of(v any) uint64 { return structhash.Of(v, structhash.Form{}) }

type point struct{ X, Y int }

// TestHashesAreThoseOfTheAlgorithm: Consul shows them, and tools compare them.
func TestHashesAreThoseOfTheAlgorithm(t *testing.T) {
	eight, text := 8, "a"
	at := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	atBytes, err := at.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		value any
		want  uint64
	}{
		"no text":              {"", 0xcbf29ce484222325},       // of FNV's own page
		"a text":               {"a", 0xaf63bd4c8601b7be},      // the same
		"a longer text":        {"foobar", 0x340d8765a4dda9c2}, // the same
		"nothing":              {nil, number(0, 8)},
		"no pointer":           {(*int)(nil), number(0, 8)},
		"a pointer":            {&eight, number(8, 8)},
		"a pointer to a text":  {&text, 0xaf63bd4c8601b7be},
		"true":                 {true, number(1, 1)},
		"false":                {false, number(0, 1)},
		"an int":               {8, number(8, 8)},
		"an int below 0":       {-1, number(math.MaxUint64, 8)},
		"an int32":             {int32(8), number(8, 4)},
		"an int32 below 0":     {int32(-1), number(math.MaxUint32, 4)},
		"a time.Duration":      {time.Second, number(1e9, 8)},
		"a byte":               {byte(8), number(8, 1)},
		"a uint32":             {uint32(8), number(8, 4)},
		"a uint":               {uint(8), number(8, 8)},
		"a float":              {1.5, number(math.Float64bits(1.5), 8)},
		"a small float":        {float32(1.5), number(uint64(math.Float32bits(1.5)), 4)},
		"an empty list":        {[]int{}, 0},
		"no list":              {[]int(nil), 0},
		"an empty map":         {map[string]int{}, 0},
		"a list":               {[]string{"a", "b"}, pair(pair(0, fnv1([]byte("a"))), fnv1([]byte("b")))},
		"a map":                {map[string]int{"a": 1, "b": 2}, pair(fnv1([]byte("a")), number(1, 8)) ^ pair(fnv1([]byte("b")), number(2, 8))},
		"a list of anything":   {[]any{nil, "a"}, pair(pair(0, number(0, 8)), fnv1([]byte("a")))},
		"a struct":             {point{1, 2}, fnv1([]byte("point")) ^ pair(fnv1([]byte("X")), number(1, 8)) ^ pair(fnv1([]byte("Y")), number(2, 8))},
		"a struct of no name":  {struct{ A bool }{true}, fnv1(nil) ^ pair(fnv1([]byte("A")), number(1, 1))},
		"a time":               {at, fnv1(atBytes)},
		"a pointer to a time":  {&at, fnv1(atBytes)},
		"a time of another TZ": {at.In(time.FixedZone("", 3600)), fnv1(func() []byte { b, _ := at.In(time.FixedZone("", 3600)).MarshalBinary(); return b }())},
	} {
		if got := of(c.value); got != c.want {
			t.Errorf("%s: %#x, want %#x", name, got, c.want)
		}
	}
	if structhash.Text("foobar") != 0x340d8765a4dda9c2 || structhash.Member("X", 7) != pair(fnv1([]byte("X")), 7) {
		t.Error("Text and Member are not what Of uses")
	}
}

func TestWhatCountsAndWhatDoesNot(t *testing.T) {
	type base struct{ Name string }
	type embeds struct {
		base
		Port int
	}
	type flat struct {
		Name string
		Port int
	}
	called := structhash.Form{Struct: func(reflect.Type) (string, uint64) { return "one", 0 }}
	for name, c := range map[string]struct {
		a, b  uint64
		alike bool
	}{
		"the order of a list":              {of([]int{1, 2}), of([]int{2, 1}), false},
		"a list in a list":                 {of([][]int{{1}, {2}}), of([][]int{{1, 2}}), false},
		"keys and values changed over":     {of(map[string]string{"a": "b"}), of(map[string]string{"b": "a"}), false},
		"an empty text and nothing":        {of(""), of(nil), false},
		"nothing, and a pointer to zero":   {of((*point)(nil)), of(&point{}), false},
		"no list and an empty one":         {of(struct{ A []int }{}), of(struct{ A []int }{[]int{}}), true},
		"a value and what points to it":    {of(point{1, 2}), of(&point{1, 2}), true},
		"values of members changed over":   {of(point{1, 2}), of(point{2, 1}), false},
		"the same in two types":            {of(struct{ X, Y int }{1, 2}), of(point{1, 2}), false},
		"two types that are called alike":  {structhash.Of(flat{"a", 1}, called), structhash.Of(embeds{base{"a"}, 1}, called), true},
		"what is embedded, under its name": {of(embeds{base{"a"}, 1}), of(embeds{base{"b"}, 1}), false},
		"numbers of other sizes":           {of(int32(1)), of(int64(1)), false},
	} {
		if (c.a == c.b) != c.alike {
			t.Errorf("%s: %#x and %#x, want alike: %t", name, c.a, c.b, c.alike)
		}
	}
	m := map[string]int{}
	for i := range 100 {
		m[strings.Repeat("x", i)] = i
	}
	for first, i := of(m), 0; i < 10; i++ { // maps are walked over in another order each time
		if of(m) != first {
			t.Fatal("a map has two hashes")
		}
	}
}

// TestFormsNameStructsAndChooseMembers: a Form says how a type looks to whom it is shown.
func TestFormsNameStructsAndChooseMembers(t *testing.T) {
	type inner struct{ A, B int }
	type outer struct {
		inner
		In   inner
		Name string
	}
	var asked []string
	form := structhash.Form{
		Struct: func(t reflect.Type) (string, uint64) {
			return "Consul" + t.Name(), structhash.Member("Extra", number(0, 8))
		},
		Member: func(of reflect.Type, f reflect.StructField, v reflect.Value) (reflect.Value, bool) {
			asked = append(asked, of.Name()+"."+f.Name)
			if f.Name == "Name" {
				return reflect.ValueOf("other"), true
			}
			return v, f.Name != "B"
		},
	}
	got := structhash.Of(outer{inner{1, 2}, inner{3, 4}, "name"}, form)
	extra := pair(fnv1([]byte("Extra")), number(0, 8))
	member := func(name string, n uint64) uint64 { return pair(fnv1([]byte(name)), n) }
	in := fnv1([]byte("Consulinner")) ^ member("A", number(3, 8)) ^ extra
	want := fnv1([]byte("Consulouter")) ^ member("A", number(1, 8)) ^ member("In", in) ^ member("Name", fnv1([]byte("other"))) ^ extra
	if got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	if text := strings.Join(asked, " "); text != "outer.A outer.B outer.In inner.A inner.B outer.Name" {
		t.Errorf("it was asked about %s", text)
	}
}

func TestWhatHasNoHashIsFoundAtOnce(t *testing.T) {
	for name, value := range map[string]any{"a channel": make(chan int), "a func": func() {}, "an array": [2]int{}, "an int8": struct{ N int8 }{}, "a complex number": 1i} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "structhash: a member is a ") {
					t.Errorf("%s: it says %q", name, text)
				}
			}()
			t.Errorf("%s has the hash %#x", name, of(value))
		}()
	}
}
