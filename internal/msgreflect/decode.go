package msgreflect

import (
	"reflect"

	"github.com/tinylib/msgp/msgp"
)

// Decode reads the struct that m points to and returns what follows. Fields that m
// does not have are skipped, and those that are not there stay as they are.
func Decode(b []byte, m any) ([]byte, error) { return readFields(b, root(m)) }

func readFields(b []byte, v reflect.Value) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, msgp.WrapError(err)
	}
	fields := fieldsOf(v.Type())
	for range n {
		var key []byte
		if key, b, err = msgp.ReadMapKeyZC(b); err != nil {
			return b, msgp.WrapError(err)
		}
		if b, err = readField(b, v, fields, key); err != nil {
			return b, msgp.WrapError(err, string(key))
		}
	}
	return b, nil
}

func readField(b []byte, v reflect.Value, fields []field, key []byte) ([]byte, error) {
	for _, f := range fields {
		if f.name == string(key) {
			return readValue(b, v.Field(f.index))
		}
	}
	return msgp.Skip(b)
}

func readValue(b []byte, v reflect.Value) ([]byte, error) {
	if m, ok := own(v); ok {
		return m.UnmarshalMsg(b)
	}
	switch v.Kind() {
	case reflect.String:
		text, rest, err := msgp.ReadStringBytes(b)
		return settle(rest, err, func() { v.SetString(text) })
	case reflect.Bool:
		yes, rest, err := msgp.ReadBoolBytes(b)
		return settle(rest, err, func() { v.SetBool(yes) })
	case reflect.Int, reflect.Int64:
		return readInt(b, v)
	case reflect.Uint, reflect.Uint64:
		number, rest, err := msgp.ReadUint64Bytes(b)
		return settle(rest, err, func() { v.SetUint(number) })
	case reflect.Pointer:
		return readPointer(b, v)
	case reflect.Slice:
		return readList(b, v)
	case reflect.Map:
		return readMap(b, v)
	case reflect.Struct:
		if v.Type() == timeType {
			when, rest, err := msgp.ReadTimeBytes(b)
			return settle(rest, err, func() { v.Set(reflect.ValueOf(when)) })
		}
		return readFields(b, v)
	}
	panic(unknown(v.Type()))
}

// settle sets a value that was read.
func settle(rest []byte, err error, set func()) ([]byte, error) {
	if err == nil {
		set()
	}
	return rest, err
}

func readInt(b []byte, v reflect.Value) ([]byte, error) {
	if v.Type() == durationType {
		d, rest, err := msgp.ReadDurationBytes(b)
		return settle(rest, err, func() { v.SetInt(int64(d)) })
	}
	number, rest, err := msgp.ReadInt64Bytes(b)
	return settle(rest, err, func() { v.SetInt(number) })
}

func readPointer(b []byte, v reflect.Value) ([]byte, error) {
	if msgp.IsNil(b) {
		v.SetZero()
		return msgp.ReadNilBytes(b)
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return readValue(b, v.Elem())
}

// short refuses a header that claims more elements than bytes follow.
func short(n uint32, b []byte) error {
	if uint64(n) > uint64(len(b)) {
		return msgp.ErrShortBytes
	}
	return nil
}

func readList(b []byte, v reflect.Value) ([]byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil {
		err = short(n, b)
	}
	if err != nil {
		return b, err
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		if b, err = readValue(b, v.Index(i)); err != nil {
			return b, msgp.WrapError(err, i)
		}
	}
	return b, nil
}

func readMap(b []byte, v reflect.Value) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err == nil {
		err = short(n, b)
	}
	if err != nil {
		return b, err
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), int(n)))
	for range n {
		var key string
		if key, b, err = msgp.ReadStringBytes(b); err != nil {
			return b, err
		}
		one := reflect.New(v.Type().Elem()).Elem()
		if b, err = readValue(b, one); err != nil {
			return b, msgp.WrapError(err, key)
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), one)
	}
	return b, nil
}
