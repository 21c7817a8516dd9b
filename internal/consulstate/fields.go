package consulstate

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// fields is a record of Consul's: its members by name.
type fields map[string]any

var errNoMap = errors.New("a map is wanted")

// decodeFields reads one map and nothing more.
func decodeFields(body []byte) (fields, error) {
	value, err := decodeValue(body)
	if err != nil {
		return nil, err
	}
	m, ok := value.(map[string]any)
	if !ok {
		return nil, errNoMap
	}
	return m, nil
}

// decodeValue reads one value. That its members are all there is seen to first:
// the decoder would make room for what a header claims.
func decodeValue(body []byte) (any, error) {
	rest, err := msgp.Skip(body)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errMore
	}
	value, _, err := msgp.ReadIntfBytes(body)
	return value, err
}

// decodeRow makes a row of members that have the row's names. Others are passed
// over, and those that are nil count as missing.
func decodeRow[T any, M interface {
	*T
	msgp.Unmarshaler
}](f fields) (M, error) {
	body, err := msgp.AppendIntf(nil, map[string]any(f.withoutNil()))
	if err != nil {
		return nil, err
	}
	row := M(new(T))
	if _, err := row.UnmarshalMsg(body); err != nil {
		return nil, err
	}
	return row, nil
}

// freeForm are the members that are anybody's: a nil in them means something.
const freeForm = "Config"

func (f fields) withoutNil() fields {
	for name, value := range f {
		switch v := value.(type) {
		case nil:
			delete(f, name)
		case fields:
			v.withoutNil()
			f[name] = map[string]any(v)
		case map[string]any:
			if name != freeForm {
				fields(v).withoutNil()
			}
		case []any:
			for _, e := range v {
				if m, ok := e.(map[string]any); ok {
					fields(m).withoutNil()
				}
			}
		}
	}
	return f
}

// flat lifts the indexes, which some versions may nest.
func (f fields) flat() fields {
	for name, value := range f.part("RaftIndex") {
		f[name] = value
	}
	delete(f, "RaftIndex")
	return f
}

// part returns a member that is a map, nil if it is none.
func (f fields) part(name string) fields {
	m, _ := f[name].(map[string]any)
	return m
}

// binary makes a member bytes: Consul's codec writes text and bytes alike.
func (f fields) binary(name string) fields {
	if text, ok := f[name].(string); ok {
		f[name] = []byte(text)
	}
	return f
}

// liftMode puts the mode of a mesh gateway where ours is, sinkMode where Consul's is.
func (f fields) liftMode() {
	if mode, ok := f.part("MeshGateway")["Mode"].(string); ok {
		f["MeshGatewayMode"] = mode
		delete(f, "MeshGateway")
	}
}

func (f fields) sinkMode() {
	if mode, ok := f["MeshGatewayMode"].(string); ok && mode != "" {
		f["MeshGateway"] = map[string]any{"Mode": mode}
	}
	delete(f, "MeshGatewayMode")
}

// maps calls each for the members of a list that are maps.
func (f fields) maps(name string, each func(fields)) {
	list, _ := f[name].([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			each(m)
		}
	}
}

// dropZero removes members that say nothing.
func (f fields) dropZero(names ...string) {
	for _, name := range names {
		if f.part(name).isZero() {
			delete(f, name)
		}
	}
}

// isZero reports whether all members are zero.
func (f fields) isZero() bool {
	for _, value := range f {
		switch v := value.(type) {
		case nil:
		case bool:
			if v {
				return false
			}
		case int64:
			if v != 0 {
				return false
			}
		case uint64:
			if v != 0 {
				return false
			}
		case string:
			if v != "" {
				return false
			}
		case []any:
			if len(v) > 0 {
				return false
			}
		case map[string]any:
			if !fields(v).isZero() {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (f fields) text(name string) (string, error) {
	switch v := f[name].(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("%s: a text is wanted, not %T", name, f[name])
}

func (f fields) number(name string) (uint64, error) {
	switch v := f[name].(type) {
	case uint64:
		return v, nil
	case int64:
		if v >= 0 {
			return uint64(v), nil
		}
	}
	return 0, fmt.Errorf("%s: a number from 0 is wanted, not %v", name, f[name])
}
