package config

import (
	"reflect"
	"strings"
	"sync"
)

// Key describes one configuration key, for documentation and for hints.
type Key struct {
	Name       string // full path, such as "ports.http"; lists are not indexed
	Type       string // bool, int, float, string, list, map, object
	Help       string // one line
	Reloadable bool   // a reload applies a change
	Served     bool   // false: accepted, but without effect in this version
}

// Keys lists every key that a configuration file may hold, in the order of the
// reference: groups together, deprecated ones last. Blocks are listed under
// services and checks; the singular service and check take the same keys.
func Keys() []Key { return allKeys() }

var allKeys = sync.OnceValue(func() []Key {
	return appendKeys(nil, "", true, reflect.TypeFor[settings]())
})

// appendKeys lists the keys of one block, of which none is served unless the block
// is.
func appendKeys(keys []Key, prefix string, served bool, t reflect.Type) []Key {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		switch {
		case options == "squash":
			keys = appendKeys(keys, prefix, served, field.Type)
			continue
		case name == "" || field.Tag.Get("recursive") != "":
			continue
		}
		served := served && field.Tag.Get("use") == ""
		keys = append(keys, Key{
			Name:       prefix + name,
			Type:       keyType(field.Type),
			Help:       field.Tag.Get("help"),
			Reloadable: field.Tag.Get("reload") != "",
			Served:     served,
		})
		if block := blockOf(field.Type); block != nil && !(prefix == "" && (name == "service" || name == "check")) {
			keys = appendKeys(keys, prefix+name+".", served, block)
		}
	}
	return keys
}

// blockOf returns the struct that values of t hold, or nil.
func blockOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return t
	}
	return nil
}

func keyType(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float64:
		return "float"
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "map"
	case reflect.Struct:
		return "object"
	}
	return "string"
}
