package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// wrongType is a value of a wrong JSON type, told without the names of our own
// types: clients know the prefix, people look for the key (reference/http-api.md §4).
type wrongType struct {
	path string // of keys, joined by dots; "" for the whole body
	*json.UnmarshalTypeError
}

// NameKeys makes an error of decoding name the keys that a client sent.
func NameKeys(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &wrongType{keyPath(wrong.Field), wrong}
	}
	return err
}

// Error implements error.
func (w *wrongType) Error() string {
	if t, named := consulTypes[w.Struct]; named && w.path != "" {
		return fmt.Sprintf("json: cannot unmarshal %s into Go struct field %s.%s of type %s", w.Value, t, w.path, goType(w.Type))
	}
	if w.path == "" {
		return fmt.Sprintf("json: cannot unmarshal %s into Go value of type %s", w.Value, goType(w.Type))
	}
	return fmt.Sprintf("json: cannot unmarshal %s into Go struct field %s of type %s", w.Value, w.path, goType(w.Type))
}

// consulTypes are types of bodies whose names Consul's errors show, by ours.
var consulTypes = map[string]string{
	"TemplateVariables": "ACLTemplatedPolicyVariables", "ACLQuestion": "ACLAuthorizationRequest",
}

// keyPath leaves out of encoding/json's path the structures that bodies embed to
// share fields: their names are camelCase, which no key of a request is.
func keyPath(path string) string {
	var keys []string
	for part := range strings.SplitSeq(path, ".") {
		camel := part != "" && unicode.IsLower(rune(part[0])) && strings.ContainsFunc(part, unicode.IsUpper)
		if !camel {
			keys = append(keys, part)
		}
	}
	return strings.Join(keys, ".")
}

// goType names a type in Go's words, those of packages and structs by what they
// are made of.
func goType(t reflect.Type) string {
	list := ""
	if t.Kind() == reflect.Slice {
		list = "[]"
	}
	if elem := strings.TrimPrefix(t.String(), "[]"); strings.Contains(elem, ".") {
		_, name, _ := strings.Cut(elem, ".")
		if consul, named := consulTypes[name]; named {
			return list + "structs." + consul
		}
	}
	if text := t.String(); !strings.Contains(text, ".") && !strings.Contains(text, "struct {") {
		return text
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind().String()
}

// Lenient decodes what may have keys that nobody knows.
type Lenient[T any] struct{ Value T }

// UnmarshalJSON implements json.Unmarshaler.
func (l *Lenient[T]) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &l.Value) }

var _ json.Unmarshaler = (*Lenient[int])(nil)
