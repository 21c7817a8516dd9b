package structhash

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

// Form says in which form structs are hashed. The zero value takes them as they are.
type Form struct {
	// Struct is what a struct is called, and the Members that it does not have here, joined by ^.
	Struct func(t reflect.Type) (name string, more uint64)
	// Member is what a member of a struct holds, and whether it counts. Embedded members are the
	// struct's own.
	Member func(of reflect.Type, f reflect.StructField, v reflect.Value) (holds reflect.Value, counts bool)
}

// Of returns the hash of a value made of structs, pointers, lists, maps, text, numbers and times.
func Of(value any, f Form) uint64 { return f.hash(reflect.ValueOf(value)) }

// Text returns the hash of a text, which is also that of a struct of this name without members.
func Text(text string) uint64 { return hashBytes(text) }

// Member returns what a member adds to its struct.
func Member(name string, value uint64) uint64 { return hashPair(Text(name), value) }

func (f *Form) hash(v reflect.Value) uint64 {
	switch v.Kind() {
	case reflect.Invalid:
		return hashNumber(0, 8)
	case reflect.Interface, reflect.Pointer:
		return f.hash(v.Elem())
	case reflect.Bool:
		if v.Bool() {
			return hashNumber(1, 1)
		}
		return hashNumber(0, 1)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return hashNumber(uint64(v.Int()), v.Type().Size())
	case reflect.Uint, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return hashNumber(v.Uint(), v.Type().Size())
	case reflect.Float32:
		return hashNumber(uint64(math.Float32bits(float32(v.Float()))), 4)
	case reflect.Float64:
		return hashNumber(math.Float64bits(v.Float()), 8)
	case reflect.String:
		return Text(v.String())
	case reflect.Slice:
		var h uint64
		for i := range v.Len() {
			h = hashPair(h, f.hash(v.Index(i)))
		}
		return h
	case reflect.Map:
		var h uint64
		for entries := v.MapRange(); entries.Next(); {
			h ^= hashPair(f.hash(entries.Key()), f.hash(entries.Value()))
		}
		return h
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			text, _ := v.Interface().(time.Time).MarshalBinary() // fails for years that no RFC 3339 text has
			return Text(string(text))
		}
		return f.hashStruct(v)
	}
	panic("structhash: a member is a " + v.Kind().String())
}

func (f *Form) hashStruct(v reflect.Value) uint64 {
	name, more := v.Type().Name(), uint64(0)
	if f.Struct != nil {
		name, more = f.Struct(v.Type())
	}
	return Text(name) ^ f.hashMembers(v, v.Type()) ^ more
}

// hashMembers is of the members of a struct and of what it embeds. of is the type that they
// are shown in.
func (f *Form) hashMembers(v reflect.Value, of reflect.Type) (h uint64) {
	for i := range v.NumField() {
		field, member, counts := v.Type().Field(i), v.Field(i), true
		if field.Anonymous {
			h ^= f.hashMembers(member, of)
			continue
		}
		if f.Member != nil {
			member, counts = f.Member(of, field, member)
		}
		if counts {
			h ^= Member(field.Name, f.hash(member))
		}
	}
	return h
}

// hashBytes is FNV-1 of 64 bits: hash/fnv's takes memory, and one value is many hashes.
func hashBytes[T string | []byte](b T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(b) {
		h = h*1099511628211 ^ uint64(b[i])
	}
	return h
}

// hashNumber is of the first bytes of a number, from the lowest.
func hashNumber(n uint64, bytes uintptr) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return hashBytes(b[:bytes])
}

func hashPair(a, b uint64) uint64 {
	var pair [16]byte
	binary.LittleEndian.PutUint64(pair[:], a)
	binary.LittleEndian.PutUint64(pair[8:], b)
	return hashBytes(pair[:])
}
