package msgreflect

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// message is a type that encodes itself.
type message interface {
	msgp.Marshaler
	msgp.Unmarshaler
	msgp.Sizer
}

var (
	messageType  = reflect.TypeFor[message]()
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// field is one of a struct's that travel.
type field struct {
	name  string
	index int
}

// plans holds the fields of every struct met, by its type.
var plans sync.Map

// fieldsOf lists what travels of a struct.
func fieldsOf(t reflect.Type) []field {
	if known, ok := plans.Load(t); ok {
		return known.([]field)
	}
	fields := []field{}
	for i := range t.NumField() {
		f := t.Field(i)
		switch tag := f.Tag.Get("msg"); {
		case tag == "-" || !f.IsExported():
		case tag != "":
			panic(fmt.Sprintf("msgreflect: %s.%s has the tag msg:%q, which is not known here", t, f.Name, tag))
		default:
			fields = append(fields, field{f.Name, i})
		}
	}
	plans.Store(t, fields)
	return fields
}

// own gives a value that encodes itself.
func own(v reflect.Value) (message, bool) {
	if v.Kind() != reflect.Struct || !v.CanAddr() || !encodesItself(v.Type()) {
		return nil, false
	}
	return v.Addr().Interface().(message), true
}

// itself holds of every struct met whether it encodes itself: comparing methods
// takes longer than encoding does.
var itself sync.Map

func encodesItself(t reflect.Type) bool {
	if known, ok := itself.Load(t); ok {
		return known.(bool)
	}
	does := reflect.PointerTo(t).Implements(messageType)
	itself.Store(t, does)
	return does
}

// root is the struct that a message points to.
func root(m any) reflect.Value { return reflect.ValueOf(m).Elem() }

func unknown(t reflect.Type) string { return "msgreflect: no encoding for " + t.String() }
