package catalog_test

import (
	"reflect"
	"slices"
	"testing"

	"praetor/catalog"
)

// Comparisons are written by hand; these tests catch a field added to a type
// and forgotten there.

func TestEveryFieldOfADefinitionIsCompared(t *testing.T) {
	everyFieldCounts(t, catalog.SameDefinition)
}

func TestEveryFieldOfAServiceIsCompared(t *testing.T) {
	everyFieldCounts(t, catalog.SameService, "Node", "ID", "CreateIndex", "ModifyIndex")
}

func TestEveryFieldOfANodeIsCompared(t *testing.T) {
	everyFieldCounts(t, catalog.SameNode, "CreateIndex", "ModifyIndex")
}

func TestEveryFieldOfACheckIsComparedButTheQuietOnes(t *testing.T) {
	everyFieldCounts(t, catalog.SameCheck, "Node", "CheckID", "CreateIndex", "ModifyIndex",
		"Type", "Interval", "Timeout", "ExposedPort")
}

func TestEveryFieldOfAPlaceIsCompared(t *testing.T) { everyFieldCounts(t, catalog.SameCoord) }

// everyFieldCounts changes one field of a T at a time and expects same to see
// it, except in the fields named by quiet.
func everyFieldCounts[T any](t *testing.T, same func(a, b *T) bool, quiet ...string) {
	if !same(new(T), new(T)) {
		t.Fatal("two zero values differ")
	}
	for i := range reflect.TypeFor[T]().NumField() {
		changed, field := new(T), reflect.TypeFor[T]().Field(i)
		fill(reflect.ValueOf(changed).Elem().Field(i))
		if got, want := same(changed, new(T)), slices.Contains(quiet, field.Name); got != want {
			t.Errorf("with another %s: same is %v, want %v", field.Name, got, want)
		}
		if !same(changed, changed) {
			t.Errorf("with another %s: not the same as itself", field.Name)
		}
	}
}

// fill makes v something other than zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(7)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		fill(v.Field(0))
	case reflect.Interface:
		v.Set(reflect.ValueOf("x"))
	default:
		panic("teach fill about " + v.Kind().String())
	}
}
