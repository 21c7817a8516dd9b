package msgreflect

import (
	"reflect"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Append adds the encoding of the struct that m points to.
func Append(b []byte, m any) ([]byte, error) { return appendFields(b, root(m)) }

func appendFields(b []byte, v reflect.Value) ([]byte, error) {
	fields := fieldsOf(v.Type())
	b = msgp.AppendMapHeader(b, uint32(len(fields)))
	for _, f := range fields {
		var err error
		if b, err = appendValue(msgp.AppendString(b, f.name), v.Field(f.index)); err != nil {
			return b, msgp.WrapError(err, f.name)
		}
	}
	return b, nil
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	if m, ok := own(v); ok {
		return m.MarshalMsg(b)
	}
	switch v.Kind() {
	case reflect.String:
		return msgp.AppendString(b, v.String()), nil
	case reflect.Bool:
		return msgp.AppendBool(b, v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return msgp.AppendInt64(b, v.Int()), nil
	case reflect.Uint, reflect.Uint64:
		return msgp.AppendUint64(b, v.Uint()), nil
	case reflect.Pointer:
		if v.IsNil() {
			return msgp.AppendNil(b), nil
		}
		return appendValue(b, v.Elem())
	case reflect.Slice:
		return appendList(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		if v.Type() == timeType {
			return msgp.AppendTime(b, v.Interface().(time.Time)), nil
		}
		return appendFields(b, v)
	}
	panic(unknown(v.Type()))
}

func appendList(b []byte, v reflect.Value) ([]byte, error) {
	b = msgp.AppendArrayHeader(b, uint32(v.Len()))
	for i := range v.Len() {
		var err error
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return b, msgp.WrapError(err, i)
		}
	}
	return b, nil
}

func appendMap(b []byte, v reflect.Value) ([]byte, error) {
	b = msgp.AppendMapHeader(b, uint32(v.Len()))
	held := reflect.New(v.Type().Elem()).Elem() // for values with methods, which want an address
	for each := v.MapRange(); each.Next(); {
		held.Set(each.Value())
		var err error
		if b, err = appendValue(msgp.AppendString(b, each.Key().String()), held); err != nil {
			return b, msgp.WrapError(err, each.Key().String())
		}
	}
	return b, nil
}

// Size is the most bytes that Append adds for what m points to.
func Size(m any) int { return sizeFields(root(m)) }

func sizeFields(v reflect.Value) int {
	n := msgp.MapHeaderSize
	for _, f := range fieldsOf(v.Type()) {
		n += msgp.StringPrefixSize + len(f.name) + sizeValue(v.Field(f.index))
	}
	return n
}

func sizeValue(v reflect.Value) int {
	if m, ok := own(v); ok {
		return m.Msgsize()
	}
	switch v.Kind() {
	case reflect.String:
		return msgp.StringPrefixSize + v.Len()
	case reflect.Pointer:
		if v.IsNil() {
			return msgp.NilSize
		}
		return sizeValue(v.Elem())
	case reflect.Slice:
		n := msgp.ArrayHeaderSize
		for i := range v.Len() {
			n += sizeValue(v.Index(i))
		}
		return n
	case reflect.Map:
		return sizeMap(v)
	case reflect.Struct:
		if v.Type() == timeType {
			return msgp.TimeSize
		}
		return sizeFields(v)
	}
	return msgp.Int64Size // of numbers and booleans
}

func sizeMap(v reflect.Value) int {
	n := msgp.MapHeaderSize
	held := reflect.New(v.Type().Elem()).Elem()
	for each := v.MapRange(); each.Next(); {
		held.Set(each.Value())
		n += msgp.StringPrefixSize + each.Key().Len() + sizeValue(held)
	}
	return n
}
