package shape_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/shape"
)

func message(t *testing.T, v any) []byte {
	t.Helper()
	b, err := msgp.AppendIntf(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSizesOfMessages(t *testing.T) {
	for name, row := range map[string]struct {
		value any
		want  shape.Size
	}{
		"a number":         {uint64(1 << 40), shape.Size{Values: 1}},
		"a text":           {strings.Repeat("a", 70_000), shape.Size{Values: 1}},
		"bytes":            {make([]byte, 300), shape.Size{Values: 1}},
		"a list":           {[]any{int64(-1), 1.5, float32(1), nil, true, "", []byte{}}, shape.Size{Values: 8, Longest: 7}},
		"a long list":      {make([]string, 70_000), shape.Size{Values: 70_001, Longest: 70_000}},
		"a map":            {map[string]any{"a": 1, "b": map[string]any{}, "c": []any{map[string]any{"d": "e"}}}, shape.Size{Values: 10, Maps: 3, Longest: 3}},
		"a list of maps":   {slice(1000, map[string]any{}), shape.Size{Values: 1001, Maps: 1000, Longest: 1000}},
		"maps in maps":     {map[string]any{"a": map[string]any{"a": map[string]any{}}}, shape.Size{Values: 5, Maps: 3, Longest: 1}},
		"an extension":     {msgp.RawExtension{Type: 9, Data: make([]byte, 5)}, shape.Size{Values: 1}},
		"a long extension": {msgp.RawExtension{Type: 9, Data: make([]byte, 500)}, shape.Size{Values: 1}},
		"one of 16 bytes":  {msgp.RawExtension{Type: 9, Data: make([]byte, 16)}, shape.Size{Values: 1}},
	} {
		if ext, ok := row.value.(msgp.RawExtension); ok {
			row.value = &ext
		}
		b := append(message(t, row.value), "rest"...)
		got, rest, err := shape.Of(b)
		if err != nil || got != row.want || string(rest) != "rest" {
			t.Errorf("%s: %+v, rest %q, %v; want %+v", name, got, rest, err, row.want)
		}
	}
}

func slice(n int, v any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func TestMessagesThatClaimMoreThanFollowsAreErrors(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "a list of four billion": {0xdd, 0xff, 0xff, 0xff, 0xff}, "a map of four billion": {0xdf, 0xff, 0xff, 0xff, 0xff, 1, 1},
		"a cut length": {0xda, 1}, "a cut text": {0xa3, 'a'}, "a cut number": {0xcf, 1, 2}, "no MessagePack": {0xc1},
		"lists of lists": bytes.Repeat([]byte{0xdd, 0, 0, 1, 0}, 20),
	} {
		if _, _, err := shape.Of(b); err == nil {
			t.Errorf("%s is whole", name)
		}
	}
}

func TestMessagesMayHaveAMapInSixteenBytes(t *testing.T) {
	for _, bytes := range []int{0, 1 << 20} {
		most := 1024 + bytes/16
		for maps, dense := range map[int]bool{most: false, most + 1: true, 2 * most: true} {
			if got := (shape.Size{Maps: maps}).Dense(bytes); got != dense {
				t.Errorf("%d maps in %d bytes: dense %v", maps, bytes, got)
			}
		}
	}
}

func read(text string, one bool) error {
	var r io.Reader = strings.NewReader(text)
	if one {
		r = iotest.OneByteReader(r)
	}
	_, err := io.ReadAll(shape.NewReader(r))
	return err
}

func TestShapesOfJSON(t *testing.T) {
	deep := func(levels int, open, close string) string {
		return strings.Repeat(open, levels) + strings.Repeat(close, levels)
	}
	objects := func(n int, each string) string { return "[" + strings.Repeat(each+",", n-1) + each + "]" }
	for name, row := range map[string]struct {
		text    string
		refused string
	}{
		"deepest lists":           {deep(64, "[", "]"), ""},
		"one level more":          {deep(65, "[", "]"), "at most 64 levels are allowed"},
		"twice as deep":           {deep(128, `{"a":`, "}"), "at most 64 levels are allowed"},
		"a hundred thousand":      {deep(100_000, "[", ""), "at most 64 levels are allowed"},
		"brackets in texts":       {`["` + strings.Repeat(`[{\"`, 1000) + `"]`, ""},
		"an escape before quotes": {`["\\",` + strings.Repeat("[", 64), "at most 64"},
		"most small objects":      {objects(1024, "{}"), ""},
		"many of them":            {objects(3000, "{}"), "too many objects in too few bytes"},
		"a million":               {objects(1_000_000, "{}"), "too many objects in too few bytes"},
		"many with members":       {objects(100_000, `{"Name":"n0000"}`), ""},
		"nulls":                   {objects(3000, "null"), "too many objects in too few bytes"},
		"nulls of members":        {"{" + strings.Repeat(`"a":null,`, 3000) + `"b":null}`, ""},
		"nulls after a list":      {`{"a":[1],` + strings.Repeat(`"a":null,`, 3000) + `"b":null}`, ""},
		"a second value":          {`{}` + strings.Repeat("[", 100), ""},
		"no JSON":                 {`}}}[[[`, ""},
	} {
		for _, one := range []bool{false, true} {
			if one && len(row.text) > 10_000 {
				continue
			}
			err := read(row.text, one)
			var wrong *shape.Error
			switch {
			case row.refused == "" && err != nil:
				t.Errorf("%s: %v", name, err)
			case row.refused != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), row.refused)):
				t.Errorf("%s: %v, want …%s…", name, err, row.refused)
			}
		}
	}
}

func TestDepthsOfValues(t *testing.T) {
	for levels, deep := range map[int]bool{64: false, 65: true, 128: true} {
		var v, hcl any = "x", "x"
		for range levels {
			v = map[string]any{"a": "y", "b": v}
			hcl = []map[string]any{{"a": hcl}}
		}
		if got := shape.CheckDepth(v) != nil; got != deep {
			t.Errorf("%d levels: deep %v", levels, got)
		}
		if got := shape.CheckDepth(hcl) != nil; got != (levels > 32) {
			t.Errorf("%d blocks: deep %v", levels, got)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte{0x81, 0xa1, 'a', 0x92, 1, 2})
	f.Add([]byte{0xdd, 0, 0, 0, 1, 0xc0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, rest, err := shape.Of(b)
		if bytes.Contains(b, []byte{0xc1}) {
			return
		}
		want, skipped := msgp.Skip(b)
		if (err == nil) != (skipped == nil) || err == nil && len(rest) != len(want) {
			t.Errorf("%x: %v, %d left; msgp: %v, %d left", b, err, len(rest), skipped, len(want))
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,"]\"",{}]} x`)
	f.Fuzz(func(t *testing.T, text string) {
		err := read(text, true)
		if again := read(text, false); (err == nil) != (again == nil) {
			t.Errorf("%q: %v byte by byte, %v at once", text, err, again)
		}
		if json.Valid([]byte(text)) && len(text) < 64 && err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	row := map[string]any{"Entry": map[string]any{"Key": "a/b/c", "Value": make([]byte, 500), "Flags": 0, "Session": ""}, "Verb": 1, "WriteOptions": map[string]any{"Datacenter": "", "Token": ""}}
	text, err := msgp.AppendIntf(nil, row)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := shape.Of(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSkip(b *testing.B) {
	row := map[string]any{"Entry": map[string]any{"Key": "a/b/c", "Value": make([]byte, 500), "Flags": 0, "Session": ""}, "Verb": 1, "WriteOptions": map[string]any{"Datacenter": "", "Token": ""}}
	text, err := msgp.AppendIntf(nil, row)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := msgp.Skip(text); err != nil {
			b.Fatal(err)
		}
	}
}
