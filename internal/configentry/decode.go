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
// CamelCase or snake_case, in any case; durations texts or nanoseconds. A key
// that the kind does not have is an error, kind fault.Invalid.
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
	var found mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: e, Metadata: &found, WeaklyTypedInput: true, Squash: true, MatchName: sameKey,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(unwrapBlock, readDuration, readBytes, mapstructure.StringToTimeHookFunc(time.RFC3339)),
	})
	if err != nil {
		return nil, err
	}
	if err := decoder.Decode(raw); err != nil {
		return nil, invalid("%w", err)
	}
	if len(found.Unused) > 0 {
		return nil, unknownKeys(found.Unused)
	}
	return e, nil
}

func unknownKeys(keys []string) error {
	slices.Sort(keys)
	for i, key := range keys {
		keys[i] = fmt.Sprintf("invalid config key %q", key)
	}
	return invalid("%s", several(keys...))
}

// aliases are snake_case keys that are spelled otherwise than their members.
var aliases = map[string]string{
	"peer_name": "Peer", "tls_min_version": "MinVersion", "tls_max_version": "MaxVersion",
}

// sameKey reports whether a key names a member: max_inbound_connections is
// MaxInboundConnections.
func sameKey(key, member string) bool {
	return strings.EqualFold(key, member) || strings.EqualFold(strings.ReplaceAll(key, "_", ""), member) ||
		aliases[strings.ToLower(key)] == member
}

// unwrapBlock takes the one block of an HCL list where a single value is wanted,
// and wherever one is in what has no fixed shape.
func unwrapBlock(_, to reflect.Type, value any) (any, error) {
	switch blocks, ok := value.([]map[string]any); {
	case to.Kind() == reflect.Interface:
		return unwrapAll(value), nil
	case ok && len(blocks) == 1 && to.Kind() != reflect.Slice:
		return blocks[0], nil
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
