package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Key describes one configuration key, for documentation and for hints.
type Key struct {
	Name       string // full path, such as "ports.http"; lists are not indexed
	Type       string // bool, int, float, string, list, map, object
	Help       string // one line
	Head       string // the part of the reference that this key begins, or ""
	Default    string // in HCL, or in words; "" for none
	Since      string // the first version that knows it
	Like       string // the block of the same keys that explains them, or ""
	Reloadable bool   // a reload applies a change
	Served     bool   // false: accepted, but without effect in this version
}

// firstVersion knows every key that does not say otherwise.
const firstVersion = "0.1.0"

// Keys lists every key that a configuration file may hold, in the order of the
// reference: groups together, deprecated ones last. Blocks are listed under
// services and checks; the singular service and check take the same keys.
// Defaults are in Reference only: hints about them need the keys.
func Keys() []Key { return allKeys() }

var allKeys = sync.OnceValue(func() []Key { return listKeys(new(settings)) })

// Reference is Keys with the defaults that stand in the built-in configuration.
func Reference() ([]Key, error) {
	s, err := parsedDefaults()
	if err != nil {
		return nil, err
	}
	return listKeys(s), nil
}

func listKeys(s *settings) []Key {
	walk := keyWalk{blocks: map[reflect.Type][]int{}}
	walk.block("", true, false, reflect.ValueOf(s).Elem())
	for _, alike := range walk.blocks {
		first := slices.MinFunc(alike, func(a, b int) int {
			return strings.Count(walk.keys[a].Name, ".") - strings.Count(walk.keys[b].Name, ".")
		})
		for _, i := range alike {
			if i != first {
				walk.keys[i].Like = walk.keys[first].Name
			}
		}
	}
	return walk.keys
}

type keyWalk struct {
	keys   []Key
	blocks map[reflect.Type][]int // the keys that hold a type of block, but for those with defaults of their own
}

// block lists the keys of one block with the defaults in it, of which none is
// served unless the block is; all are reloaded if the block is.
func (w *keyWalk) block(prefix string, served, reloaded bool, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		switch {
		case options == "squash":
			w.block(prefix, served, reloaded, v.Field(i))
			continue
		case name == "" || field.Tag.Get("recursive") != "":
			continue
		}
		served := served && field.Tag.Get("use") == ""
		reloaded := reloaded || field.Tag.Get("reload") != ""
		w.keys = append(w.keys, Key{
			Name:       prefix + name,
			Type:       keyType(field.Type),
			Help:       field.Tag.Get("help"),
			Head:       field.Tag.Get("head"),
			Default:    cmp.Or(field.Tag.Get("unset"), literal(v.Field(i))),
			Since:      cmp.Or(field.Tag.Get("since"), firstVersion),
			Reloadable: reloaded,
			Served:     served,
		})
		if block := blockOf(field.Type); block != nil && !(prefix == "" && (name == "service" || name == "check")) {
			inner := reflect.Zero(block)
			if v.Field(i).Kind() == reflect.Struct {
				inner = v.Field(i)
			}
			if kind := block; inner.IsZero() {
				if first := block.Field(0); strings.HasSuffix(first.Tag.Get("cfg"), ",squash") {
					kind = first.Type // a definition, and where it came from
				}
				w.blocks[kind] = append(w.blocks[kind], len(w.keys)-1)
			}
			w.block(prefix+name+".", served, reloaded, inner)
		}
	}
}

// literal is a default as a file would write it, "" for none. A switch that
// nobody sets is off.
func literal(v reflect.Value) string {
	t := v.Type()
	if v.Kind() == reflect.Pointer {
		t, v = t.Elem(), v.Elem()
	} else if v.IsZero() {
		v = reflect.Value{} // members that are no pointers: zero is not set
	}
	switch {
	case !v.IsValid() && t.Kind() == reflect.Bool:
		return "false"
	case !v.IsValid() || blockOf(t) != nil || t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		return ""
	case t.Kind() == reflect.String:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
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
