package config

import (
	"reflect"
	"strings"
)

// FixedChanges names the keys in which next differs from r though a reload
// cannot put them in force (reference/config.md, column RL). Consul passes over
// them in silence, and leaves its user to wonder.
func (r *Runtime) FixedChanges(next *Runtime) []string {
	if r.settings == nil || next.settings == nil {
		return nil
	}
	return fixedChanges(nil, "", reflect.ValueOf(r.settings).Elem(), reflect.ValueOf(next.settings).Elem())
}

func fixedChanges(keys []string, prefix string, old, now reflect.Value) []string {
	t := old.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		switch {
		case options == "squash":
			keys = fixedChanges(keys, prefix, old.Field(i), now.Field(i))
		case name == "" || field.Tag.Get("reload") != "" || field.Tag.Get("use") != "":
		case field.Type.Kind() == reflect.Struct:
			keys = fixedChanges(keys, prefix+name+".", old.Field(i), now.Field(i))
		case !reflect.DeepEqual(old.Field(i).Interface(), now.Field(i).Interface()):
			keys = append(keys, prefix+name)
		}
	}
	return keys
}
