package definition

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"time"
)

// The doors through which JSON comes.
const (
	bodies = "http"  // a member's name, and what its http tag adds
	alone  = "alone" // check/register: where there is an alone tag, exactly what it lists, "-" for nothing
)

// Decode reads the first JSON value of r into v, which points to a struct of
// this package or around some. A key that it does not have is an error; errors
// are those of encoding/json, with keys spelled as in the text.
func Decode(r io.Reader, v any) error { return decode(v, bodies, strict(r)) }

// DecodeAlone is Decode for a check that is registered by itself.
func DecodeAlone(r io.Reader, c *Check) error { return decode(c, alone, strict(r)) }

func strict(r io.Reader) func(any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	return d.Decode
}

// decode has read fill the twin of *v, and copies what it found.
func decode(v any, door string, read func(any) error) error {
	to := reflect.ValueOf(v).Elem()
	t := twinOf(to.Type(), door)
	if t.Type == to.Type() {
		return read(v)
	}
	from := reflect.New(t.Type)
	if err := read(from.Interface()); err != nil {
		return err
	}
	t.copy(to, from.Elem())
	return nil
}

// twin is a type that encoding/json fills in place of one of ours: a struct has a
// member for each spelling of a key. What has but one spelling is its own twin.
type twin struct {
	reflect.Type
	copy func(to, from reflect.Value)
}

type twinKey struct {
	of   reflect.Type
	door string
}

var twins sync.Map // twinKey to twin; as many as there are types

var (
	unmarshaler  = reflect.TypeFor[json.Unmarshaler]()
	durationType = reflect.TypeFor[Duration]()
)

// twinOf makes the twin of t. Types do not contain themselves but through an
// UnmarshalJSON of their own, where it stops.
func twinOf(t reflect.Type, door string) twin {
	if found, ok := twins.Load(twinKey{t, door}); ok {
		return found.(twin)
	}
	made := twin{Type: t}
	switch kind := t.Kind(); {
	case reflect.PointerTo(t).Implements(unmarshaler):
	case kind == reflect.Struct:
		made = structTwin(t, door)
	case kind == reflect.Pointer:
		made = pointerTwin(t, twinOf(t.Elem(), door))
	case kind == reflect.Slice:
		made = sliceTwin(t, twinOf(t.Elem(), door))
	}
	if made.Type == t {
		made.copy = reflect.Value.Set
	}
	twins.Store(twinKey{t, door}, made)
	return made
}

func pointerTwin(t reflect.Type, of twin) twin {
	return twin{reflect.PointerTo(of.Type), func(to, from reflect.Value) {
		if !from.IsNil() {
			to.Set(reflect.New(t.Elem()))
			of.copy(to.Elem(), from.Elem())
		}
	}}
}

func sliceTwin(t reflect.Type, of twin) twin {
	return twin{reflect.SliceOf(of.Type), func(to, from reflect.Value) {
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(t, from.Len(), from.Len()))
		for i := range from.Len() {
			of.copy(to.Index(i), from.Index(i))
		}
	}}
}

// member is a field of a struct and its spellings, which are next to each other
// in the twin.
type member struct {
	twin
	index        []int
	first, after int
}

func structTwin(t reflect.Type, door string) twin {
	var fields []reflect.StructField
	var members []member
	differs := false
	for _, f := range reflect.VisibleFields(t) {
		names := spellings(f, door)
		if len(names) == 0 {
			differs = differs || !f.Anonymous
			continue
		}
		of := twinOfField(f, door)
		differs = differs || len(names) > 1 || of.Type != f.Type || names[0] != f.Name
		members = append(members, member{of, f.Index, len(fields), len(fields) + len(names)})
		for _, name := range names {
			fields = append(fields, reflect.StructField{
				Name: fmt.Sprintf("K%d", len(fields)), Type: of.Type, Tag: reflect.StructTag(fmt.Sprintf("json:%q", name)),
			})
		}
	}
	if !differs {
		return twin{Type: t}
	}
	return twin{reflect.StructOf(fields), func(to, from reflect.Value) {
		for _, m := range members {
			if v, ok := m.given(from); ok {
				m.copy(to.FieldByIndex(m.index), v)
			}
		}
	}}
}

// given is the first spelling with a value, or with an empty list if none has one.
func (m *member) given(from reflect.Value) (value reflect.Value, ok bool) {
	for i := m.first; i < m.after; i++ {
		v := from.Field(i)
		if v.IsZero() {
			continue
		}
		if v.Kind() != reflect.Slice || v.Len() > 0 {
			return v, true
		}
		value, ok = v, true
	}
	return value, ok
}

// spellings are the keys that set f, none if there is no such key.
func spellings(f reflect.StructField, door string) []string {
	if f.Anonymous || !f.IsExported() {
		return nil
	}
	only, given := f.Tag.Lookup(alone)
	switch more := f.Tag.Get(bodies); {
	case given && door == alone && only == "-":
		return nil
	case given && door == alone:
		return strings.Split(only, ",")
	case more == "":
		return []string{f.Name}
	case more == "-":
		return nil
	default:
		return append([]string{f.Name}, strings.Split(more, ",")...)
	}
}

// twinOfField is that of its type, but for a time, which is text with us.
func twinOfField(f reflect.StructField, door string) twin {
	if f.Tag.Get("unit") != "time" {
		return twinOf(f.Type, door)
	}
	return pointerTwin(f.Type, twin{durationType, func(to, from reflect.Value) {
		to.SetString(time.Duration(from.Int()).String())
	}})
}
