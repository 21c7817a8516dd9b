package configentry

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mitchellh/mapstructure"

	"praetor/internal/fault"
)

// DecodeJSON reads the first JSON value of r, an entry as clients send it.
func DecodeJSON(r io.Reader) (Entry, error) {
	var raw map[string]any
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return nil, err
	}
	return Decode(raw)
}

// Decode reads an entry from what a JSON or HCL parser made of it. Keys may be
// CamelCase or snake_case, in any case; durations texts or nanoseconds; what is no
// list may be a list of one. A key that the kind does not have is an error, kind
// fault.Invalid.
func Decode(raw map[string]any) (Entry, error) {
	kind, ok := raw["Kind"]
	if !ok {
		kind, ok = raw["kind"]
	}
	if !ok {
		return nil, invalid("Payload does not contain a kind/Kind key at the top level")
	}
	name, ok := kind.(string)
	if !ok {
		return nil, invalid("Kind value in payload is not a string")
	}
	e, err := New(name)
	if err != nil {
		return nil, invalid("%w", err)
	}
	unused, err := decode(raw, e, readBytes, mapstructure.StringToTimeHookFunc(time.RFC3339))
	if err != nil {
		return nil, invalid("%w", err)
	}
	if len(unused) > 0 {
		return nil, unknownKeys(unused)
	}
	if v, ok := e.(*Verbatim); ok {
		unwrapAll(v.Rest)
	}
	return e, nil
}

// FromMembers reads an entry of a kind from its members by name, as Consul's records
// have them: durations in nanoseconds, bytes as text, times in Go's binary form. Members that the kind
// does not have are passed over.
func FromMembers(kind string, members map[string]any) (Entry, error) {
	e, err := New(kind)
	if err != nil {
		return nil, err
	}
	if _, err := decode(members, e, readBinary); err != nil {
		return nil, invalid("%w", err)
	}
	e.common().Kind = kind
	return e, nil
}

// decode puts members into an entry and returns the keys that it has no place for.
func decode(raw map[string]any, e Entry, hooks ...mapstructure.DecodeHookFunc) (unused []string, err error) {
	var found mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: e, Metadata: &found, WeaklyTypedInput: true, Squash: true, MatchName: sameKey,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(append([]mapstructure.DecodeHookFunc{unwrapOne, readDuration}, hooks...)...),
	})
	if err != nil {
		return nil, err
	}
	err = decoder.Decode(raw)
	return found.Unused, err
}

// readBinary reads bytes and times as Consul's codec writes them: as text.
func readBinary(_, to reflect.Type, value any) (any, error) {
	text, ok := value.(string)
	if !ok {
		return value, nil
	}
	switch to {
	case reflect.TypeFor[[]byte]():
		return []byte(text), nil
	case reflect.TypeFor[time.Time]():
		var t time.Time
		err := t.UnmarshalBinary([]byte(text))
		return t, err
	}
	return value, nil
}

// unknownKeys names the keys in the order of the members that they stand in, those of
// one member by name.
func unknownKeys(keys []string) error {
	parent := func(key string) string { return key[:max(strings.LastIndexByte(key, '.'), 0)] }
	for i := 0; i < len(keys); {
		n := i + 1
		for n < len(keys) && parent(keys[n]) == parent(keys[i]) {
			n++
		}
		slices.Sort(keys[i:n])
		i = n
	}
	for i, key := range keys {
		keys[i] = fmt.Sprintf("invalid config key %q", key)
		switch {
		case key == "Namespace" || strings.HasSuffix(key, ".Namespace"):
			keys[i] += ", namespaces are a consul enterprise feature"
		case strings.HasSuffix(key, ".JWT.Providers"):
			keys[i] += ", api-gateway jwt validation is a consul enterprise feature"
		}
	}
	return invalid("%s", Several(keys...))
}

// aliases are snake_case keys that are spelled otherwise than their members.
var aliases = map[string]string{
	"peer_name": "Peer", "tls_min_version": "MinVersion", "tls_max_version": "MaxVersion",
}

// unaliased are members that Consul reads in one spelling only.
var unaliased = []string{"ConsulVersion", "EnvoyVersion"}

// sameKey reports whether a key names a member: max_inbound_connections is
// MaxInboundConnections.
func sameKey(key, member string) bool {
	return strings.EqualFold(key, member) || aliases[strings.ToLower(key)] == member ||
		strings.EqualFold(strings.ReplaceAll(key, "_", ""), member) && !slices.Contains(unaliased, member)
}

// unwrapOne takes what is in a list of one where a single value is wanted, and the one
// block of an HCL list wherever one is in what has no fixed shape.
func unwrapOne(_, to reflect.Type, value any) (any, error) {
	switch to.Kind() {
	case reflect.Interface:
		return unwrapAll(value), nil
	case reflect.Slice:
		return value, nil
	}
	switch list := value.(type) {
	case []map[string]any:
		if len(list) == 1 {
			return list[0], nil
		}
	case []any:
		if len(list) == 1 && list[0] != nil { // at nil the hooks after this one panic
			return list[0], nil
		}
	}
	return value, nil
}

func unwrapAll(value any) any {
	switch v := value.(type) {
	case []map[string]any:
		if len(v) == 1 {
			return unwrapAll(v[0])
		}
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = unwrapAll(e)
		}
		return list
	case map[string]any:
		for key, e := range v {
			v[key] = unwrapAll(e)
		}
	case []any:
		for i, e := range v {
			v[i] = unwrapAll(e)
		}
	}
	return value
}

var (
	typeDuration = reflect.TypeFor[time.Duration]()
	typeSpan     = reflect.TypeFor[Span]()
)

func readDuration(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to != typeDuration && to != typeSpan {
		return value, nil
	}
	if value == "" {
		return time.Duration(0), nil
	}
	return time.ParseDuration(value.(string))
}

// readBytes reads bytes as JSON carries them.
func readBytes(_, to reflect.Type, value any) (any, error) {
	if text, ok := value.(string); ok && to == reflect.TypeFor[[]byte]() {
		return base64.StdEncoding.DecodeString(text)
	}
	return value, nil
}

// Span is a span of time that JSON shows as text such as "5s", where a
// time.Duration is nanoseconds.
type Span time.Duration

func (s Span) String() string { return time.Duration(s).String() }

// MarshalJSON implements json.Marshaler.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Span) UnmarshalJSON(text []byte) error {
	var shown string
	if err := json.Unmarshal(text, &shown); err != nil {
		return err
	}
	span, err := time.ParseDuration(shown)
	*s = Span(span)
	return err
}

func fmtCount(n int) string {
	if n == 1 {
		return "1 error"
	}
	return fmt.Sprintf("%d errors", n)
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

var (
	_ json.Marshaler   = Span(0)
	_ json.Unmarshaler = (*Span)(nil)
)
