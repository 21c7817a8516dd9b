package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// unknownKeys lists, sorted, the keys of a parsed tree that values of t do not
// have, whatever is wrong with the others. Paths are written as in errors about
// types: lists and maps in brackets.
func unknownKeys(tree any, t reflect.Type) []string {
	var keys []string
	findUnknown(tree, t, "", func(key string) { keys = append(keys, key) })
	slices.Sort(keys)
	return keys
}

func findUnknown(v any, t reflect.Type, path string, found func(string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Slice {
		v = single(v)
	}
	switch t.Kind() {
	case reflect.Struct:
		tree, _ := v.(map[string]any)
		for key, value := range tree {
			name := strings.TrimPrefix(path+"."+key, ".")
			if field, ok := fieldFor(t, key); ok {
				findUnknown(value, field, name, found)
			} else {
				found(name)
			}
		}
	case reflect.Map:
		tree, _ := v.(map[string]any)
		for key, value := range tree {
			findUnknown(value, t.Elem(), fmt.Sprintf("%s[%s]", path, key), found)
		}
	case reflect.Slice:
		for i, value := range elements(v) {
			findUnknown(value, t.Elem(), fmt.Sprintf("%s[%d]", path, i), found)
		}
	}
}

// fieldFor returns the type of the field that a key sets, by name or alias.
func fieldFor(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		if options == "squash" {
			if inner, ok := fieldFor(field.Type, key); ok {
				return inner, true
			}
			continue
		}
		alias := field.Tag.Get("alias")
		if name != "" && strings.EqualFold(name, key) || alias != "" && strings.EqualFold(alias, key) {
			return field.Type, true
		}
	}
	return nil, false
}

func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	}
	return nil
}
