package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// walkSet calls visit for every key of s that is set and marked as doing
// nothing, in the order of the struct and once each, however often it occurs
// in a list.
func walkSet(s *settings, visit func(key, use string)) {
	var seen []string
	walkStruct(reflect.ValueOf(s).Elem(), "", "", func(key, use string) {
		if !slices.Contains(seen, key) {
			seen = append(seen, key)
			visit(key, use)
		}
	})
}

// walkStruct walks one block; outer is the mark that the whole block has.
func walkStruct(v reflect.Value, prefix, outer string, visit func(key, use string)) {
	t := v.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		if options == "squash" {
			walkStruct(v.Field(i), prefix, outer, visit)
			continue
		}
		if name == "" || !isSet(v.Field(i)) {
			continue
		}
		use := cmp.Or(field.Tag.Get("use"), outer)
		if use != "" && field.Type.Kind() == reflect.Struct {
			walkStruct(v.Field(i), prefix+name+".", use, visit)
			continue
		}
		if use != "" {
			visit(prefix+name, use)
			continue
		}
		walkValue(v.Field(i), prefix+name+".", visit)
	}
}

// walkValue looks into blocks and lists of blocks.
func walkValue(v reflect.Value, prefix string, visit func(key, use string)) {
	switch v.Kind() {
	case reflect.Struct:
		walkStruct(v, prefix, "", visit)
	case reflect.Pointer:
		walkValue(v.Elem(), prefix, visit)
	case reflect.Slice:
		for i := range v.Len() {
			if blockOf(v.Index(i).Type()) != nil {
				walkValue(v.Index(i), prefix, visit)
			}
		}
	}
}

func isSet(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return !v.IsNil()
	}
	return true
}
