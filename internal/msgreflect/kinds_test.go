package msgreflect_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/msgreflect"
)

// Kinds has a field of every kind that travels.
type Kinds struct {
	Text   string
	Yes    bool
	Int    int
	Int64  int64
	Uint   uint
	Uint64 uint64
	Span   time.Duration
	When   time.Time
	List   []string
	Lists  [][]int
	Map    map[string]int
	Maps   map[string]Inner
	Inner  Inner
	To     *Inner
	Own    Leave
	Owns   map[string]Leave
	hidden int
}

// Inner has no methods.
type Inner struct {
	Name string
	More []Inner
}

func TestEveryKindComesBack(t *testing.T) {
	inner := Inner{Name: "i", More: []Inner{{Name: "j"}, {}}}
	inner.More[0].More, inner.More[1].More = []Inner{}, []Inner{}
	for name, sent := range map[string]Kinds{
		"full": {
			Text: "é\x00", Yes: true, Int: -1, Int64: math.MinInt64, Uint: 7, Uint64: math.MaxUint64, Span: -time.Second, When: time.Unix(5, 6).UTC(),
			List: []string{"", "b"}, Lists: [][]int{{1}, {}}, Map: map[string]int{"a": 1, "": -2}, Maps: map[string]Inner{"x": inner}, Inner: inner, To: &inner,
			Own: Leave{Node: "n"}, Owns: map[string]Leave{"o": {Reason: "r"}},
		},
		"empty lists": {List: []string{}, Lists: [][]int{}, Map: map[string]int{}, Maps: map[string]Inner{}, Owns: map[string]Leave{}, Inner: Inner{More: []Inner{}}, When: time.Unix(0, 0).UTC()},
	} {
		b, err := msgreflect.Append(nil, &sent)
		if err != nil {
			t.Fatal(err)
		}
		if size := msgreflect.Size(&sent); size < len(b) {
			t.Errorf("%s: %d bytes of at most %d", name, len(b), size)
		}
		var got Kinds
		rest, err := msgreflect.Decode(append(b, 0xc0), &got)
		if err != nil || len(rest) != 1 {
			t.Fatalf("%s: %d bytes are left, %v", name, len(rest), err)
		}
		got.When = got.When.UTC()
		if !reflect.DeepEqual(got, sent) {
			t.Errorf("%s: %+v\nwant %+v", name, got, sent)
		}
		for n := range b {
			if _, err := msgreflect.Decode(b[:n], new(Kinds)); err == nil {
				t.Errorf("%s: %d of %d bytes were taken for all", name, n, len(b))
			}
		}
	}
}

func TestWhatIsHiddenDoesNotTravel(t *testing.T) {
	b, err := msgreflect.Append(nil, &Kinds{hidden: 5})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("hidden")) {
		t.Error("a field without a capital travels")
	}
	var seen Leave
	if _, err := msgreflect.Decode(msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Seen"), 9), &seen); err != nil || seen.Seen != 0 {
		t.Errorf("a field with msg:\"-\" was read: %d, %v", seen.Seen, err)
	}
}

func TestUnknownFieldsAreSkippedAndAbsentOnesStay(t *testing.T) {
	b := msgp.AppendMapHeader(nil, 3)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "Later"), 1)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "x"), 2)
	b = msgp.AppendInt(msgp.AppendNil(b), 5)
	b = msgp.AppendString(msgp.AppendString(b, "Node"), "n")
	b = msgp.AppendBool(msgp.AppendString(b, "reason"), true) // names are exact
	got := Leave{Node: "before", Reason: "stays"}
	if rest, err := msgreflect.Decode(b, &got); err != nil || len(rest) > 0 || got != (Leave{Node: "n", Reason: "stays"}) {
		t.Errorf("%+v, %d bytes left, %v", got, len(rest), err)
	}
}

func TestANilPointerClearsWhatWasThere(t *testing.T) {
	type message struct{ To *Inner }
	b, err := msgreflect.Append(nil, &message{})
	if err != nil {
		t.Fatal(err)
	}
	got := message{To: &Inner{Name: "before"}}
	if _, err := msgreflect.Decode(b, &got); err != nil || got.To != nil {
		t.Errorf("%+v, %v", got.To, err)
	}
	kept := &Inner{Name: "before", More: []Inner{{}}}
	got = message{To: kept}
	b = msgp.AppendMapHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "To"), 0)
	if _, err := msgreflect.Decode(b, &got); err != nil || got.To != kept || kept.Name != "before" {
		t.Errorf("an object without members: %+v, %v", got.To, err)
	}
}

func TestFaultsSayWhere(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"not a map":        {msgp.AppendInt(nil, 5), "attempted to decode type \"int\" with method for \"map\""},
		"a wrong type":     {msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Text"), 5), "at Text"},
		"deep in":          {msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Inner"), 1), "Name"), 5), "at Inner/Name"},
		"in a list":        {msgp.AppendInt(msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "List"), 1), 5), "at List/0"},
		"in a map":         {msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Map"), 1), "k"), "v"), "at Map/k"},
		"a map's key":      {msgp.AppendInt(msgp.AppendMapHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Map"), 1), 5), "at Map"},
		"a list too long":  {append(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "List"), 0xdd, 0x7f, 0xff, 0xff, 0xff), "too few bytes"},
		"a map too large":  {append(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Map"), 0xdf, 0x7f, 0xff, 0xff, 0xff), "too few bytes"},
		"a number too low": {msgp.AppendInt(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Uint"), -5), "at Uint"},
	} {
		_, err := msgreflect.Decode(c.b, new(Kinds))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestTypesThatHaveNoEncodingAreFoundAtOnce(t *testing.T) {
	for name, m := range map[string]any{
		"a float":      &struct{ F float64 }{},
		"an array":     &struct{ A [2]int }{},
		"an interface": &struct{ I any }{},
		"a channel":    &struct{ C chan int }{},
		"a tag": &struct {
			T string `msg:"t"`
		}{},
		"a small number": &struct{ N int8 }{},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "msgreflect: ") {
					t.Errorf("%s: it says %q", name, text)
				}
			}()
			_, err := msgreflect.Append(nil, m)
			t.Errorf("%s is encoded, %v", name, err)
		}()
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	before := []byte("before")
	b, err := msgreflect.Append(bytes.Clone(before), &Leave{})
	if err != nil || !bytes.HasPrefix(b, before) {
		t.Errorf("%q, %v", b, err)
	}
	alone, err := msgreflect.Append(nil, &Leave{})
	if err != nil || !bytes.Equal(b[len(before):], alone) {
		t.Errorf("%q and %q, %v", b[len(before):], alone, err)
	}
}
